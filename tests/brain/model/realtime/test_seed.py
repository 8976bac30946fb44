"""The past, told to a new session: order, shapes, and what happens to what it refuses."""

from __future__ import annotations

import orjson

from brain.json_fields import Json
from brain.model.engine import SeedItem
from brain.model.realtime.seed import MAX_ID_CHARS, Seed

PAST = (
    SeedItem(kind="message", role="assistant", text="שלום, במה אפשר לעזור?", item_id="item_1"),
    SeedItem(kind="message", role="user", text="מה מספר ההזמנה?", item_id="item_2"),
    SeedItem(kind="tool_call", text='{"order":"12"}', call_id="call_1", name="check_order"),
    SeedItem(kind="tool_output", text="on its way", call_id="call_1"),
)


def sent(seed: Seed) -> list[Json]:
    return [orjson.loads(event) for event in seed.events()]


def added(item_id: str) -> Json:
    return {"type": "conversation.item.added", "item": {"id": item_id}}


def refused(event_id: str) -> Json:
    return {"type": "error", "error": {"event_id": event_id, "code": "invalid_value"}}


def test_every_item_is_told_in_order_with_its_text() -> None:
    """What was heard is what the model said; Hebrew arrives as it was."""
    events = sent(Seed(PAST, "b1s2"))

    items = [event["item"] for event in events]
    assert [item["type"] for item in items] == ["message", "message", "function_call", "function_call_output"]  # type: ignore[index]
    assert items[0]["content"] == [{"type": "output_text", "text": "שלום, במה אפשר לעזור?"}]  # type: ignore[index]
    assert items[1]["content"] == [{"type": "input_text", "text": "מה מספר ההזמנה?"}]  # type: ignore[index]
    assert items[2]["call_id"] == items[3]["call_id"] == "call_1"  # type: ignore[index]


def test_a_turn_whose_words_are_not_known_is_told_by_its_sound() -> None:
    """In the format that the session was opened with."""
    item = SeedItem(kind="message", role="user", text="[unknown]", item_id="item_1", audio=b"\xff\x7f")

    (event,) = sent(Seed((item,), "b1s2"))

    part = {"type": "input_audio", "audio": "/38="}
    assert event["item"] == {"type": "message", "id": "item_1", "role": "user", "content": [part]}


def test_items_keep_their_ids_where_a_client_may_choose_such() -> None:
    """History and the model speak of the same items; an id that is too long gets another."""
    long = SeedItem(kind="message", role="user", text="x", item_id="i" * (MAX_ID_CHARS + 1))
    seed = Seed((PAST[0], long, PAST[2]), "b1s2")

    ids = [event["item"]["id"] for event in sent(seed)]  # type: ignore[index]

    assert ids[0] == "item_1"
    assert len(set(ids)) == 3
    assert all(0 < len(item_id) <= MAX_ID_CHARS for item_id in ids)
    assert seed.item_ids == ids


def test_no_item_names_a_predecessor() -> None:
    """One refused item must not take those behind it along."""
    assert all("previous_item_id" not in event for event in sent(Seed(PAST, "b1s2")))


def test_it_is_in_when_every_item_was_answered() -> None:
    """Added or refused; other events are not for it."""
    seed = Seed(PAST[:2], "b1s2")
    assert seed.is_in
    seed.events()

    answers = [seed.is_in]
    for event in ({"type": "rate_limits.updated"}, added("item_1"), added("somebody-else"), added("item_2")):
        seed.handle(event)
        answers.append(seed.is_in)

    assert answers == [False, False, False, False, True]


def test_a_refused_item_is_counted_and_forgotten() -> None:
    """A rewrite later on finds the others at their place."""
    seed = Seed(PAST[:2], "b1s2")
    events = sent(seed)

    seed.handle(refused(str(events[0]["event_id"])))
    seed.handle(refused("another"))
    seed.handle(added("item_2"))

    assert (seed.is_in, seed.refused, seed.item_ids) == (True, 1, ["item_2"])
