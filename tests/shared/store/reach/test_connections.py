"""Connections that are closed under a command, on a real server, by both loops that there are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import pytest
import uvloop
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.store.reach.connections import PlainConnection

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


async def close(connection: PlainConnection) -> None:
    await connection.disconnect()


async def ask(connection: PlainConnection) -> object:
    await connection.send_packed_command(connection.pack_command("PING"))
    return await connection.read_response()


Act = Callable[[PlainConnection], Awaitable[object]]


async def together(url: str, *acts: Act) -> list[object]:
    """What each comes to on one connection, when all are begun in one turn of the loop; and a last question,
    which finds a connection that works, whatever became of those before."""
    place = urlsplit(url)
    connection = PlainConnection(host=place.hostname, port=place.port, socket_timeout=1.0, protocol=2)
    await connection.connect()
    found = await asyncio.gather(*(act(connection) for act in acts), return_exceptions=True)
    assert await ask(connection) == b"PONG"
    await connection.disconnect()
    return found


def on(loop: str, found: Awaitable[list[object]]) -> list[object]:
    async def of() -> list[object]:
        return await found

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(of())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_that_closes_is_not_taken_for_open(valkey_url: str, loop: str) -> None:
    """Who takes it then connects anew: redis-py's own fails on a closed transport, and wipes the new one."""
    _, answer = on(loop, together(valkey_url, close, ask))
    assert answer == b"PONG"


@pytest.mark.parametrize("loop", LOOPS)
def test_a_command_whose_connection_is_closed_meanwhile_fails_as_a_lost_one(
    valkey_url: str, loop: str
) -> None:
    """By an error that everybody expects of Redis."""
    answer, _ = on(loop, together(valkey_url, ask, close))
    assert answer == b"PONG" or isinstance(answer, RedisConnectionError), repr(answer)
