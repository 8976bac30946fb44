"""Items: adding, deleting, truncating, retrieving."""

from __future__ import annotations

import base64

import pytest

from simulators.realtime.knobs import Knobs
from tests.simulators.realtime.core_client import CoreClient, Event

CREATE = "conversation.item.create"
TRUNCATE = "conversation.item.truncate"


def text_item(role: str, text: str, **more: object) -> Event:
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text}]
    return {"type": "message", "role": role, "content": content, **more}


def spoken_item(client: CoreClient) -> str:
    """Lets the model speak; returns the item's id."""
    client.send("response.create")
    client.until("response.done")
    return next(i.item_id for i in client.record.items.values() if i.role == "assistant")


# Adding


@pytest.mark.parametrize("role", ["user", "system", "assistant"])
def test_text_items_are_added_and_done(role: str) -> None:
    """Added, then done, and no response."""
    client = CoreClient.ready()
    events = client.send(CREATE, item=text_item(role, "مرحبا", id="mine"))
    assert [e["type"] for e in events] == ["conversation.item.added", "conversation.item.done"]
    item = events[0]["item"]
    assert item["id"] == "mine"  # type: ignore[index]
    assert item["content"][0]["text"] == "مرحبا"  # type: ignore[index]
    client.advance(5000)
    assert client.of("response.created") == []


def test_previous_item_id_places_the_item() -> None:
    """After a named item, or first with `root`."""
    client = CoreClient.ready()
    client.send(CREATE, item=text_item("user", "a", id="a"))
    client.send(CREATE, item=text_item("user", "c", id="c"))
    after_a = client.send(CREATE, item=text_item("user", "b", id="b"), previous_item_id="a")
    first = client.send(CREATE, item=text_item("system", "0", id="zero"), previous_item_id="root")
    last = client.send(CREATE, item=text_item("user", "d"))
    previous = [events[0]["previous_item_id"] for events in (after_a, first, last)]
    assert previous == ["a", None, "c"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"item": text_item("user", "x"), "previous_item_id": "no"}, "item_create_invalid_previous_item_id"),
        ({"item": text_item("user", "x", id="known")}, "item_create_duplicate_item_id"),
        (
            {"item": {"type": "function_call_output", "call_id": "no", "output": "{}"}},
            "invalid_tool_call_id",
        ),
    ],
)  # fmt: skip
def test_items_that_do_not_fit_are_refused(fields: Event, code: str) -> None:
    """Unknown predecessor, an id twice, an output without its call; nothing is added."""
    client = CoreClient.ready()
    client.send(CREATE, item=text_item("user", "x", id="known"))
    assert client.error_code(client.send(CREATE, **fields)) == code
    assert list(client.record.items) == ["known"]


def test_a_restored_call_and_its_output_are_taken() -> None:
    """The pair that a restored history holds."""
    client = CoreClient.ready()
    call = {"type": "function_call", "call_id": "c1", "name": "check_order", "arguments": "{}"}
    client.send(CREATE, item=call)
    client.send(CREATE, item={"type": "function_call_output", "call_id": "c1", "output": "ok"})
    assert client.record.errors == []


def test_restored_user_turns_count() -> None:
    """A new session with one restored user turn goes on with the second turn of the script."""
    client = CoreClient.ready()
    client.send(CREATE, item=text_item("user", "I have a question about an order"))
    client.say("en_caller_interrupt")
    client.until("response.done")
    assert client.first("response.output_item.added")["item"]["name"] == "check_order"  # type: ignore[index]


# Truncating


def test_truncate_cuts_audio_and_drops_the_transcript() -> None:
    """The event is echoed; the item keeps no text and only the audio heard."""
    client = CoreClient.ready()
    item_id = spoken_item(client)
    fields = {"item_id": item_id, "content_index": 0, "audio_end_ms": 1200}
    (answer,) = client.send(TRUNCATE, **fields)
    assert {key: answer[key] for key in fields} == fields
    (retrieved,) = client.send("conversation.item.retrieve", item_id=item_id)
    (part,) = retrieved["item"]["content"]  # type: ignore[index]
    assert "transcript" not in part
    assert len(base64.b64decode(part["audio"])) == 1200 * 8
    assert client.record.items[item_id].truncated_ms == 1200


