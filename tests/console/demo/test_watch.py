"""Reading a call's keys from outside."""

from __future__ import annotations

import time

from console.demo.watch import Seen, Watch
from shared.contract.keys import Keys
from shared.store.client import make_store
from tests.support.waiting import running, wait_until

SID = "CA" + "1" * 32
KEYS = Keys(1)


async def test_reads_each_entry_once_and_samples_the_backlogs(valkey_url: str) -> None:
    """Times on the call's clock, texts as text, the end noticed."""
    zero_s = time.monotonic()
    told: list[Seen] = []
    watch = Watch(
        redis_url=valkey_url,
        keys=KEYS,
        call_sid=SID,
        now_ms=lambda: (time.monotonic() - zero_s) * 1000,
        on_seen=told.append,
    )
    store = make_store(valkey_url, name="test")
    async with running(watch.run()):
        await store.hset(KEYS.card(SID), mapping={"tx_q_ms": "1500"})
        for _ in range(3):
            await store.xadd(KEYS.caller(SID), {"a": b"\x00\xff"})
        wall_ms = int(time.time() * 1000)
        await store.xadd(KEYS.journal(SID), {"kind": "claimed", "t": wall_ms, "from": "brain-0@h#1"})
        await store.xadd(KEYS.history(SID), {"kind": "item", "text": "שלום"})
        await wait_until(lambda: len(told) == 2, "both were read")
        await store.xadd(KEYS.journal(SID), {"kind": "ended", "t": wall_ms + 1})
        await wait_until(watch.ended.is_set, "the end is noticed")
    await store.aclose()
    assert [(seen.stream, seen.kind) for seen in told] == [
        ("journal", "claimed"),
        ("history", "item"),
        ("journal", "ended"),
    ]
    assert told[0].fields == {"from": "brain-0@h#1"}
    assert told[1].fields["text"] == "שלום"
    assert 0 <= told[0].at_ms < 60_000
    assert (watch.samples[-1].caller_frames, watch.samples[-1].tx_q_ms) == (3, 1500)


async def test_a_redis_that_is_away_is_noted() -> None:
    """An onlooker neither raises nor gives up."""
    watch = Watch(
        redis_url="redis://127.0.0.1:9/0", keys=KEYS, call_sid=SID, now_ms=lambda: 0.0, on_seen=lambda _: None
    )
    async with running(watch.run()):
        await wait_until(lambda: len(watch.errors) >= 2, "it tried again")
