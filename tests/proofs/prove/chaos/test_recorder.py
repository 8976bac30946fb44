"""The simulators' records, frame by frame."""

from __future__ import annotations

from array import array
from base64 import b64encode

from ingress.sound.hold_clip import hold_clip
from proofs.prove.chaos import story
from proofs.prove.chaos.evidence.coding import MODEL, Voice
from proofs.prove.chaos.recorder import call_of
from simulators import mulaw
from simulators.realtime import Knobs, SessionRecord
from simulators.realtime.record import ItemRecord, ResponseRecord, TimedEvent
from simulators.twilio import CallRecord
from simulators.twilio.media.playout import Playback
from simulators.twilio.record import MediaStream, Utterance, VerbRun

ZERO_MS = 1_000_000.0
SILENCE = bytes([mulaw.SILENCE])
VOICE = Voice(speaker=MODEL, call=1, session=4, response=2, clip=9)


def record(*playbacks: Playback) -> CallRecord:
    """A call of 20 s in which this was heard."""
    made = CallRecord("CA1", "", "", ZERO_MS, answered_at_ms=0.0, ended_at_ms=20_000.0, end_reason="x")
    made.playout.playbacks.extend(playbacks)
    return made


def playback(at_ms: float, audio: bytes) -> Playback:
    """An unbroken stretch."""
    ended_ms = at_ms + len(audio) / 8
    return Playback(at_ms, ended_ms, end="dry", bytes=len(audio), audio=bytearray(audio))


def test_each_frame_is_heard_at_its_time() -> None:
    """On the host's clock, with its numbers; the last one was cut."""
    call = call_of(1, record(playback(3_000, VOICE.audio(480)[:400])), [], is_hit=True, is_finished=False)

    assert [(f.at_ms, f.frame, f.ms) for f in call.heard] == [
        (ZERO_MS + 3_000, 0, 20),
        (ZERO_MS + 3_020, 1, 20),
        (ZERO_MS + 3_040, 2, 10),
    ]
    assert {(f.session, f.response, f.call, f.clip) for f in call.heard} == {(4, 2, 1, 9)}
    assert (call.is_hit, call.is_finished, call.ended_ms) == (True, False, ZERO_MS + 20_000)


def test_a_frame_is_not_late_by_what_the_simulator_stood_still() -> None:
    """Neither where it is read, nor where the network brings it on; beside that it is as late as it is."""
    made = record()
    stream = MediaStream(1, "MZ", "", {}, 0.0, open_at_ms=0.0)
    # The first two build up a lead of 20 ms; each of the others is due 20 ms behind the one before.
    arrivals = [500.0, 500.0, 520.0, 590.0, 590.0, 590.0, 600.0, 625.0]
    stream.received_at_ms = array("d", arrivals)
    stream.received_bytes = array("L", [160] * len(arrivals))
    made.streams.append(stream)

    def lateness(*stalls_ms: tuple[float, float]) -> list[float]:
        at_ms = [(ZERO_MS + began, ZERO_MS + ended) for began, ended in stalls_ms]
        return call_of(
            1, made, [], is_hit=False, is_finished=True, stalls_ms=at_ms, network_ms=50.0
        ).lateness_ms

    assert lateness() == [0, -20, -20, 30, -20, -40, -50, -45]
    assert lateness((530.0, 588.0)) == [0, -20, -20, -30, -80, -100, -70, -90]
    assert lateness((480.0, 538.0)) == [0, -40, -60, -30, -80, -100, -50, -45], "read 50 ms before"
    assert lateness((400.0, 440.0), (700.0, 800.0)) == lateness()

    # The same audio in longer messages: each 20 ms of them is judged, as if they came one by one.
    stream.received_at_ms = array("d", [500.0, 520.0, 590.0, 600.0, 625.0])
    stream.received_bytes = array("L", [320, 160, 480, 160, 160])
    assert lateness() == [0, -20, -20, 30, -20, -40, -50, -45]
    assert lateness((530.0, 588.0)) == [0, -20, -20, -30, -80, -100, -70, -90]


