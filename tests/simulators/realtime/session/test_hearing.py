"""The input side: buffer, turns, transcription, the idle timer."""

from __future__ import annotations

import base64

from simulators import asides
from simulators.realtime.knobs import Knobs, ResponseKnobs
from tests.simulators.realtime.core_client import SILENT_FRAME, CoreClient, pcmu_session

TRANSCRIPTION = "conversation.item.input_audio_transcription"


def transcribing(knobs: Knobs | None = None) -> CoreClient:
    client = CoreClient.ready(knobs)
    audio = {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}
    client.send("session.update", session={"type": "realtime", "audio": audio})
    client.advance(50)
    return client


def test_one_item_id_from_speech_to_commit() -> None:
    """Minted at `speech_started`, reused to the end."""
    client = CoreClient.ready()
    client.say()
    ids = {
        client.first(f"input_audio_buffer.{name}")["item_id"]
        for name in ("speech_started", "speech_stopped", "committed")
    }
    assert len(ids) == 1
    assert client.first("conversation.item.added")["item"]["id"] in ids  # type: ignore[index]


def test_offsets_count_audio_not_time() -> None:
    """A pause in appending leaves no trace in the offsets, and ends no turn."""
    client = CoreClient.ready()
    client.append(SILENT_FRAME * 50)
    client.advance(60_000)
    client.append(b"\x90\x10" * 800)
    client.advance(60_000)
    assert client.of("input_audio_buffer.speech_stopped") == []
    assert client.first("input_audio_buffer.speech_started")["audio_start_ms"] == 1000 - 300
    client.append(SILENT_FRAME * 15)
    assert client.first("input_audio_buffer.speech_stopped")["audio_end_ms"] == 1200 + 300


def test_create_response_false_only_listens() -> None:
    """Events and items, but no response by itself; the client's create answers the turn."""
    client = CoreClient.ready(create_response=False)
    client.say()
    client.advance(5000)
    assert client.of("response.created") == []
    client.send("response.create")
    assert client.until("response.output_audio_transcript.done")["transcript"].startswith("Of course")  # type: ignore[attr-defined]


def test_manual_turns() -> None:
    """With detection off: no speech events; commit makes the item, create the reply."""
    client = CoreClient.ready()
    audio = {"input": {"turn_detection": None}}
    client.send("session.update", session={"type": "realtime", "audio": audio})
    client.advance(50)
    client.events.clear()
    client.say()
    assert client.types() == []
    client.send("input_audio_buffer.commit")
    client.advance(5000)
    assert client.types() == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    client.send("response.create")
    assert client.until("response.done")["response"]["status"] == "completed"  # type: ignore[index]


def test_commit_of_too_little_audio() -> None:
    """Below 100 ms, or after the detector's own commit."""
    client = CoreClient.ready()
    client.append(SILENT_FRAME * 4)
    code = "input_audio_buffer_commit_empty"
    assert client.error_code(client.send("input_audio_buffer.commit")) == code
    client.append(SILENT_FRAME)
    assert client.send("input_audio_buffer.commit")[0]["type"] == "input_audio_buffer.committed"
    assert client.error_code(client.send("input_audio_buffer.commit")) == code


def test_clear_forgets_the_speech() -> None:
    """Cleared, also when empty; the speech in progress never stops."""
    client = CoreClient.ready()
    client.append(b"\x90\x10" * 800)
    (answer,) = client.send("input_audio_buffer.clear")
    assert answer["type"] == "input_audio_buffer.cleared"
    assert client.send("input_audio_buffer.clear")[0]["type"] == "input_audio_buffer.cleared"
    client.append(SILENT_FRAME * 40)
    assert client.of("input_audio_buffer.speech_stopped") == []


def test_the_commit_holds_padding_and_window_only() -> None:
    """Minutes of silence before a turn are not part of it."""
    client = CoreClient.ready()
    client.append(SILENT_FRAME * 1000)
    client.append(b"\x90\x10" * 1600)
    client.append(SILENT_FRAME * 15)
    item_id = str(client.first("input_audio_buffer.committed")["item_id"])
    assert client.record.items[item_id].generated_ms == 300 + 400 + 300


def test_transcription_comes_later_and_once() -> None:
    """Some time after the commit, with the script's words; several delays over several turns."""
    client = transcribing()
    delays = set()
    for _ in range(6):
        client.say()
        committed_at_ms = client.now_ms
        completed = client.until(f"{TRANSCRIPTION}.completed")
        delays.add(client.now_ms - committed_at_ms)
        item_id = str(completed["item_id"])
        assert client.record.items[item_id].text == completed["transcript"]
        client.advance(10_000)
    assert len(delays) == 6
    assert len(client.of(f"{TRANSCRIPTION}.completed")) == 6
    assert client.first(f"{TRANSCRIPTION}.completed")["transcript"] == (
        "Hello, I am calling about an order I made last week."
    )


def test_transcription_may_start_before_the_item_exists() -> None:
    """Seen in recordings: a delta for an item that comes later."""
    client = transcribing()
    early = 0
    for _ in range(8):
        client.events.clear()
        client.say()
        types = client.types()
        delta = f"{TRANSCRIPTION}.delta"
        early += delta in types[: types.index("input_audio_buffer.committed")]
        client.advance(10_000)
    assert 0 < early < 8


