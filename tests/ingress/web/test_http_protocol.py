"""A request has three seconds to arrive, whatever part of it is slow; and a moment when the server ends."""

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
from ingress.web.http_protocol import LAST_REQUEST_WITHIN_S, http_protocol_class
from shared.process.admin import OwnSignalsServer, admin_listener
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


async def test_kept_connection_serves_many_requests(bridge: Ingress) -> None:
    """The bound is on a request, not on the connection: httpx keeps one open."""
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
