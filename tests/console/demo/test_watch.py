"""Reading a call's keys from outside."""

from __future__ import annotations

import time
from collections.abc import Sequence

from console.demo.watch import Seen, Watch
from shared.contract.streams.control import Flushed, message_fields
from shared.contract.streams.history import ItemEntry, history_fields
from shared.contract.streams.journal import JournalEntry, Kind
from shared.store.client import Store, make_store
from tests.support.redis_samples import INGRESS, KEYS, ONE, make_call
from tests.support.waiting import running, wait_until


def watch_of(url: str, told: list[Seen]) -> Watch:
    """A watch whose call began just now."""
    zero_s = time.monotonic()
    return Watch(
        redis_url=url,
        keys=KEYS,
        call_sid=ONE,
        now_ms=lambda: (time.monotonic() - zero_s) * 1000,
        on_seen=told.append,
    )


async def write(store: Store, key: str, fields: Sequence[bytes]) -> None:
    await store.xadd(key, dict(zip(fields[::2], fields[1::2], strict=True)))


async def test_reads_each_entry_once_and_samples_the_backlogs(valkey_url: str) -> None:
    """Times on the call's clock, entries as records, the end noticed."""
    told: list[Seen] = []
    watch = watch_of(valkey_url, told)
    store = make_store(valkey_url, name="test")
    await make_call(store, ONE, 1_000, tx_q_ms="1500")
    item = ItemEntry(item_id="i", role="user", text="שלום", final=True)
    flushed = Flushed.of(1, [])
    async with running(watch.run()):
        for _ in range(3):
            await store.xadd(KEYS.caller(ONE), {"a": b"\x00\xff"})
        await wait_until(lambda: len(told) == 1, "the journal's first line was read")
        await write(store, KEYS.history(ONE), history_fields(item))
        await wait_until(lambda: len(told) == 2, "what was said was read")
        await write(store, KEYS.control(ONE), message_fields(flushed, sender="e", number="1", epoch=1))
        await wait_until(lambda: len(told) == 3, "the report was read")
        await store.xadd(KEYS.journal(ONE), {"kind": Kind.ENDED})
        await wait_until(watch.ended.is_set, "the end is noticed")
    await store.aclose()
    first, *middle, last = [seen.record for seen in told]
    assert isinstance(first, JournalEntry)
    assert isinstance(last, JournalEntry)
    assert (first.kind, first.writer, last.kind) == (Kind.ATTACHED, INGRESS, Kind.ENDED)
    assert middle == [item, flushed]
    assert abs(told[-1].at_ms - watch.now_ms()) < 60_000
    assert (watch.samples[-1].caller_frames, watch.samples[-1].tx_q_ms) == (3, 1500)
    assert watch.errors == []


async def test_what_cannot_be_read_is_noted_and_passed_over(valkey_url: str) -> None:
    """An entry, a card; until egress has said what it holds, nobody says that it holds nothing."""
    told: list[Seen] = []
    watch = watch_of(valkey_url, told)
    store = make_store(valkey_url, name="test")
    await watch.read_rest()
    assert watch.samples[-1].tx_q_ms is None
    await store.hset(KEYS.card(ONE), mapping={"tx_q_ms": "1500"})
    await store.xadd(KEYS.history(ONE), {"v": "1", "kind": "item"})
    await store.xadd(KEYS.history(ONE), {"v": "1", "kind": "mood"})
    await store.xadd(KEYS.control(ONE), {"kind": "sya"})
    await watch.read_rest()
    await store.aclose()
    assert told == []
    assert watch.samples[-1].tx_q_ms is None
    assert ["PeopleView" in watch.errors[0], "history" in watch.errors[1], len(watch.errors)] == [
        True,
        True,
        2,
    ]


async def test_a_redis_that_is_away_is_noted() -> None:
    """An onlooker neither raises nor gives up."""
    watch = Watch(
        redis_url="redis://127.0.0.1:9/0", keys=KEYS, call_sid=ONE, now_ms=lambda: 0.0, on_seen=lambda _: None
    )
    async with running(watch.run()):
        await wait_until(lambda: len(watch.errors) >= 2, "it tried again")
