"""The outbox on a real server that refuses writes: nothing is lost, order is kept, memory is freed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis as sync_redis
from redis.exceptions import OutOfMemoryError

from shared.clock import now_ms
from shared.contract.card import CutRaised
from shared.contract.command import Command
from shared.contract.keys import NOWHERE
from shared.contract.lua.scripts import Refusal
from shared.contract.streams.caller import read_caller
from shared.contract.writes import CallerMove, Moved, caller_keys, move_callers, read_moves
from shared.ownership import steps
from shared.ownership.owner import Owner
from shared.store.client import Store
from shared.store.writing.outbox import Outbox
from tests.shared.ownership.test_steps import CALL, KEYS, attached
from tests.shared.store.writing.test_outbox import flat, make, say
from tests.support.servers import server, valkey_binary
from tests.support.waiting import running, wait_until

FAULTS = {
    "OOM": {"maxmemory": "1"},
    "NOREPLICAS": {"min-replicas-to-write": "1"},
}


@pytest.fixture(params=sorted(FAULTS))
def word(request: pytest.FixtureRequest) -> str:
    """The first word of a refusal that a server can be made to answer."""
    said: str = request.param
    return said


@contextmanager
def refusing(url: str, word: str) -> Iterator[None]:
    """A server that refuses writes, for the time of the block."""
    with sync_redis.Redis.from_url(url, decode_responses=True) as client:
        before: Any = {name: client.config_get(name)[name] for name in FAULTS[word]}
        for name, value in FAULTS[word].items():
            client.config_set(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                client.config_set(name, value)


def put(outbox: Outbox, name: str, value: str, replies: list[Any]) -> None:
    """A plain write of lane 0."""
    outbox.send(Command(0, (b"RPUSH", f"tl:{{0}}:{name}".encode(), value.encode())), on_reply=replies.append)


async def heard(store: Store) -> list[int]:
    """The caller's frames that stand in Redis, by number."""
    return [read_caller(flat(fields)).chunk for _, fields in await store.xrange(KEYS.caller(CALL))]


async def refused(outbox: Outbox, word: str) -> None:
    """Waits until it knows."""
    await wait_until(
        lambda: outbox.refused is not None and outbox.refused.word == word, f"the outbox knows of {word}"
    )


async def test_a_refusal_loses_nothing_and_keeps_the_order(store: Store, redis_url: str, word: str) -> None:
    """Frames and commands of the time before, during and after stand in Redis as they were sent."""
    await attached(store)
    outbox, replies = make(redis_url), list[Any]()
    async with running(outbox.run()):
        say(outbox, 1)
        assert await outbox.flushed(5)
        with refusing(redis_url, word):
            for chunk in range(2, 3001):
                say(outbox, chunk)
                if chunk % 100 == 0:
                    put(outbox, "list", str(chunk), replies)
            await refused(outbox, word)
            for chunk in range(3001, 3011):
                say(outbox, chunk)
            assert not await outbox.flushed(0.3)
        assert await outbox.flushed(5)
        assert (outbox.refused, outbox.away_since_ms) == (None, None)
    assert await heard(store) == list(range(1511, 3011))  # Redis itself keeps the newest 1,500.
    assert replies == list(range(1, 31))
    assert outbox.counters.reply_errors == outbox.counters.expired == 0
    assert outbox.counters.refusals == 1
    assert outbox.counters.held_back > 0


async def test_a_refusal_is_an_absence(store: Store, redis_url: str, word: str) -> None:
    """Since when, why, in words: one fact for readiness, the hold clip and the verdict."""
    outbox = make(redis_url)
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        assert (outbox.away_since_ms, outbox.refused, outbox.trouble) == (None, None, "")
        with refusing(redis_url, word):
            began_ms = now_ms()
            put(outbox, "list", "1", [])
            await refused(outbox, word)
            assert outbox.connected
            assert outbox.trouble.startswith(f"Redis refuses writes: {word}")
            assert outbox.refused is not None
            assert outbox.away_since_ms == outbox.refused.since_ms
            assert "(since " in outbox.trouble
            assert began_ms <= (outbox.away_since_ms or 0) <= now_ms()
            await wait_until(lambda: outbox.slowest_ms(now_ms()) >= 300, "the refusal counts as slowness")
        await wait_until(lambda: outbox.away_since_ms is None, "writes are taken again")
        assert outbox.trouble == ""
    assert await store.exists(NOWHERE) == 0


async def test_a_write_that_is_never_taken_holds_up_nobody(store: Store, redis_url: str, word: str) -> None:
    """A bug of ours among what was held is told to its writer; its neighbours are done."""
    await store.hset("tl:{0}:hash", "a", "1")
    outbox, replies = make(redis_url), list[Any]()
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        with refusing(redis_url, word):
            put(outbox, "list", "1", replies)
            put(outbox, "hash", "2", replies)
            outbox.send(Command(0, (b"NONSENSE",)), on_reply=replies.append)
            put(outbox, "list", "3", replies)
            await refused(outbox, word)
        assert await outbox.flushed(5)
    assert sorted(str(reply).partition(" ")[0] for reply in replies) == ["1", "2", "ERR", "WRONGTYPE"]


async def test_reads_go_on_while_writes_are_refused(store: Store, redis_url: str, word: str) -> None:
    """Egress fetches the rest of a reply, owners look at their control messages."""
    await attached(store)
    outbox, replies = make(redis_url), list[Any]()
    read = Command(KEYS.lane(CALL), (b"XLEN", KEYS.caller(CALL).encode()))
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        with refusing(redis_url, word):
            say(outbox, 1)
            say(outbox, 2)
            outbox.send(read, on_reply=replies.append)
            await refused(outbox, word)
            outbox.send(read, on_reply=replies.append)
            await wait_until(lambda: len(replies) == 2, "both reads are answered")
            assert replies == [0, 0]
        assert await outbox.flushed(5)
    assert await heard(store) == [1, 2]


