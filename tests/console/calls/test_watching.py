"""A call as it happens, on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from console.calls.watching import BLOCK_MS, HISTORY, JOURNAL, Entry, entries, read_entry
from shared.contract.entry import to_dict
from shared.contract.streams.history import ItemEntry, history_fields
from shared.contract.streams.journal import JournalEntry, Kind
from shared.store.client import Store, make_store
from tests.support.redis_samples import BRAIN, KEYS, ONE, make_call
from tests.support.waiting import running, wait_until

SAID = ItemEntry(item_id="i", role="user", text="שלום", final=True)


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    """A client that waits for longer than a read blocks."""
    client = make_store(redis_url, name="test", timeout_s=2 * BLOCK_MS / 1000)
    yield client
    await client.aclose()


async def note(store: Store, kind: str, entry_id: str) -> None:
    """A line of the journal."""
    await store.xadd(KEYS.journal(ONE), {"kind": kind, "from": BRAIN}, id=entry_id)


async def say(store: Store, entry_id: str, *fields: bytes) -> None:
    """An entry of the history."""
    await store.xadd(KEYS.history(ONE), dict(zip(fields[::2], fields[1::2], strict=True)), id=entry_id)


async def all_of(found: AsyncIterator[Entry]) -> list[Entry]:
    async with asyncio.timeout(10):
        return [entry async for entry in found]


def kind_of(entry: Entry) -> str:
    return entry.record.kind if isinstance(entry.record, JournalEntry) else entry.stream


async def test_two_streams_in_the_order_of_time_until_the_end(store: Store) -> None:
    """What stands there already, read as records, and as it was written for programs."""
    await note(store, Kind.GREETING, "1000-0")
    await say(store, "2000-0", *history_fields(SAID))
    await note(store, Kind.FLUSH, "3000-0")
    await note(store, Kind.ENDED, "4000-0")
    await note(store, Kind.VERDICT, "5000-0")

    found = await all_of(entries(store, KEYS, ONE))

    assert [(entry.at_ms, kind_of(entry)) for entry in found] == [
        (1000, "greeting"),
        (2000, "history"),
        (3000, "flush"),
        (4000, "ended"),
    ]
    assert found[1].record == SAID
    assert found[1].fields["text"] == "שלום"


async def test_what_this_version_cannot_read_is_still_an_entry(store: Store) -> None:
    """Of another version, of a kind that only a newer one knows, without a field: programs see its fields."""
    await say(store, "1000-0", b"v", b"2", b"kind", b"item")
    await say(store, "1000-1", b"v", b"1", b"kind", b"mood")
    await say(store, "1000-2", b"v", b"1", b"kind", b"item")
    await note(store, Kind.ENDED, "2000-0")

    *odd, _ = await all_of(entries(store, KEYS, ONE))

    assert [entry.record for entry in odd] == [None] * 3
    assert [entry.fields["kind"] for entry in odd] == ["item", "mood", "item"]


async def test_a_call_that_nobody_knows_any_more_is_over(store: Store) -> None:
    """Its card is gone: nothing is waited for."""
    assert await all_of(entries(store, KEYS, ONE)) == []


async def test_what_comes_later_is_seen_as_it_comes(store: Store) -> None:
    """`back=False`: nothing of what stood there before."""
    await make_call(store, ONE, 1_000)
    seen: list[str] = []

    async def follow() -> None:
        async for entry in entries(store, KEYS, ONE, back=False):
            seen.append(kind_of(entry))

    async def is_following() -> bool:
        # `$` is the end of the stream when the read reaches the server.
        await store.xadd(KEYS.journal(ONE), {"kind": Kind.IDLE})
        return bool(seen)

    await store.xadd(KEYS.journal(ONE), {"kind": Kind.GREETING})
    async with running(follow()):
        await wait_until(is_following, "a line was seen")
        await store.xadd(KEYS.journal(ONE), {"kind": Kind.ENDED})
        await wait_until(lambda: seen[-1] == "ended", "the end was seen")

    assert set(seen[:-1]) == {"idle"}


def test_an_entry_is_read_wherever_it_was_kept() -> None:
    """As record and as text; one that nobody can read keeps its fields."""
    fields = to_dict(history_fields(SAID))
    found = read_entry(HISTORY, "2000-0", fields)
    assert (found.at_ms, found.record, found.stream) == (2000, SAID, HISTORY)
    odd = read_entry(HISTORY, b"2000-1", {b"v": b"9", b"kind": b"item"})
    assert (odd.record, odd.fields) == (None, {"v": "9", "kind": "item"})
    line = read_entry(JOURNAL, "3000-0", {b"kind": b"flush", b"from": BRAIN.encode()})
    assert kind_of(line) == Kind.FLUSH
