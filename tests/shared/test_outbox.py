"""The outbox on real servers: order, commits, loss of the connection, what is bounded."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from shared import ownership
from shared.entries import Name, OutKind, read_caller, read_pairs
from shared.inbox import Entry, Inbox
from shared.keys import Keys
from shared.outbox import Outbox
from shared.redis_client import Store
from tests.shared.test_ownership import CALL, KEYS, attached
from tests.support.waiting import running, wait_until


def flat(fields: dict[bytes, bytes]) -> list[bytes]:
    return [word for pair in fields.items() for word in pair]


def make(url: str, commit_ms: float = 0) -> Outbox:
    return Outbox(url, KEYS, name="ingress-0@h#1", commit_ms=commit_ms)


async def test_caller_frames_arrive_in_order_and_whole(store: Store, redis_url: str) -> None:
    """The hand-packed command writes what the entry format says."""
    await attached(store)
    outbox = make(redis_url)
    async with running(outbox.run()):
        for chunk in range(1, 1001):
            outbox.caller(CALL, 1, chunk, bytes([chunk % 256]) * 160)
        assert await outbox.flushed(5)
    frames = [read_caller(flat(fields)) for _, fields in await store.xrange(KEYS.caller(CALL))]
    assert [frame.chunk for frame in frames] == list(range(1, 1001))
    assert all(frame.audio == bytes([frame.chunk % 256]) * 160 for frame in frames)


async def test_writes_of_a_while_are_one_commit(store: Store, redis_url: str) -> None:
    """Within commit_ms of the last commit, writes wait and go together."""
    await attached(store)
    outbox = make(redis_url, commit_ms=50)
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        outbox.caller(CALL, 1, 1, b"\xff")
        assert await outbox.flushed(5)
        before = outbox.counters.commits
        for chunk in range(2, 12):
            outbox.caller(CALL, 1, chunk, b"\xff")
            await asyncio.sleep(0)
        assert await outbox.flushed(5)
    assert outbox.counters.commits == before + 1


async def test_a_refused_write_takes_no_other_with_it(store: Store, redis_url: str) -> None:
    """A command that Redis does not know is told so; its neighbours in the commit are done."""
    outbox = make(redis_url)
    replies: list[object] = []
    async with running(outbox.run()):
        outbox.command(0, [b"SET", b"tl:{0}:a", b"1"], on_reply=replies.append)
        outbox.command(0, [b"NONSENSE"], on_reply=replies.append)
        outbox.command(0, [b"SET", b"tl:{0}:b", b"1"], on_reply=replies.append)
        assert await outbox.flushed(5)
    assert await store.exists("tl:{0}:a", "tl:{0}:b") == 2
    assert sorted(isinstance(reply, Exception) for reply in replies) == [False, False, True]


async def test_after_a_lost_connection_nothing_is_missing(store: Store, redis_url: str) -> None:
    """Killed connections in the middle of traffic: frames may come twice, none is missing."""
    await attached(store)
    outbox = make(redis_url)
    async with running(outbox.run()):
        for chunk in range(1, 301):
            outbox.caller(CALL, 1, chunk, b"\xff" * 160)
            if chunk % 60 == 0:
                await store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await asyncio.sleep(0.001)
        assert await outbox.flushed(10)
    chunks = [read_caller(flat(fields)).chunk for _, fields in await store.xrange(KEYS.caller(CALL))]
    assert sorted(set(chunks)) == list(range(1, 301))
    assert outbox.counters.connects >= 2


async def test_a_script_flush_is_survived(store: Store, redis_url: str) -> None:
    """NOSCRIPT makes the outbox load the scripts again; the fenced write is done once."""
    await attached(store)
    await ownership.claim(store, KEYS, CALL, role="brain", worker="brain-0@h#1")
    outbox = make(redis_url)
    owner = ownership.Owner(outbox, KEYS, CALL, "brain", 1, lambda _answer: None)
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        await store.script_flush()
        owner.card({"cut": 7})
        assert await outbox.flushed(5)
    assert (await ownership.read_card(store, KEYS, CALL))["cut"] == "7"


async def test_stale_caller_audio_is_dropped_and_counted(store: Store, redis_url: str) -> None:
    """What waited longer than 3 s for Redis is not written any more."""
    await attached(store)
    outbox = make(redis_url)
    outbox.caller(CALL, 1, 1, b"\xff" * 160)
    for writes in outbox._queue.values():
        for write in writes:
            write.expires_at_ms = 1.0
    async with running(outbox.run()):
        outbox.caller(CALL, 1, 2, b"\xff" * 160)
        await wait_until(lambda: outbox.counters.expired == 1, "the stale frame is dropped")
        assert await outbox.flushed(5)
    chunks = [read_caller(flat(fields)).chunk for _, fields in await store.xrange(KEYS.caller(CALL))]
    assert chunks == [2]


async def test_an_out_entry_carries_many_calls(store: Store, redis_url: str) -> None:
    """Pairs come back in the order they were given."""
    await store.xadd(KEYS.out("ingress-0@h#1"), {"v": "1"})
    names = [Name(OutKind.FRAME, f"CA{n:032x}", 1, 2, 3, n).encode() for n in range(5)]
    outbox = make(redis_url)
    async with running(outbox.run()):
        outbox.out("ingress-0@h#1", [(name, b"\x00\xff") for name in names])
        assert await outbox.flushed(5)
    raw = cast(
        Any,
        await store.execute_command("XRANGE", KEYS.out("ingress-0@h#1"), "-", "+", NEVER_DECODE=[]),
    )
    entry = raw[-1][1]
    fields = flat(entry) if isinstance(entry, dict) else list(entry)
    assert [name for name, _ in read_pairs(fields)] == names


async def test_the_inbox_reads_what_comes_and_what_was_there(store: Store, redis_url: str) -> None:
    """A stream watched from "0" gives its entries in order, also those before; a lost connection too."""
    await attached(store)
    outbox, inbox = make(redis_url), Inbox(redis_url, name="brain-0@h#1", read_gap_ms=1)
    got: list[int] = []

    def sink(entries: list[Entry]) -> None:
        got.extend(read_caller(fields).chunk for _, fields in entries)

    async with running(outbox.run(), inbox.run()):
        for chunk in range(1, 51):
            outbox.caller(CALL, 1, chunk, b"\xff" * 160)
        assert await outbox.flushed(5)
        inbox.watch(KEYS.caller(CALL), "0", sink)
        await wait_until(lambda: got[-1:] == [50], "the first fifty are read")
        await store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        for chunk in range(51, 101):
            outbox.caller(CALL, 1, chunk, b"\xff" * 160)
        await wait_until(lambda: 100 in got, "the next fifty are read")
    assert list(dict.fromkeys(got)) == list(range(1, 101))


async def test_keys_of_many_lanes(redis_url: str, store: Store) -> None:
    """Commits are grouped by lane; each lane's writes arrive."""
    keys = Keys(16)
    outbox = Outbox(redis_url, keys, name="x", commit_ms=5)
    async with running(outbox.run()):
        for lane in range(16):
            outbox.command(lane, [b"SET", b"tl:{%d}:x" % lane, b"1", b"PX", b"60000"])
        assert await outbox.flushed(5)
    assert await store.exists(*[f"tl:{{{lane}}}:x" for lane in range(16)]) == 16
