"""Asking whether a process is ready."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from console.stack import readiness
from console.stack.ports import free_port


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """A server that says the same to everybody and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):  # A visitor who only knocks.
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        writer.close()
        await writer.wait_closed()
        closed.set()

    closed = asyncio.Event()
    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield port
        await closed.wait()


async def test_ready() -> None:
    """200 is ready."""
    async with answering(b"HTTP/1.1 200 OK\r\n\r\nready\n") as port:
        assert await readiness.why_not_ready(port) == ""


async def test_somebody_listens() -> None:
    """That is all that can be asked of a server without /readyz."""
    async with answering(b"") as port:
        assert await readiness.why_not_listening(port) == ""


async def test_not_ready_for_a_reason() -> None:
    """The process's own words."""
    async with answering(b"HTTP/1.1 503 No\r\n\r\nnot ready: waiting for Redis\n") as port:
        assert await readiness.why_not_ready(port) == "waiting for Redis"


async def test_nonsense_is_not_ready() -> None:
    """Whatever listens there is not one of ours."""
    async with answering(b"") as port:
        assert await readiness.why_not_ready(port) == "answered without a status"


async def test_nobody_listens() -> None:
    """Not up yet."""
    port = free_port()
    assert await readiness.why_not_ready(port) == "not up yet"
    assert await readiness.why_not_listening(port) == "not up yet"


async def test_live_calls_of_a_process() -> None:
    """One line of its metrics."""
    answer = b"HTTP/1.1 200 OK\r\n\r\n# HELP trunkline_live_calls Calls\ntrunkline_live_calls 17.0\n"
    async with answering(answer) as port:
        assert await readiness.live_calls(port) == 17


async def test_live_calls_of_nobody() -> None:
    """None, not 0: it does not say."""
    assert await readiness.live_calls(free_port()) is None
    async with answering(b"HTTP/1.1 200 OK\r\n\r\nother 1\n") as port:
        assert await readiness.live_calls(port) is None
