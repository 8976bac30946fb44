"""The outbox on real servers: order, commits, loss of the connection, what is bounded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from shared import resp
from shared.clock import now_ms
from shared.contract.card import CutRaised
from shared.contract.command import Command
from shared.contract.streams import pairs
from shared.contract.streams.caller import MAX_AGE_MS, CallerPacker, read_caller
from shared.ownership import steps
from shared.ownership.owner import Owner
from shared.store.client import Store
from shared.store.writing.outbox import Outbox
from tests.shared.ownership.test_steps import CALL, KEYS, attached
from tests.support.servers import free_port, server, valkey_binary
from tests.support.waiting import running, wait_until
from tests.support.ways import way_to


def flat(fields: dict[bytes, bytes]) -> list[bytes]:
    return [word for pair in fields.items() for word in pair]


def make(url: str, commit_ms: float = 0) -> Outbox:
    return Outbox(way_to(url), name="ingress-0@h#1", commit_ms=commit_ms)


PACKER = CallerPacker(KEYS, CALL)


def say(outbox: Outbox, chunk: int, audio: bytes = b"\xff" * 160, *, max_age_ms: float = MAX_AGE_MS) -> None:
    """A frame of the caller, as ingress writes it."""
    outbox.send_packed(PACKER.lane, PACKER.pack(1, chunk, now_ms(), audio), max_age_ms=max_age_ms)


async def turns_of_the_loop(turns: int = 2) -> None:
    """Enough for what is to happen at the end of a turn; no timer fires in them."""
    for _ in range(turns):
        await asyncio.sleep(0)


def set_key(letter: bytes) -> Command:
    return Command(0, (b"SET", b"tl:{0}:" + letter, b"1"))


async def test_caller_frames_arrive_in_order_and_whole(store: Store, redis_url: str) -> None:
    """The hand-packed command writes what the entry format says."""
    await attached(store)
    outbox = make(redis_url)
    async with running(outbox.run()):
        for chunk in range(1, 1001):
            say(outbox, chunk, bytes([chunk % 256]) * 160)
        assert await outbox.flushed(5)
    frames = [read_caller(flat(fields)) for _, fields in await store.xrange(KEYS.caller(CALL))]
    assert [frame.chunk for frame in frames] == list(range(1, 1001))
    assert all(frame.audio == bytes([frame.chunk % 256]) * 160 for frame in frames)


async def test_a_write_that_comes_alone_goes_at_the_end_of_its_turn(store: Store, redis_url: str) -> None:
    """Whatever the bound: nothing waits for what is not on its way. What one turn writes goes together."""
    await attached(store)
    outbox = make(redis_url, commit_ms=50)
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        say(outbox, 1)
        say(outbox, 2)
        assert outbox.counters.commits == 0
        await turns_of_the_loop()
        assert (outbox.counters.commits, outbox.counters.commands) == (1, 2)


async def test_writes_of_a_crowd_share_commits(store: Store, redis_url: str) -> None:
    """Where they come one a turn of the loop, three and more go together; an urgent one takes all along."""
    await attached(store)
    outbox = make(redis_url, commit_ms=50)
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        for chunk in range(1, 201):  # The rule learns that they are many.
            say(outbox, chunk)
            await asyncio.sleep(0)
        assert await outbox.flushed(5)
        before = outbox.counters.commits
        for chunk in range(201, 401):
            say(outbox, chunk)
            await asyncio.sleep(0)
        crowd = outbox.counters.commits - before
        assert crowd <= 200 / 3
        say(outbox, 401)
        outbox.send(set_key(b"a"), urgent=True)
        await turns_of_the_loop()
        assert outbox.counters.commits == before + crowd + 1
        assert await outbox.flushed(5)
    assert await store.xlen(KEYS.caller(CALL)) == 401


async def test_a_late_loop_lets_gather_what_one_in_time_sends_at_once(store: Store, redis_url: str) -> None:
    """Half of a millisecond is no wait, a whole one is."""
    await attached(store)
    lag = [0.0]
    outbox = Outbox(way_to(redis_url), name="ingress-0@h#1", commit_ms=1, lag_ms=lambda: lag[-1])
    commits: list[int] = []
    counters = outbox.counters

    def keeps_up() -> bool:
        """Few commits are under way: what waits does so by the rule alone, not for a slow Redis."""
        return counters.commits - counters.commit_ms.count < 4

    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        for lag_ms in (0.0, 100.0):
            lag.append(lag_ms)
            before = outbox.counters.commits
            for chunk in range(200):
                await wait_until(keeps_up, "Redis keeps up")
                say(outbox, chunk)
                await turns_of_the_loop()
            assert await outbox.flushed(5)
            commits.append(outbox.counters.commits - before)
    assert commits[0] == 200
    assert commits[1] <= 200 / 3


async def test_a_refused_write_takes_no_other_with_it(store: Store, redis_url: str) -> None:
    """A command that Redis does not know is told so; its neighbours in the commit are done."""
    outbox = make(redis_url)
    replies: list[object] = []
    async with running(outbox.run()):
        outbox.send(set_key(b"a"), on_reply=replies.append)
        outbox.send(Command(0, (b"NONSENSE",)), on_reply=replies.append)
        outbox.send(set_key(b"b"), on_reply=replies.append)
        assert await outbox.flushed(5)
    assert await store.exists("tl:{0}:a", "tl:{0}:b") == 2
    assert sorted(isinstance(reply, Exception) for reply in replies) == [False, False, True]


async def test_after_a_lost_connection_nothing_is_missing(store: Store, redis_url: str) -> None:
    """Killed connections in the middle of traffic: frames may come twice, none is missing."""
    await attached(store)
    outbox = make(redis_url)
    async with running(outbox.run()):
        for chunk in range(1, 301):
            say(outbox, chunk)
            if chunk % 60 == 0:
                await store.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await asyncio.sleep(0.001)  # Traffic that lasts a while, so that commits are under way.
        assert await outbox.flushed(10)
    chunks = [read_caller(flat(fields)).chunk for _, fields in await store.xrange(KEYS.caller(CALL))]
    assert sorted(set(chunks)) == list(range(1, 301))
    assert outbox.counters.connects >= 2


async def test_a_script_flush_is_survived(store: Store, redis_url: str) -> None:
    """NOSCRIPT makes the outbox load the scripts again; the fenced write is done once."""
    await attached(store)
    claim = await steps.claim(store, KEYS, CALL, role="brain", worker="brain-0@h#1")
    outbox = make(redis_url)
    owner = Owner(outbox, KEYS, CALL, "brain", claim.epoch, lambda _answer: None, "brain-0@h#1")
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        await store.redis.script_flush()
        owner.card(CutRaised(cut=7))
        assert await outbox.flushed(5)
    assert (await steps.read_card(store, KEYS, CALL))["cut"] == "7"


async def test_stale_caller_audio_is_dropped_and_counted(store: Store, redis_url: str) -> None:
    """What waited for Redis for too long is not written any more."""
    await attached(store)
    outbox = make(redis_url)
    say(outbox, 1, max_age_ms=-1)
    async with running(outbox.run()):
        say(outbox, 2)
        await wait_until(lambda: outbox.counters.expired == 1, "the stale frame is dropped")
        assert await outbox.flushed(5)
    chunks = [read_caller(flat(fields)).chunk for _, fields in await store.xrange(KEYS.caller(CALL))]
    assert chunks == [2]


async def test_an_out_entry_carries_many_calls(store: Store, redis_url: str) -> None:
    """Pairs come back in the order they were given."""
    await store.xadd(KEYS.out("ingress-0@h#1"), {"v": "1"})
    found = [pairs.frames(pairs.OutNames(f"CA{n:032x}").between(1, 2, 3), n, b"\x00\xff") for n in range(5)]
    outbox = make(redis_url)
    async with running(outbox.run()):
        for command in pairs.out_commands(KEYS, "ingress-0@h#1", b"egress-0@h#1", now_ms(), found):
            outbox.send(command)
        assert await outbox.flushed(5)
    raw = await store.redis.execute_command("XRANGE", KEYS.out("ingress-0@h#1"), "-", "+", NEVER_DECODE=[])
    entry = raw[-1][1]
    fields = flat(entry) if isinstance(entry, dict) else list(entry)
    assert list(pairs.read_pairs(fields)) == found


async def test_keys_of_many_lanes(redis_url: str, store: Store) -> None:
    """Commits are grouped by lane; each lane's writes arrive."""
    outbox = make(redis_url, commit_ms=5)
    async with running(outbox.run()):
        for lane in range(16):
            outbox.send(
                Command(
                    lane,
                    (
                        b"SET",
                        b"tl:{%d}:x" % lane,
                        b"1",
                        b"PX",
                        b"60000",
                    ),
                )
            )
        assert await outbox.flushed(5)
    assert await store.exists(*[f"tl:{{{lane}}}:x" for lane in range(16)]) == 16


