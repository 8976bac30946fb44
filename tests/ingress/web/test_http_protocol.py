"""A request has three seconds to arrive, whatever part of it is slow; strangers make room; the last one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ingress.counters import SocketCounters
from ingress.media.bounds import Room
from ingress.media.strangers import StrangerCounters, Strangers
from ingress.web.http_protocol import LAST_REQUEST_WITHIN_S, http_protocol_class
from shared.process.admin import OwnSignalsServer, admin_listener
from tests.ingress.fakes import Clock
from tests.ingress.harness import Ingress, raw_answer, voice_form
from tests.support.waiting import wait_until


async def test_slow_handshake_and_missing_start_are_closed(bridge: Ingress) -> None:
    """A request that drips and a socket without `start` have three seconds each."""

    async def drip() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", bridge.port)
        writer.write(b"GET /media HTTP/1.1\r\nHost: x\r\n")
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        return answer

    async def silent() -> tuple[int | None, str | None]:
        async with bridge.connect() as quiet:
            await quiet.send('{"event":"connected"}')
            async with asyncio.timeout(10):
                await quiet.wait_closed()
            return quiet.close_code, quiet.close_reason

    async def idle() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", bridge.port)
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        return answer

    async def body() -> bytes:
        head = b"POST /voice HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nCallSid="
        return await raw_answer(bridge.port, head)

    dripped, closed, nothing, half = await asyncio.gather(drip(), silent(), idle(), body())
    assert dripped == half == b""
    assert nothing == b""
    assert closed == (1008, "no start in time")
    assert bridge.role.counters.handshake_too_slow == 3


async def test_requests_in_time_meet_no_bound(bridge: Ingress) -> None:
    """One after another, each on a connection of its own."""
    for _ in range(3):
        assert (await bridge.post("/voice", voice_form())).status_code == 200
    assert bridge.role.counters.handshake_too_slow == 0


REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"


@dataclass(slots=True)
class Ending:
    """A server with one connection on which nothing has come yet, as it is told to end."""

    server: OwnSignalsServer
    serving: asyncio.Task[None]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.read()


@contextlib.asynccontextmanager
async def ending() -> AsyncIterator[Ending]:
    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await request.body())

    config = uvicorn.Config(
        Starlette(routes=[Route("/", echo, methods=["POST"])]),
        http=http_protocol_class(SocketCounters()),
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = OwnSignalsServer(config)
    listener = admin_listener(0)
    address = listener.getsockname()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await wait_until(lambda: server.started, "the server listens")
    reader, writer = await asyncio.open_connection(*address)
    await wait_until(lambda: bool(server.server_state.connections), "it has the connection")
    server.end()
    await wait_until(no_longer_listens(server), "it is ending")
    try:
        yield Ending(server, serving, reader, writer)
    finally:
        writer.close()
        await serving


def no_longer_listens(server: OwnSignalsServer) -> Callable[[], bool]:
    return lambda: not any(one.is_serving() for one in server.servers)


@pytest.mark.parametrize("first_bytes", [0, 10, len(REQUEST) - 2])
async def test_who_was_let_in_is_answered_though_the_server_ends(first_bytes: int) -> None:
    """An ingress that restarts: what was accepted a moment before is no refused call, nor an error."""
    async with ending() as found:
        found.writer.write(REQUEST[:first_bytes])
        await asyncio.sleep(0)
        found.writer.write(REQUEST[first_bytes:])
        answer = await found.answer()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b"hello")


async def test_what_is_no_request_is_told_so_then_too() -> None:
    """As at any other time: 400, and the end of the connection."""
    async with ending() as found:
        found.writer.write(b"no request\r\n\r\n")
        assert (await found.answer()).startswith(b"HTTP/1.1 400 ")


async def test_who_says_nothing_holds_no_server_back() -> None:
    """Half a second: who connects and asks nothing is not waited for until everything is cut off."""
    began = time.monotonic()
    async with ending() as found:
        assert await found.answer() == b""
        await found.serving
    assert time.monotonic() - began >= LAST_REQUEST_WITHIN_S


# Strangers.


@contextlib.asynccontextmanager
async def serving(met: Strangers) -> AsyncIterator[tuple[str, int]]:
    """A server with this account of strangers; it knows one path."""

    async def hello(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    config = uvicorn.Config(
        Starlette(routes=[Route("/", hello)]),
        http=http_protocol_class(SocketCounters(), met),
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = OwnSignalsServer(config)
    listener = admin_listener(0)
    address = listener.getsockname()
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await wait_until(lambda: server.started, "the server listens")
    try:
        yield address
    finally:
        server.end()
        await task


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """What comes until the end of the connection, however it ends."""
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


@pytest.mark.parametrize("path", ["/", "/wp-admin"])
async def test_a_connection_ends_with_its_answer(path: str) -> None:
    """Also one that a stranger would keep by asking for nothing of ours again and again."""
    async with serving(Strangers()) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = await read_all(reader)
        writer.close()
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.lower().count(b"connection: close") == 1


async def test_who_asks_nothing_makes_room_for_who_does() -> None:
    """The one that has waited for longest, long before its three seconds are over."""
    met = Strangers(room=Room(asking=2, sockets=1))
    async with serving(met) as (host, port):
        idle = [await asyncio.open_connection(host, port) for _ in range(2)]
        asking, writer = await asyncio.open_connection(host, port)
        assert await read_all(idle[0][0]) == b""
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read_all(asking)).endswith(b"hello")
        for _, each in [*idle, (asking, writer)]:
            each.close()
    assert met.counters == StrangerCounters(not_asked_in_time=1)


async def test_more_connections_than_there_may_be_a_second_are_closed_as_they_come() -> None:
    """A second later one is answered again."""
    clock = Clock()
    met = Strangers(room=Room(asking=10, sockets=1), clock=clock)
    while met.may_connect():
        pass
    async with serving(met) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        assert await read_all(reader) == b""
        writer.close()
        clock.now_ms += 1_000
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read_all(reader)).endswith(b"hello")
        writer.close()
    assert met.counters.connections_refused == 2


async def test_what_is_no_request_is_counted_and_leaves_no_line(caplog: pytest.LogCaptureFixture) -> None:
    """Uvicorn has a warning for each."""
    met = Strangers()
    async with serving(met) as (host, port):
        for garbage in (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"\0" * 20 + b"\r\n\r\n"):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(garbage)
            assert (await read_all(reader)).startswith(b"HTTP/1.1 400 ")
            writer.close()
    assert met.counters == StrangerCounters(no_requests=3)
    warned = [record for record in caplog.records if record.levelname not in ("DEBUG", "INFO")]
    assert [record for record in warned if record.name.startswith(("uvicorn", "ingress"))] == []
