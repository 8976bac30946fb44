"""Reading what was said: what cannot be read is passed over, counted and told."""

from __future__ import annotations

import pytest

from brain.memory import recall as module
from brain.memory.conversation import Conversation
from brain.memory.recall import read_entries, recall
from shared.contract.entry import to_dict
from shared.contract.keys import Keys
from shared.contract.streams.history import ItemEntry, history_fields
from shared.logs.log import get_log
from shared.ownership.counters import OwnershipCounters
from shared.store.client import Store, make_store

KEYS = Keys(1)
CALL = "CA" + "0" * 32
SAID = ItemEntry(item_id="u", role="user", text="שלום", final=True)


async def written(store: Store, *entries: dict[bytes, bytes]) -> None:
    for entry in entries:
        await store.xadd(KEYS.history(CALL), entry)
    await store.expire(KEYS.history(CALL), 60)


async def test_entries_are_read_in_their_order(store: Store) -> None:
    """What was written, without what only a newer version knows."""
    later = {b"v": b"1", b"kind": b"mood"}
    answer = ItemEntry(item_id="a", role="assistant", text="hello", final=True)
    await written(store, to_dict(history_fields(SAID)), later, to_dict(history_fields(answer)))
    counters = OwnershipCounters()

    assert await read_entries(store, KEYS, CALL, counters, get_log()) == [SAID, answer]
    assert counters.contract_errors == 0


async def test_no_more_is_read_than_was_written_since(store: Store) -> None:
    """Of a call that is long, for who tells of its last turn."""
    for at_ms in (1_000, 2_000, 3_000):
        entry = ItemEntry(item_id=f"i{at_ms}", role="user", text="x", final=True)
        await store.xadd(KEYS.history(CALL), to_dict(history_fields(entry)), id=f"{at_ms}-0")
    await store.expire(KEYS.history(CALL), 60)

    found = await read_entries(store, KEYS, CALL, OwnershipCounters(), get_log(), since_ms=2_000)

    assert [each.item_id for each in found if isinstance(each, ItemEntry)] == ["i2000", "i3000"]


async def test_what_cannot_be_read_is_passed_over_and_counted(store: Store) -> None:
    """A conversation with a hole is better than none; nobody should wonder why."""
    torn = to_dict(history_fields(SAID))
    del torn[b"text"]
    await written(store, torn, {b"v": b"7"}, to_dict(history_fields(SAID)))
    counters = OwnershipCounters()

    assert await read_entries(store, KEYS, CALL, counters, get_log()) == [SAID]
    assert counters.contract_errors == 2


async def test_a_brain_that_was_not_there_knows_what_was_said(store: Store) -> None:
    """In its own memory."""
    await written(store, to_dict(history_fields(SAID)))
    conversation = Conversation()

    await recall(conversation, store, KEYS, CALL, OwnershipCounters(), get_log())

    assert [known.text for known in conversation.lines()] == ["שלום"]


async def test_a_history_that_is_full_has_lost_its_beginning(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next session is told so."""
    await written(store, to_dict(history_fields(SAID)), to_dict(history_fields(SAID)))
    known, cut = Conversation(), Conversation()

    await recall(known, store, KEYS, CALL, OwnershipCounters(), get_log())
    monkeypatch.setattr(module, "MAXLEN", 2)
    await recall(cut, store, KEYS, CALL, OwnershipCounters(), get_log())

    assert (known.is_beginning_lost, cut.is_beginning_lost) == (False, True)


async def test_without_redis_the_call_goes_on_without_its_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few tries."""
    monkeypatch.setattr(module, "PAUSE_S", 0.001)
    nowhere = make_store("redis://127.0.0.1:1/0", name="test")
    conversation = Conversation()

    await recall(conversation, nowhere, KEYS, CALL, OwnershipCounters(), get_log())

    assert conversation.is_empty
    await nowhere.aclose()