def test_a_cough_and_a_murmur_are_no_turn_of_the_script() -> None:
    """They are transcribed as what they are; the next turn is still the first one."""
    client = transcribing()
    for aside in (asides.cough(), asides.murmur()):
        client.append(aside.audio + SILENT_FRAME * 20)
        client.advance(3_000)
    client.say()
    client.advance(10_000)

    completed = [event["transcript"] for event in client.of(f"{TRANSCRIPTION}.completed")]
    assert completed == ["", "Mm-hm.", "Hello, I am calling about an order I made last week."]
    for event in client.of(f"{TRANSCRIPTION}.completed"):
        pieces = [e["delta"] for e in client.of(f"{TRANSCRIPTION}.delta") if e["item_id"] == event["item_id"]]
        assert "".join(map(str, pieces)) == event["transcript"]


def test_a_transcript_may_come_when_it_is_wanted() -> None:
    """By the knob, from the end of the turn on."""
    client = transcribing(Knobs(transcript_ms=5_000))
    client.say()
    said_at_ms = client.now_ms

    client.until(f"{TRANSCRIPTION}.completed")

    assert 4_900 <= client.now_ms - said_at_ms <= 5_000


def test_no_transcription_unless_asked_for() -> None:
    """Off by default."""
    client = CoreClient.ready()
    client.say()
    client.advance(10_000)
    assert not any(name.startswith(TRANSCRIPTION) for name in client.types())


def test_knob_transcription_fails() -> None:
    """`.failed` settles the item instead."""
    client = transcribing(Knobs(transcription_fails=True))
    client.say()
    failed = client.until(f"{TRANSCRIPTION}.failed")
    assert failed["item_id"] == client.first("input_audio_buffer.committed")["item_id"]
    assert client.of(f"{TRANSCRIPTION}.completed") == []


def test_idle_timeout_counts_from_the_end_of_the_audio() -> None:
    """Done + audio length + timeout: then an event, a commit and a response of the server's."""
    client = CoreClient.ready(idle_timeout_ms=5000)
    client.send("response.create")
    client.until("response.done")
    (item,) = client.record.items.values()
    due_at_ms = client.now_ms + item.generated_ms + 5000
    client.events.clear()
    client.until("response.created")
    assert abs(client.now_ms - due_at_ms) < 1
    assert [t for t in client.types() if t.startswith("input_audio_buffer")] == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
    ]
    assert client.until("response.output_audio_transcript.done")["transcript"] == ("Are you still there?")


def test_speech_disarms_the_idle_timeout() -> None:
    """A caller who spoke is not idle, even if nobody answered."""
    client = CoreClient.ready(idle_timeout_ms=5000, create_response=False)
    client.send("response.create")
    client.until("response.done")
    client.append(b"\x90\x10" * 800 + SILENT_FRAME * 20)
    client.advance(30_000)
    assert client.of("input_audio_buffer.speech_stopped")
    assert client.of("input_audio_buffer.timeout_triggered") == []


def test_a_running_response_keeps_the_idle_timeout_away() -> None:
    """Nobody is asked whether he is still there while the model is at work."""
    slow = Knobs(by_response={2: ResponseKnobs(first_audio_ms=20_000)})
    client = CoreClient.ready(slow, idle_timeout_ms=5000)
    client.send("response.create")
    client.until("response.done")
    client.send("response.create")
    client.advance(19_000)
    assert client.of("input_audio_buffer.timeout_triggered") == []


def test_transcription_deltas_join_to_the_transcript() -> None:
    """Whether the first word came early or not, in long turns and short ones."""
    client = transcribing()
    for _ in range(60):
        client.append(b"\x90\x10" * 240 + SILENT_FRAME * 16)
        client.advance(10_000)
    completed = client.of(f"{TRANSCRIPTION}.completed")
    assert len(completed) == 60
    for event in completed:
        deltas = client.of(f"{TRANSCRIPTION}.delta")
        own = [str(delta["delta"]) for delta in deltas if delta["item_id"] == event["item_id"]]
        assert "".join(own) == event["transcript"]


def test_the_buffer_is_bounded() -> None:
    """Committing by hand and never doing it loses the oldest audio beyond ten minutes."""
    client = CoreClient.ready()
    audio = {"input": {"turn_detection": None}}
    client.send("session.update", session={"type": "realtime", "audio": audio})
    encoded = base64.b64encode(bytes(8 * 660_000)).decode()
    client.send("input_audio_buffer.append", audio=encoded)
    client.send("input_audio_buffer.commit")
    (item,) = client.record.items.values()
    assert item.generated_ms == 600_000


def test_changing_other_settings_does_not_disturb_speech() -> None:
    """An update in the middle of a turn leaves the detector where it is."""
    client = CoreClient.ready()
    client.append(b"\x90\x10" * 800)
    session = pcmu_session(create_response=False)
    client.send("session.update", session=session)
    client.append(SILENT_FRAME * 15)
    assert client.of("input_audio_buffer.speech_stopped")
    assert client.of("response.created") == []
