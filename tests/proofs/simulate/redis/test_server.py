"""Connections: transactions, who blocks, a server that is full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from shared.store.permissions import COMMANDS

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
    """What shared/store/permissions.py lists is queued here as it is there."""
    both("MULTI")
    for words in COMMANDS:
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
