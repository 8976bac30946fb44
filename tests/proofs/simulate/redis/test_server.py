"""Connections: transactions, who blocks, a server that is full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import redis as sync_redis

from proofs.simulate.redis import server as simulated_server
from shared.store.access.permissions import commands
from tests.proofs.simulate.redis.conftest import Real

Ask = Callable[..., Any]


def test_transactions(both: Ask) -> None:
    """What is queued is done at once, or not at all."""
    both("MULTI")
    both("HSET", "h", "a", "1")
    both("HGET", "h", "a")
    both("XLEN", "h")
    both("EXEC")
    both("MULTI")
    both("HSET", "h", "a", "2")
    both("DISCARD")
    both("MULTI")
    both("NONSENSE")
    both("EXEC")
    both("HGET", "h", "a")


def test_every_command_that_trunkline_needs_is_known(both: Ask) -> None:
    """What shared/store/access/permissions.py lists is queued here as it is there."""
    both("MULTI")
    for words in commands():
        both(*words)
    both("DISCARD")


def test_a_full_redis_refuses_what_needs_memory(simulated: Any) -> None:
    """What frees memory is taken; so is a script whose first write needs none."""
    simulated.ask("HSET", "h", "a", "1")
    simulated.server.is_full = True
    assert simulated.ask("HSET", "h", "b", "1") == "error OOM"
    assert simulated.ask("HDEL", "h", "x") == 0
    script = "redis.call('HDEL', KEYS[1], '') return redis.call('HSET', KEYS[1], 'b', '1')"
    assert simulated.ask("EVAL", script, 1, "h") == 1
    assert simulated.ask("EVAL", "return redis.call('HSET', KEYS[1], 'c', '1')", 1, "h") == "error OOM"


ASKED = (
    ("HSET", "h", "a", "2"),
    ("HGET", "h", "a"),
    ("PING",),
    ("XADD", "s", "NOMKSTREAM", "*", "f", "v"),
    ("XREAD", "STREAMS", "s", "0"),
    ("XREADGROUP", "GROUP", "g", "one", "STREAMS", "s", ">"),
    ("EVAL", "return redis.call('HSET', KEYS[1], 'a', '3')", 1, "h"),
    ("EVAL", "return redis.call('HGET', KEYS[1], 'a')", 1, "h"),
    ("MULTI",),
    ("HGET", "h", "a"),
    ("HSET", "h", "a", "4"),
    ("EXEC",),
    ("MULTI",),
    ("HGET", "h", "a"),
    ("EXEC",),
    ("HGET", "h", "a"),
)
"""What is written and read while a server refuses."""


@pytest.mark.parametrize(
    ("refusal", "begins", "ends"),
    [
        (
            simulated_server.NO_REPLICAS,
            ("CONFIG", "SET", "min-replicas-to-write", "9"),
            ("CONFIG", "SET", "min-replicas-to-write", "0"),
        ),
        (simulated_server.READ_ONLY, ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ],
    ids=["NOREPLICAS", "READONLY"],
)
def test_a_redis_that_refuses_writes_answers_as_a_real_one(
    simulated: Any, redis_url: str, refusal: str, begins: tuple[str, ...], ends: tuple[str, ...]
) -> None:
    """Plain, in a script, in a MULTI, in a group; reads are answered."""
    real = Real(redis_url)
    for words in (("HSET", "h", "a", "1"), ("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")):
        assert simulated.ask(*words) == real.ask(*words)
    with sync_redis.Redis.from_url(redis_url) as client:
        client.execute_command(*begins)
        simulated.server.refusal = refusal
        try:
            for words in ASKED:
                assert simulated.ask(*words) == real.ask(*words), words
        finally:
            client.execute_command(*ends)
            simulated.server.refusal = ""
    assert simulated.ask("HSET", "h", "a", "5") == real.ask("HSET", "h", "a", "5")
    real.close()


def test_a_redis_without_a_disk_does_not_answer_a_ping(simulated: Any) -> None:
    """So that who asks for its health is told."""
    simulated.server.refusal = simulated_server.NO_DISK
    assert simulated.ask("PING") == "error MISCONF"
    assert simulated.ask("HGET", "h", "a") is None


@pytest.mark.parametrize("closed", [simulated_server.BUSY, simulated_server.LOADING])
def test_a_redis_that_serves_nobody_says_why(simulated: Any, closed: str) -> None:
    """A transaction is given up; nothing of it was done."""
    word = closed.partition(" ")[0]
    simulated.ask("HSET", "h", "a", "1")
    simulated.server.closed = closed
    assert simulated.ask("HGET", "h", "a") == f"error {word}"
    assert simulated.ask("MULTI") == b"OK"
    assert simulated.ask("HSET", "h", "a", "2") == f"error {word}"
    assert simulated.ask("EXEC") == "error EXECABORT"
    simulated.server.closed = ""
    assert simulated.ask("HGET", "h", "a") == b"1"


def _blocking(simulated: Any, work: Callable[[Any], Any]) -> None:
    """On a loop, since who blocks has a timer."""
    loop = asyncio.new_event_loop()

    async def whole() -> None:
        work(simulated)

    loop.run_until_complete(whole())
    loop.close()


def test_a_read_waits_for_news(simulated: Any) -> None:
    """It is answered by the write of another connection; what was sent behind it waits as well."""

    def work(simulated: Any) -> None:
        other = type(simulated)(simulated.server)
        simulated.send("XREAD", "BLOCK", 1000, "STREAMS", "s", "$")
        simulated.send("PING")
        assert simulated.heard() == []
        other.ask("XADD", "s", "1-0", "f", "v")
        assert simulated.heard() == [[[b"s", [[b"1-0", [b"f", b"v"]]]]], b"PONG"]

    _blocking(simulated, work)


def test_of_two_that_wait_for_one_entry_the_first_gets_it(simulated: Any) -> None:
    """A group hands an entry to one consumer; the other one goes on waiting."""

    def work(simulated: Any) -> None:
        first, second = type(simulated)(simulated.server), type(simulated)(simulated.server)
        simulated.ask("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        for client, name in ((first, "one"), (second, "two")):
            client.send("XREADGROUP", "GROUP", "g", name, "BLOCK", 1000, "STREAMS", "s", ">")
        simulated.ask("XADD", "s", "1-0", "f", "v")
        assert len(first.heard()) == 1
        assert second.heard() == []

    _blocking(simulated, work)


def test_who_waits_in_a_group_that_goes_is_told(simulated: Any) -> None:
    """The stream is deleted under it."""

    def work(simulated: Any) -> None:
        other = type(simulated)(simulated.server)
        simulated.ask("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        simulated.send("XREADGROUP", "GROUP", "g", "one", "BLOCK", 1000, "STREAMS", "s", ">")
        other.ask("DEL", "s")
        assert simulated.heard() == ["error NOGROUP"]

    _blocking(simulated, work)
