"""The door of every client event, and the life of a session."""

from __future__ import annotations

from simulators.realtime.knobs import Knobs
from simulators.realtime.session.outlet import Close
from tests.simulators.realtime.core_client import CoreClient, compact, pcmu_session

SPOKEN_RESPONSE = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


def test_created_comes_unasked_with_defaults() -> None:
    """The first event shows PCM 24 kHz, an id and the expiry."""
    client = CoreClient()
    (created,) = client.events
    session = created["session"]
    assert created["type"] == "session.created"
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}  # type: ignore[index]
    assert session["id"] == client.record.session_id  # type: ignore[index]
    assert session["expires_at"] == 1_800_000_000 + 3600  # type: ignore[index]


def test_updated_echoes_the_whole_configuration_without_an_event_id_of_ours() -> None:
    """The confirmation comes after a moment and shows effective values, not only changed ones."""
    client = CoreClient()
    assert client.send("session.update", event_id="su_1", session=pcmu_session()) == []
    updated = client.until("session.updated")
    session = updated["session"]
    assert session["audio"]["output"]["format"] == {"type": "audio/pcmu"}  # type: ignore[index]
    assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.5  # type: ignore[index]
    assert session["instructions"]  # type: ignore[index]
    assert updated["event_id"] != "su_1"


def test_a_refused_update_changes_nothing() -> None:
    """One bad key rejects the whole update, with our event id."""
    client = CoreClient.ready()
    session = {**pcmu_session(threshold=0.9), "voice": "alloy"}
    (error,) = client.send("session.update", event_id="su_2", session=session)
    assert error["error"]["code"] == "unknown_parameter"  # type: ignore[index]
    assert error["error"]["event_id"] == "su_2"  # type: ignore[index]
    client.send("session.update", session={"type": "realtime"})
    shown = client.until("session.updated")["session"]
    assert shown["audio"]["input"]["turn_detection"]["threshold"] == 0.5  # type: ignore[index]


def test_a_spoken_turn_has_the_recorded_order() -> None:
    """Speech, commit, user item, then the response, in exactly the recorded order."""
    client = CoreClient.ready()
    client.say()
    client.until("rate_limits.updated")
    assert compact(client.types()) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        *SPOKEN_RESPONSE,
    ]


def test_a_whole_conversation_of_the_script() -> None:
    """Greeting, long reply, call, answer, goodbye; then the turns come again."""
    client = CoreClient.ready()
    client.send("response.create")
    client.until("response.done")
    client.say()
    client.until("response.done")
    client.say("en_caller_interrupt")
    call = client.until("response.done")["response"]["output"][0]  # type: ignore[index]
    assert (call["name"], call["status"]) == ("check_order", "completed")
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": "{}"}
    client.send("conversation.item.create", item=item)
    client.send("response.create")
    client.until("response.done")
    client.say("en_caller_goodbye")
    client.until("response.done")
    client.say()
    client.until("response.done")
    said = [item.text[:12] for item in client.record.items.values() if item.role == "assistant"]
    assert said == ["Hello, this ", "Of course, I", "I have found", "You are welc", "Of course, I"]
    assert client.record.violations == []
    assert client.record.errors == []


def test_append_is_never_answered() -> None:
    """Silence in, nothing out."""
    client = CoreClient.ready()
    client.append(b"\xff" * 16_000)
    assert client.events == []
    assert client.record.appends == 100
    assert client.record.appended_bytes == 16_000


def test_append_with_an_event_id_is_heard_too() -> None:
    """The slow path of a complete append leads to the same ear."""
    client = CoreClient.ready()
    client.send("input_audio_buffer.append", event_id="a", audio="/////w==")
    assert client.record.appended_bytes == 4


def test_unknown_events_are_refused_with_their_event_id() -> None:
    """Nothing is ignored silently."""
    client = CoreClient.ready()
    (error,) = client.send("response.make", event_id="x1")
    assert error["error"]["event_id"] == "x1"  # type: ignore[index]
    assert client.error_code(client.send("output_audio_buffer.clear")) == "invalid_value"
    assert len(client.record.violations) == 2


def test_binary_frames_are_refused() -> None:
    """Text frames only; a binary one counts as a violation."""
    client = CoreClient.ready()
    assert client.error_code(client.send_frame(b'{"type":"response.create"}')) == "invalid_event"
    assert client.record.violations[0].kind == "binary_frame"


def test_audio_or_create_before_the_confirmation_is_a_violation() -> None:
    """The gate: nothing is to be sent before `session.updated`."""
    client = CoreClient()
    client.append(b"\xff" * 480)
    client.send("response.create")
    assert [v.kind for v in client.record.violations] == ["before_session_updated"] * 2


def test_unconfirmed_audio_is_read_as_pcm() -> None:
    """Without an update a reply is 48 bytes a millisecond: static on a telephone."""
    client = CoreClient()
    client.send("response.create")
    client.until("response.done")
    (item,) = client.record.items.values()
    total_bytes = sum(len(str(e["delta"])) * 3 // 4 for e in client.of("response.output_audio.delta"))
    assert abs(total_bytes / item.generated_ms - 48) < 1


def test_the_session_expires() -> None:
    """At the limit: one error, then close 1001; nothing after."""
    client = CoreClient(Knobs(session_limit_ms=5000))
    assert client.first("session.created")["session"]["expires_at"] == 1_800_000_005  # type: ignore[index]
    client.advance(4999)
    assert client.closes == []
    client.advance(1)
    assert client.events[-1]["error"]["code"] == "session_expired"  # type: ignore[index]
    assert [close.code for close in client.closes] == [1001]
    assert "maximum duration" in client.closes[0].reason
    assert client.send("response.create") == []
    assert client.session.next_due_at_ms() is None


def test_account_error_at_connect() -> None:
    """The socket opens, says why, and closes with 4000."""
    client = CoreClient(Knobs(account_error="invalid_api_key"))
    assert client.events[-1]["error"]["code"] == "invalid_api_key"  # type: ignore[index]
    assert client.closes == [Close(4000, "invalid_request_error.invalid_api_key")]


def test_account_error_at_the_first_generation() -> None:
    """The session is confirmed and dies when it should speak, whoever asked."""
    knobs = Knobs(account_error="insufficient_quota", account_error_at="response")
    client = CoreClient.ready(knobs)
    client.say()
    assert client.of("response.created") == []
    assert client.first("error")["error"]["code"] == "insufficient_quota"  # type: ignore[index]
    assert [close.code for close in client.closes] == [4000]


def test_voice_is_fixed_once_the_model_has_spoken() -> None:
    """Before the first audio it may change, afterwards not."""
    client = CoreClient.ready()
    voice = {"type": "realtime", "audio": {"output": {"voice": "ash"}}}
    assert client.send("session.update", session=voice) == []
    client.send("response.create")
    client.until("response.done")
    voice = {"type": "realtime", "audio": {"output": {"voice": "sage"}}}
    assert client.error_code(client.send("session.update", session=voice)) == "cannot_update_voice"


def test_speed_is_fixed_while_a_response_runs() -> None:
    """Between responses it may change."""
    client = CoreClient.ready()
    speed = {"type": "realtime", "audio": {"output": {"speed": 1.2}}}
    client.send("response.create")
    assert client.error_code(client.send("session.update", session=speed)) == "invalid_value"
    client.until("response.done")
    client.events.clear()
    client.send("session.update", session=speed)
    assert client.until("session.updated")