async def test_what_frees_memory_is_done_while_redis_is_full(store: Store, redis_url: str) -> None:
    """Also when it was sent in one commit with writes that are refused: else nothing would ever get
    better."""
    await attached(store)
    claim = await steps.claim(store, KEYS, CALL, role="egress", worker="egress-0@h#1")
    outbox = make(redis_url)
    owner = Owner(outbox, KEYS, CALL, "egress", claim.epoch, lambda _answer: None, "egress-0@h#1")
    reply = KEYS.reply(CALL)
    await store.xadd(reply, {"v": "1"}, "1-1")
    await store.xadd(reply, {"v": "1"}, "2-1")
    async with running(outbox.run()):
        say(outbox, 1)
        say(outbox, 2)
        assert await outbox.flushed(5)
        with refusing(redis_url, "OOM"):
            say(outbox, 3)
            owner.trim_reply("2-1", CutRaised(cut=7))
            say(outbox, 4)
            await refused(outbox, "OOM")
            await wait_until(lambda: _is(store.xlen(reply), 1), "`reply` is trimmed")
            assert (await steps.read_card(store, KEYS, CALL))["cut"] == "7"
            owner.trim_reply("9000000000000-1")
            await wait_until(lambda: _is(store.xlen(reply), 0), "the next trim is done too")
        assert await outbox.flushed(5)
    assert await heard(store) == [1, 2, 3, 4]


async def test_what_the_model_got_moves_while_redis_is_full(store: Store, redis_url: str) -> None:
    """It takes no more room in `turn` than in `caller`; and the commit is not one that is refused."""
    await attached(store)
    claim = await steps.claim(store, KEYS, CALL, role="brain", worker="brain-0@h#1")
    outbox, answers = make(redis_url), list[Moved | Refusal]()
    async with running(outbox.run()):
        say(outbox, 1)
        say(outbox, 2)
        assert await outbox.flushed(5)
        (first, _), _ = await store.xrange(KEYS.caller(CALL))
        move = CallerMove(caller_keys(KEYS, CALL), claim.epoch, first.decode(), b"x", keep_from="0-0")
        with refusing(redis_url, "OOM"):
            say(outbox, 3)
            await refused(outbox, "OOM")
            outbox.send(
                move_callers(0, "brain-0@h#1", [move]).command(),
                on_reply=lambda reply: answers.extend(read_moves(reply)),
            )
            await wait_until(lambda: answers == [Moved.DONE], "the move is done")
        assert await outbox.flushed(5)
    assert await store.xlen(KEYS.turn(CALL)) == 1
    assert await heard(store) == [2, 3]


async def test_a_call_ends_while_redis_is_full(store: Store, redis_url: str) -> None:
    """Its audio is what the memory is needed for."""
    await attached(store)
    await store.xadd(KEYS.reply(CALL), {"v": "1"})
    with refusing(redis_url, "OOM"):
        _, is_first = await steps.end(store, KEYS, CALL, outcome="completed", by="ingress-0@h#1")
    assert is_first
    assert await store.exists(KEYS.reply(CALL), KEYS.caller(CALL)) == 0


async def test_a_snapshot_that_failed_is_a_refusal(tmp_path: Path) -> None:
    """MISCONF: the disk is full or broken; when a snapshot succeeds again, what was held is written."""
    with server(valkey_binary(), tmp_path) as url, sync_redis.Redis.from_url(url) as client:
        (tmp_path / "dump.rdb").mkdir()  # Nothing can be renamed to it.
        client.config_set("save", "3600 100000")
        client.set("tl:{0}:a", "1")
        client.bgsave()
        outbox, replies = make(url), list[Any]()

        async def fails() -> bool:
            return bool(client.info("persistence")["rdb_last_bgsave_status"] == "err")

        await wait_until(fails, "the snapshot has failed")
        async with running(outbox.run()):
            put(outbox, "list", "1", replies)
            put(outbox, "list", "2", replies)
            await refused(outbox, "MISCONF")
            (tmp_path / "dump.rdb").rmdir()
            client.bgsave()
            assert await outbox.flushed(5)
    assert replies == [1, 2]


async def test_a_new_call_is_refused_while_redis_is_full(store: Store, redis_url: str) -> None:
    """At the webhook, in words: its stream could not be attached."""
    with refusing(redis_url, "OOM"), pytest.raises(OutOfMemoryError):
        await steps.reserve(store, KEYS, CALL, nonce="n", expires_at_ms=9)


async def test_a_refusal_outlives_its_connection(store: Store, redis_url: str, word: str) -> None:
    """Killed in the middle of it: what was held and what was under way goes in its old order."""
    await attached(store)
    outbox = make(redis_url)
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        with refusing(redis_url, word):
            for chunk in range(1, 51):
                say(outbox, chunk)
            await refused(outbox, word)
            since_ms = outbox.away_since_ms
            await store.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await wait_until(lambda: outbox.counters.connects == 2, "it is connected again")
            for chunk in range(51, 101):
                say(outbox, chunk)
            assert outbox.away_since_ms == since_ms
        assert await outbox.flushed(5)
    assert await heard(store) == list(range(1, 101))


async def _is(value: Any, wanted: object) -> bool:
    return bool(await value == wanted)
