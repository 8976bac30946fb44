"""Which responses exist, cancelling, and every knob of a response."""

from __future__ import annotations

import base64

import pytest

from simulators import clips, mulaw
from simulators.realtime import script
from simulators.realtime.knobs import Knobs, ResponseKnobs
from simulators.realtime.script import Call
from tests.simulators.realtime.core_client import SILENT_FRAME, CoreClient, compact

CLOSING = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]
DELTA = "response.output_audio.delta"


def respond(client: CoreClient, **params: object) -> str:
    """Creates a response; returns its id."""
    events = client.send("response.create", response=params) if params else client.send("response.create")
    assert events[0]["type"] == "response.created", events
    return str(events[0]["response"]["id"])  # type: ignore[index]


def done(client: CoreClient) -> dict[str, object]:
    return client.until("response.done")["response"]  # type: ignore[return-value]


# Identity


def test_metadata_comes_back_in_created_and_done() -> None:
    """The token of a create is how a client knows its own response."""
    client = CoreClient.ready()
    created = client.send("response.create", response={"metadata": {"token": "t1"}})
    assert created[0]["response"]["metadata"] == {"token": "t1"}  # type: ignore[index]
    assert done(client)["metadata"] == {"token": "t1"}


def test_the_servers_own_response_has_no_metadata() -> None:
    """That is how a client knows the server's."""
    client = CoreClient.ready()
    client.say()
    assert client.first("response.created")["response"]["metadata"] is None  # type: ignore[index]


def test_done_lists_items_without_audio() -> None:
    """The final object has status, items, usage; the item's part is `output_audio`."""
    client = CoreClient.ready()
    respond(client)
    response = done(client)
    (item,) = response["output"]  # type: ignore[misc]
    assert response["status"] == "completed"
    assert response["status_details"] is None
    assert item["content"][0]["type"] == "output_audio"
    assert item["content"][0]["transcript"].startswith("Hello")
    assert "audio" not in item["content"][0]
    assert "object" not in item
    assert response["usage"]["output_token_details"]["audio_tokens"] == 65  # type: ignore[index]


def test_content_parts_say_audio() -> None:
    """`content_part.*` events keep the short names, as recorded."""
    client = CoreClient.ready()
    respond(client)
    done(client)
    assert client.first("response.content_part.added")["part"] == {"type": "audio", "transcript": ""}


def test_text_deltas_are_padded_and_audio_deltas_are_not() -> None:
    """`obfuscation` belongs to text."""
    client = CoreClient.ready()
    respond(client)
    done(client)
    assert all(e["obfuscation"] for e in client.of("response.output_audio_transcript.delta"))
    assert not any("obfuscation" in e for e in client.of(DELTA))


# The slot


def test_a_second_create_is_refused_and_names_the_active_response() -> None:
    """One writer at a time; the error carries the refused event's id."""
    client = CoreClient.ready()
    response_id = respond(client)
    (error,) = client.send("response.create", event_id="c2")
    body = error["error"]
    assert body["code"] == "conversation_already_has_active_response"  # type: ignore[index]
    assert response_id in body["message"]  # type: ignore[index]
    assert body["event_id"] == "c2"  # type: ignore[index]
    assert client.record.violations == []


def test_the_slot_is_free_once_done_is_sent() -> None:
    """And not before, cancelled or not."""
    client = CoreClient.with_response(stragglers=2)
    response_id = respond(client)
    client.advance(800)
    client.send("response.cancel", response_id=response_id)
    assert client.error_code(client.send("response.create")) == "conversation_already_has_active_response"
    done(client)
    assert respond(client) != response_id


def test_the_servers_collision_names_no_event() -> None:
    """A turn that cannot be answered because a response runs on gives an error without event id."""
    client = CoreClient.ready(Knobs(response=ResponseKnobs(speed_factor=0.5)), interrupt_response=False)
    respond(client)
    client.say()
    error = client.first("error")["error"]
    assert error["code"] == "conversation_already_has_active_response"  # type: ignore[index]
    assert error["event_id"] is None  # type: ignore[index]


# Cancelling