async def test_a_batch_outlives_a_server_that_became_a_replica(store: Store, redis_url: str) -> None:
    """READONLY refuses each write of a batch when it is queued: the whole batch is sent again."""
    outbox = make(redis_url)
    replies: list[object] = []
    try:
        async with running(outbox.run()):
            await wait_until(lambda: outbox.connected, "the outbox is connected")
            await store.redis.execute_command("REPLICAOF", "127.0.0.1", "1")
            for name in (b"tl:{0}:a", b"tl:{0}:b"):
                outbox.send(
                    Command(
                        0,
                        (
                            b"SET",
                            name,
                            b"1",
                        ),
                    ),
                    on_reply=replies.append,
                )
            await wait_until(lambda: outbox.counters.unknown > 0, "the batch was refused")
            await store.redis.execute_command("REPLICAOF", "NO", "ONE")
            assert await outbox.flushed(10)
    finally:
        await store.redis.execute_command("REPLICAOF", "NO", "ONE")
    assert replies == [b"OK", b"OK"]
    assert await store.exists("tl:{0}:a", "tl:{0}:b") == 2


async def test_a_callback_that_raises_costs_nobody_else(store: Store, redis_url: str) -> None:
    """A bug in what one call does with a reply: reported; the connection and its neighbours stay."""
    outbox = make(redis_url)
    replies: list[object] = []
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))

    def broken(_reply: object) -> None:
        raise ValueError("a bug")

    async with running(outbox.run()):
        outbox.send(set_key(b"a"), on_reply=broken)
        outbox.send(set_key(b"b"), on_reply=replies.append)
        assert await outbox.flushed(5)
    assert replies == [b"OK"]
    assert (outbox.counters.connects, outbox.counters.callback_errors, len(reported)) == (1, 1, 1)