def test_other_sounds_are_told() -> None:
    """Our own clip, also where it was cut or played twice; Twilio's voice; and what nobody made."""
    headless = SILENCE * 60 + VOICE.frame(0)[60:]
    made = record(
        playback(1_000, hold_clip()[:3_000]),
        playback(3_000, hold_clip() * 2 + VOICE.frame(0)),
        playback(6_000, headless),
    )
    made.verbs.append(VerbRun("Say", "Sorry.", 9_000, 11_000))
    made.verbs.append(VerbRun("Dial", "+15550009999", 12_000, 14_000))
    call = call_of(1, made, [], is_hit=False, is_finished=True)

    assert [each.kind for each in call.other] == ["clip", "clip", "unknown", "apology", "ringing"]
    assert call.other[3].span.ms == 2_000
    assert 6_007.5 <= call.other[2].span.start_ms - ZERO_MS <= 6_008
    assert len(call.heard) == 1


def test_what_arrived_is_kept_though_it_was_not_played() -> None:
    """Message by message."""
    made = record()
    stream = MediaStream(1, "MZ", "", {}, 0.0, open_at_ms=100.0)
    stream.received_at_ms = array("d", [500.0, 505.0])
    stream.received_bytes = array("L", [160, 160])
    stream.received_audio += VOICE.frame(7) + VOICE.frame(8)
    made.streams.append(stream)

    call = call_of(1, made, [], is_hit=False, is_finished=True)

    assert [(f.at_ms - ZERO_MS, f.frame) for f in call.arrived] == [(500.0, 7), (505.0, 8)]
    assert [(leg.open_ms, leg.ended_ms) for leg in call.legs] == [(ZERO_MS + 100.0, None)]


def test_what_the_caller_said_is_told_by_its_number() -> None:
    """As far as it was spoken."""
    made = record()
    word = Utterance("2", 5_000, 20, 2_400, barge_in=False, ended_at_ms=6_000)
    made.utterances.append(word)
    (said,) = call_of(1, made, [], is_hit=False, is_finished=True).said
    assert (said.number, said.frames, said.voice.start_ms) == (2, 50, ZERO_MS + 5_020)


def session() -> SessionRecord:
    """One with a response that was truncated, and two appends of the caller's."""
    made = SessionRecord(
        number=4, session_id="s", model="m", knobs=Knobs(opening_ms=700.0), opened_at_ms=5.0, headers={}
    )
    made.responses["resp"] = ResponseRecord("resp", 2, "turn", None, False, 10.0, status="completed")
    made.items["call"] = ItemRecord("call", "function_call", "resp")
    made.items["item"] = ItemRecord("item", "assistant", "resp", generated_ms=1_990.0)
    cut = {"type": "conversation.item.truncate", "item_id": "item"}
    made.received.append(TimedEvent(70.0, cut))
    audio = SILENCE * 80 + story.caller_clip(1, 1, "en_caller_ask").audio[:480]
    for at_ms, end in ((100.0, 400), (160.0, len(audio))):
        made.appended_at.append((at_ms, end))
    made.appended_audio += audio
    return made


def test_a_session_is_told_with_what_it_made_and_got() -> None:
    """Its responses, their items with audio, the cut; the caller's frames with their append."""
    (told,) = call_of(1, record(), [session()], is_hit=False, is_finished=True).sessions

    assert (told.number, told.opening_ms) == (4, 700.0)
    (response,) = told.responses
    assert (response.number, response.cut_ms) == (2, 70.0)
    assert [(item.index, item.frames) for item in response.items] == [(1, 100)]
    assert [(got.at_ms, got.said, got.frame) for got in told.got] == [
        (100.0, 1, 0),
        (100.0, 1, 1),
        (160.0, 1, 2),
    ]


def test_an_item_is_told_with_its_words_where_its_audio_names_it() -> None:
    """In pieces of any length. A server may leave ids out; then nobody knows which item they were."""
    made = session()
    (item_id,) = [item.item_id for item in made.items.values() if item.generated_ms]
    frame = VOICE.frame(0)
    for named in ({"item_id": item_id}, {}, {"item_id": ""}):
        (told,) = call_of(1, record(), [made], is_hit=False, is_finished=True).sessions
        assert told.responses[0].items[0].clip == 0
        made.sent.clear()
        for piece in (frame[:100], frame[100:]):
            event = {"type": "response.output_audio.delta", "delta": b64encode(piece).decode(), **named}
            made.sent.append(TimedEvent(50.0, dict(event)))
        (told,) = call_of(1, record(), [made], is_hit=False, is_finished=True).sessions
        assert told.responses[0].items[0].clip == (9 if named.get("item_id") else 0)
        made.sent.clear()