@pytest.mark.parametrize("stragglers", [0, 1, 3])
def test_cancel_lets_deltas_in_flight_arrive_then_closes(stragglers: int) -> None:
    """0–3 more audio deltas, the closing chain, item incomplete, reason client_cancelled."""
    client = CoreClient.with_response(stragglers=stragglers)
    response_id = respond(client)
    client.advance(700)
    client.events.clear()
    assert [e["type"] for e in client.send("response.cancel", response_id=response_id)] == (
        [] if stragglers else CLOSING
    )
    client.advance(200)
    assert client.types() == [DELTA] * stragglers + CLOSING
    response = client.first("response.done")["response"]
    assert response["status"] == "cancelled"  # type: ignore[index]
    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}  # type: ignore[index]
    assert response["output"][0]["status"] == "incomplete"  # type: ignore[index]


def test_stragglers_are_drawn_when_the_knob_is_open() -> None:
    """Over many cancels each number from 0 to 3 occurs."""
    seen = set()
    client = CoreClient.ready()
    for _ in range(40):
        respond(client)
        client.advance(500)
        before = len(client.of(DELTA))
        client.send("response.cancel")
        client.advance(100)
        seen.add(len(client.of(DELTA)) - before)
    assert seen == {0, 1, 2, 3}


def test_speech_interrupts_the_active_response() -> None:
    """`speech_started` comes first, then the chain, with reason turn_detected."""
    client = CoreClient.with_response(stragglers=1)
    respond(client)
    client.advance(500)
    client.events.clear()
    client.append(b"\x90\x10" * 400)
    client.append(SILENT_FRAME * 2)
    start = client.types().index("input_audio_buffer.speech_started")
    assert client.types()[start + 1 :] == [DELTA, *CLOSING]
    details = client.first("response.done")["response"]["status_details"]  # type: ignore[index]
    assert details == {"type": "cancelled", "reason": "turn_detected"}


def test_interrupt_response_false_leaves_it_running() -> None:
    """Speech is reported, the response goes on to its end."""
    client = CoreClient.ready(interrupt_response=False)
    respond(client)
    client.advance(500)
    client.append(b"\x90\x10" * 400)
    assert client.first("input_audio_buffer.speech_started")
    assert done(client)["status"] == "completed"


@pytest.mark.parametrize("response_id", ["resp_unknown", None])
def test_cancel_of_nothing(response_id: str | None) -> None:
    """Unknown or finished: an error with our event id, and no violation."""
    client = CoreClient.ready()
    fields = {} if response_id is None else {"response_id": response_id}
    (error,) = client.send("response.cancel", event_id="x", **fields)
    assert error["error"]["code"] == "response_cancel_not_active"  # type: ignore[index]
    assert error["error"]["event_id"] == "x"  # type: ignore[index]
    assert client.record.violations == []


def test_cancel_of_a_finished_response() -> None:
    """The usual barge-in: generation ended long ago."""
    client = CoreClient.ready()
    response_id = respond(client)
    done(client)
    code = client.error_code(client.send("response.cancel", response_id=response_id))
    assert code == "response_cancel_not_active"


def test_cancel_before_any_output_gives_a_bare_done() -> None:
    """No item was opened, so none is closed."""
    client = CoreClient.ready()
    respond(client)
    client.events.clear()
    client.send("response.cancel")
    assert client.types() == ["response.done", "rate_limits.updated"]


# Out of band


def test_out_of_band_runs_beside_and_leaves_no_item() -> None:
    """Two at once; the second has no conversation and no conversation.item events."""
    client = CoreClient.ready()
    respond(client)
    aside = respond(client, conversation="none", output_modalities=["text"], metadata={"a": "b"})
    client.events.clear()
    client.advance(5000)
    ends = {e["response"]["id"]: e["response"] for e in client.of("response.done")}  # type: ignore[index]
    assert len(ends) == 2
    assert ends[aside]["conversation_id"] is None
    assert ends[aside]["output"][0]["content"][0]["type"] == "output_text"
    added = {e["item"]["id"] for e in client.of("conversation.item.added")}  # type: ignore[index]
    assert ends[aside]["output"][0]["id"] not in added


def test_only_an_id_cancels_out_of_band() -> None:
    """A bare cancel and a speaking caller do not reach it."""
    client = CoreClient.ready()
    aside = respond(client, conversation="none")
    assert client.error_code(client.send("response.cancel")) == "response_cancel_not_active"
    client.append(b"\x90\x10" * 400)
    assert client.record.responses[aside].status == "in_progress"
    client.send("response.cancel", response_id=aside)
    client.advance(100)
    assert client.record.responses[aside].status == "cancelled"