def test_truncate_beyond_the_audio_is_refused() -> None:
    """The message says how much there is; nothing is cut."""
    client = CoreClient.ready()
    item_id = spoken_item(client)
    length_ms = int(client.record.items[item_id].generated_ms)
    fields = {"item_id": item_id, "content_index": 0}
    (error,) = client.send(TRUNCATE, audio_end_ms=length_ms + 1, event_id="t", **fields)
    message = f"Audio content of {length_ms}ms is already shorter than {length_ms + 1}ms"
    assert error["error"]["message"] == message  # type: ignore[index]
    assert error["error"]["event_id"] == "t"  # type: ignore[index]
    (answer,) = client.send(TRUNCATE, audio_end_ms=length_ms, **fields)
    assert answer["type"] == "conversation.item.truncated"
    assert [bool(t.error) for t in client.record.truncations] == [True, False]


def test_truncate_counts_what_is_generated_so_far() -> None:
    """While the model still speaks, only what was sent can be kept."""
    client = CoreClient.ready()
    client.send("response.create")
    client.until("response.output_audio.delta")
    client.advance(60)
    (item,) = client.record.items.values()
    assert item.generated_ms < 1500
    fields = {"item_id": item.item_id, "content_index": 0}
    assert client.error_code(client.send(TRUNCATE, audio_end_ms=2000, **fields)) == "invalid_value"
    assert client.send(TRUNCATE, audio_end_ms=100, **fields)[0]["type"] == ("conversation.item.truncated")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"item_id": "item_no"}, "item_truncate_invalid_item_id"),
        ({"item_id": "text"}, "unsupported_content_type"),
        ({"item_id": "caller"}, "unsupported_content_type"),
        ({"content_index": 1}, "invalid_value"),
        ({"audio_end_ms": 0}, "unsupported_content_type"),
    ],
)
def test_truncate_rules(fields: Event, code: str) -> None:
    """Unknown items, items without audio, other parts, and zero."""
    client = CoreClient.ready()
    item_id = spoken_item(client)
    client.send(CREATE, item=text_item("assistant", "x", id="text"))
    client.send(CREATE, item=text_item("user", "x", id="caller"))
    event = {"item_id": item_id, "content_index": 0, "audio_end_ms": 10, **fields}
    assert client.error_code(client.send(TRUNCATE, **event)) == code
    assert client.record.truncations[0].error == code


def test_a_transcript_dropped_early_does_not_come_back() -> None:
    """Truncated while the model still generates: the words that follow are not kept either."""
    client = CoreClient.ready()
    client.send("response.create")
    client.until("response.output_audio.delta")
    (item,) = client.record.items.values()
    client.send(TRUNCATE, item_id=item.item_id, content_index=0, audio_end_ms=100)
    client.until("response.done")
    (answer,) = client.send("conversation.item.retrieve", item_id=item.item_id)
    assert "transcript" not in answer["item"]["content"][0]  # type: ignore[index]


def test_a_callers_audio_cannot_be_truncated() -> None:
    """It has audio, but it is not the model's."""
    client = CoreClient.ready()
    client.say()
    item_id = client.first("input_audio_buffer.committed")["item_id"]
    event = {"item_id": item_id, "content_index": 0, "audio_end_ms": 100}
    assert client.error_code(client.send(TRUNCATE, **event)) == "unsupported_content_type"


def test_nothing_is_truncated_by_itself() -> None:
    """An interruption cancels generation only."""
    client = CoreClient.ready()
    spoken_item(client)
    client.say()
    assert client.of("conversation.item.truncated") == []


def test_knob_truncate_shortfall() -> None:
    """A server that counts less than it sent."""
    client = CoreClient.ready(Knobs(truncate_shortfall_ms=85))
    item_id = spoken_item(client)
    length_ms = int(client.record.items[item_id].generated_ms)
    fields = {"item_id": item_id, "content_index": 0, "audio_end_ms": length_ms - 50}
    assert client.error_code(client.send(TRUNCATE, **fields)) == "invalid_value"


# Deleting and retrieving


def test_delete() -> None:
    """Once gone, an item is unknown."""
    client = CoreClient.ready()
    item_id = spoken_item(client)
    (answer,) = client.send("conversation.item.delete", item_id=item_id)
    assert answer["type"] == "conversation.item.deleted"
    assert client.record.items[item_id].deleted
    code = client.error_code(client.send("conversation.item.delete", item_id=item_id))
    assert code == "item_delete_invalid_item_id"
    code = client.error_code(client.send("conversation.item.retrieve", item_id=item_id))
    assert code == "item_retrieve_invalid_item_id"


def test_a_callers_item_can_be_retrieved_with_audio() -> None:
    """What was appended in the turn, padding included, is in the item."""
    client = CoreClient.ready()
    client.say()
    item_id = client.first("input_audio_buffer.committed")["item_id"]
    (answer,) = client.send("conversation.item.retrieve", item_id=item_id)
    audio = base64.b64decode(answer["item"]["content"][0]["audio"])  # type: ignore[index]
    assert 2300 < len(audio) / 8 < 3400