async def test_stale_caller_audio_is_forgotten_while_redis_is_away() -> None:
    """In a long outage it would fill the bound, and new control messages would be refused."""
    outbox = make(f"redis://127.0.0.1:{free_port()}/0")
    say(outbox, 1, max_age_ms=-1)
    kept = Command(0, (b"SET", b"kept", b"1"))
    outbox.send(kept)
    async with running(outbox.run()):
        await wait_until(lambda: outbox.counters.expired == 1, "the stale frame is forgotten")
    assert outbox.backlog_bytes == len(resp.pack(kept.args))


async def test_a_redis_that_does_not_answer_is_away(store: Store, redis_url: str) -> None:
    """Since the first commit that it never answered: not only when the connection is given up for it."""
    outbox = make(redis_url)
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        await store.redis.execute_command("CLIENT", "PAUSE", "3200", "ALL")
        began_ms = now_ms()
        outbox.send(set_key(b"a"))
        await wait_until(lambda: outbox.away_since_ms is not None, "it counts as away")
        since_ms = outbox.away_since_ms
        assert since_ms is not None
        assert since_ms >= began_ms
        assert outbox.connected
        assert outbox.trouble == "Redis does not answer"
        await wait_until(lambda: not outbox.connected, "its connection is given up")
        assert outbox.away_since_ms == since_ms
        assert outbox.trouble.startswith("Redis is away: no answer")
        assert await outbox.flushed(10)
        assert outbox.away_since_ms is None


async def test_a_redis_that_is_away_is_slow(tmp_path: Path) -> None:
    """Even if nothing was under way when it went; and for a window after it is back, for whom asks then."""
    port = free_port()
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    outbox = make(f"redis://127.0.0.1:{port}/0")
    async with running(outbox.run()):
        with server(valkey_binary(), first, port=port):
            await wait_until(lambda: outbox.connected, "the outbox is connected")
            assert await outbox.flushed(5)
            began_ms = now_ms()
        await wait_until(lambda: outbox.slowest_ms(now_ms()) >= 250, "the absence grows")
        with server(valkey_binary(), second, port=port):
            await wait_until(lambda: outbox.connected, "the outbox is connected again")
            assert 250 <= outbox.slowest_ms(now_ms()) <= now_ms() - began_ms