def test_reference_to_an_unknown_item_is_refused() -> None:
    """`response.input` may only refer to what exists."""
    client = CoreClient.ready()
    params = {"conversation": "none", "input": [{"type": "item_reference", "id": "item_x"}]}
    assert client.error_code(client.send("response.create", response=params)) == (
        "item_reference_invalid_item_id"
    )


# Calls


def test_a_call_needs_its_tool() -> None:
    """Without the function, or with tool_choice none, the answer is spoken."""
    client = CoreClient.ready()
    client.send("session.update", session={"type": "realtime", "tool_choice": "none"})
    client.say()
    done(client)
    client.say()
    (item,) = done(client)["output"]  # type: ignore[misc]
    assert item["content"][0]["transcript"].startswith("I have found")


def test_a_call_has_the_recorded_order() -> None:
    """Added, argument deltas, done, item done, output item done."""
    client = CoreClient.ready()
    client.say()
    done(client)
    client.say()
    client.events.clear()
    done(client)
    assert compact(client.types()) == [
        "response.output_item.added",
        "conversation.item.added",
        "delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    arguments = client.first("response.function_call_arguments.done")
    assert arguments["arguments"] == '{"order_number": "4217"}'
    pieces = [e["delta"] for e in client.of("response.function_call_arguments.delta")]
    assert "".join(map(str, pieces)) == arguments["arguments"]


# Knobs


def test_knob_created_delay_holds_the_slot_and_cannot_be_cancelled() -> None:
    """The slot is taken at once; cancel before `created` is a no-op and it starts anyway."""
    client = CoreClient.with_response(created_delay_ms=500)
    assert client.send("response.create") == []
    assert client.error_code(client.send("response.cancel")) == "response_cancel_not_active"
    assert client.error_code(client.send("response.create")) == ("conversation_already_has_active_response")
    assert client.until("response.created")
    assert client.now_ms == 1100 + 500
    assert done(client)["status"] == "completed"


def test_knob_first_audio() -> None:
    """A slow model's first delta comes when told."""
    client = CoreClient.with_response(first_audio_ms=2500)
    began_ms = client.now_ms
    respond(client)
    client.until(DELTA)
    assert client.now_ms - began_ms == 2500


def test_knob_speed_factor() -> None:
    """At real time the greeting takes about its own length."""
    client = CoreClient.with_response(speed_factor=1.0)
    respond(client)
    client.until(DELTA)
    began_ms = client.now_ms
    done(client)
    assert 2000 < client.now_ms - began_ms < 3300


def test_knob_stall() -> None:
    """After two deltas nothing comes for the given time; then it goes on to the end."""
    client = CoreClient.with_response(stall_after_deltas=2, stall_ms=4000)
    respond(client)
    client.advance(4000)
    assert len(client.of(DELTA)) == 2
    assert done(client)["status"] == "completed"
    assert len(client.of(DELTA)) > 10


@pytest.mark.parametrize("named", ["with_event_id", "without_event_id"])
def test_knob_reject_create(named: str) -> None:
    """A refusal that names our event, or not; the next create passes."""
    knobs = Knobs(by_response={1: ResponseKnobs(reject_create=named)})  # type: ignore[arg-type]
    client = CoreClient.ready(knobs)
    (error,) = client.send("response.create", event_id="c1")
    assert error["error"]["type"] == "server_error"  # type: ignore[index]
    assert error["error"]["event_id"] == ("c1" if named == "with_event_id" else None)  # type: ignore[index]
    respond(client)


def test_knob_lost_done() -> None:
    """`response.done` never comes, yet the slot is free: a new create passes, a cancel does not."""
    client = CoreClient.with_response(lost_done=True)
    respond(client)
    client.advance(10_000)
    assert client.of("response.output_item.done")
    assert client.of("response.done") == []
    assert client.error_code(client.send("response.cancel")) == "response_cancel_not_active"
    respond(client)


def test_knob_late_done() -> None:
    """The old `done` arrives after the newer `created`."""
    client = CoreClient.ready(Knobs(by_response={1: ResponseKnobs(late_done=True)}))
    old = respond(client)
    client.until("response.output_item.done")
    assert client.of("response.done") == []
    new = respond(client)
    late = client.until("response.done")["response"]
    assert late["id"] == old != new  # type: ignore[index]
    assert client.record.responses[new].status == "in_progress"


def test_knob_late_done_alone_comes_after_three_seconds() -> None:
    """Without a newer response it is only late, not lost."""
    client = CoreClient.with_response(late_done=True)
    respond(client)
    client.until("response.output_item.done")
    began_ms = client.now_ms
    done(client)
    assert client.now_ms - began_ms == 3000
    client.advance(10_000)
    assert len(client.of("response.done")) == 1


@pytest.mark.parametrize("deltas", [0, 3])
def test_knob_fail(deltas: int) -> None:
    """Failed, with the code in status_details, before or amid the audio."""
    client = CoreClient.with_response(fail="rate_limit_exceeded", fail_after_deltas=deltas)
    respond(client)
    response = done(client)
    assert response["status"] == "failed"
    assert response["status_details"]["error"]["code"] == "rate_limit_exceeded"  # type: ignore[index]
    assert response["usage"] is None
    assert len(client.of(DELTA)) == deltas
    assert [item["status"] for item in response["output"]] == ["incomplete"] * bool(deltas)  # type: ignore[attr-defined]


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_knob_incomplete(reason: str) -> None:
    """Half the audio, then incomplete with the reason."""
    client = CoreClient.with_response(incomplete=reason)
    respond(client)
    response = done(client)
    assert response["status_details"] == {"type": "incomplete", "reason": reason}
    assert response["output"][0]["status"] == "incomplete"  # type: ignore[index]
    (item,) = client.record.items.values()
    assert 1000 < item.generated_ms < 2300


def test_the_token_limit_is_kept() -> None:
    """20 tokens are a second of audio; the response ends incomplete by itself."""
    client = CoreClient.ready()
    respond(client, max_output_tokens=40)
    assert done(client)["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    (item,) = client.record.items.values()
    assert 1500 < item.generated_ms <= 2000


def test_knob_second_message_overlaps() -> None:
    """The second item's deltas begin before the first item's `.done` events; both complete."""
    client = CoreClient.with_response(second_message=True)
    respond(client)
    response = done(client)
    first, second = (item["id"] for item in response["output"])  # type: ignore[attr-defined]
    places = [
        (e["type"], e.get("item_id")) for e in client.events if str(e["type"]).endswith(("delta", "done"))
    ]
    assert places.index((DELTA, second)) < places.index(("response.output_audio.done", first))
    assert [i["phase"] for i in response["output"]] == ["commentary", "final_answer"]  # type: ignore[attr-defined]
    assert [i["status"] for i in response["output"]] == ["completed"] * 2  # type: ignore[attr-defined]


def test_knob_text_part() -> None:
    """An audio session answered in text: a text part and no audio at all."""
    client = CoreClient.with_response(text_part=True)
    respond(client)
    done(client)
    assert client.first("response.content_part.added")["part"] == {"type": "text", "text": ""}
    assert client.of(DELTA) == []
    assert client.first("response.output_text.done")["text"]


def test_knob_unknown_events() -> None:
    """An event type that no client knows, among the deltas."""
    client = CoreClient.with_response(unknown_events=True)
    respond(client)
    assert done(client)["status"] == "completed"
    assert len(client.of("response.aura.delta")) == 1


@pytest.mark.parametrize("style", ["missing", "empty"])
def test_knob_item_id(style: str) -> None:
    """Compatible servers leave the id out or empty; everything else stays."""
    client = CoreClient.with_response(item_id=style)
    respond(client)
    done(client)
    deltas = client.of(DELTA)
    assert all(delta.get("item_id") == (None if style == "missing" else "") for delta in deltas)
    assert all(delta["response_id"] for delta in deltas)


def test_knob_rate_limits() -> None:
    """`rate_limits.updated` may be absent."""
    client = CoreClient.with_response(rate_limits=False)
    respond(client)
    client.advance(10_000)
    assert client.of("rate_limits.updated") == []
    assert client.of("response.done")


def test_knob_unanswered_create_leads_to_nothing() -> None:
    """No event, and the slot stays free for the next one."""
    client = CoreClient.ready(Knobs(by_response={1: ResponseKnobs(unanswered=True)}))
    assert client.send("response.create") == []
    assert client.advance(10_000) == []
    respond(client)
    assert client.record.asked_responses == 2


def test_knob_unanswered_turn_leads_to_nothing() -> None:
    """It is committed, and the next response answers it."""
    client = CoreClient.ready(Knobs(by_response={1: ResponseKnobs(unanswered=True)}))
    client.say()
    client.advance(5_000)
    assert client.of("input_audio_buffer.committed")
    assert client.of("response.created") == []
    respond(client)
    assert done(client)["output"][0]["content"][0]["transcript"].startswith("Of course")  # type: ignore[index]


def test_knob_stuck_cancel_blocks_the_slot() -> None:
    """Nothing ends, and no other response can begin."""
    client = CoreClient.with_response(stuck_cancel=True)
    response_id = respond(client)
    client.advance(600)
    client.send("response.cancel", response_id=response_id)
    client.advance(60_000)
    assert client.of("response.done") == []
    assert client.error_code(client.send("response.create")) == "conversation_already_has_active_response"


def test_knob_reject_code() -> None:
    """The refusal says what a test wants to be said."""
    client = CoreClient.with_response(reject_create="without_event_id", reject_code="rate_limit_exceeded")
    (error,) = client.send("response.create", event_id="c1")
    assert error["error"]["code"] == "rate_limit_exceeded"  # type: ignore[index]
    assert error["error"]["event_id"] is None  # type: ignore[index]


def test_knob_fail_names_a_time() -> None:
    """In the message, as the service does."""
    client = CoreClient.with_response(fail="rate_limit_exceeded", fail_retry_after_s=2.5)
    respond(client)
    error = done(client)["status_details"]["error"]  # type: ignore[index]
    assert error["message"].endswith("Please try again in 2.5s.")


def test_a_model_that_has_spoken_greets_nobody_again() -> None:
    """Not in a session that was told of the one before either."""
    client = CoreClient.ready()
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello, this is"}],
    }
    client.send("conversation.item.create", item=said)
    respond(client)
    transcript = done(client)["output"][0]["content"][0]["transcript"]  # type: ignore[index]
    assert transcript != clips.manifest()["en_model_greeting"].text


def test_a_model_that_knows_a_calls_output_does_not_call_again() -> None:
    """Not in a session that was told of the call, its output and the turns before them either."""
    number, name = next(
        (at, out.name)
        for at, turn in enumerate(script.load("english").turns, 1)
        for out in turn.reply
        if isinstance(out, Call)
    )
    client = CoreClient.ready()
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Where is it?"}]}
    called = {"type": "function_call", "call_id": "c1", "name": name, "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c1", "output": "1"}
    for item in (*[said] * number, called, output):
        client.send("conversation.item.create", item=item)
    respond(client)
    assert [item["type"] for item in done(client)["output"]] == ["message"]  # type: ignore[attr-defined]


def test_knob_no_output() -> None:
    """Completed, and nothing in it."""
    client = CoreClient.with_response(no_output=True)
    respond(client)
    response = done(client)
    assert (response["status"], response["output"]) == ("completed", [])


def test_knob_silent_audio_is_as_long_as_the_clip_and_too_soft() -> None:
    """A transcript comes with it, so that it looks like an answer."""
    client = CoreClient.with_response(silent_audio=True)
    respond(client)
    response = done(client)
    audio = b"".join(base64.b64decode(str(event["delta"])) for event in client.of(DELTA))
    assert abs(len(audio) - len(clips.load("en_model_greeting"))) < 4
    assert mulaw.energy(audio) == 0
    assert response["output"][0]["content"][0]["transcript"].startswith("Hello")  # type: ignore[index]


@pytest.mark.parametrize("deltas", [0, 3])
def test_knob_incomplete_after_deltas(deltas: int) -> None:
    """As early as a test wants."""
    client = CoreClient.with_response(incomplete="max_output_tokens", incomplete_after_deltas=deltas)
    respond(client)
    assert done(client)["status"] == "incomplete"
    assert len(client.of(DELTA)) == deltas


def test_knob_text_part_type() -> None:
    """Both names are met in the field."""
    client = CoreClient.with_response(text_part=True, text_part_type="output_text")
    respond(client)
    done(client)
    assert client.first("response.content_part.added")["part"] == {"type": "output_text", "text": ""}
