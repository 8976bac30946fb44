"""The socket of a session: kept alive by pings, and what its end means. Opening is in test_socket.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from openai import AsyncOpenAI
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.frames import Close

from brain.model.realtime import connection
from brain.model.realtime.connection import connect, end_of
from brain.model.realtime.proof import Proof
from tests.support.waiting import wait_until


@asynccontextmanager
async def server(*, reads: bool = True) -> AsyncIterator[str]:
    """A server that answers pings, or one that reads nothing after the upgrade."""

    async def serve_one(socket: ServerConnection) -> None:
        if not reads:
            socket.transport.pause_reading()
        await socket.wait_closed()

    async with serve(serve_one, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{next(iter(listening.sockets)).getsockname()[1]}/v1"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("ping_interval", 0.05), ("ping_timeout", 0.1), ("close_timeout", 0.05)):
        monkeypatch.setitem(connection._SOCKET_OPTIONS, name, seconds)


async def test_a_pong_is_a_proof() -> None:
    """Of all that was written before its ping."""
    proof = Proof()
    async with server() as url, AsyncOpenAI(api_key="key", base_url=url, max_retries=0) as client:
        socket = (await connect(client, "gpt-realtime", {}, proof)).link
        proof.appended(b"7-0", 0.0)
        await wait_until(lambda: proof.proven_id == b"7-0", "a pong came")
        await socket.close()


async def test_a_peer_that_is_gone_without_a_word_is_found() -> None:
    """Its socket is open, and nothing comes: the end has a name of its own."""
    proof = Proof()
    async with server(reads=False) as url, AsyncOpenAI(api_key="key", base_url=url, max_retries=0) as client:
        socket = (await connect(client, "gpt-realtime", {}, proof)).link
        proof.appended(b"7-0", 0.0)
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(5):
                await socket.receive()

    assert end_of(closed.value, expired=False).cause == "half_open"
    assert proof.proven_id == b""


@pytest.mark.parametrize(
    ("received", "sent", "cause"),
    [
        (None, None, "closed_1006"),
        (None, Close(1011, "keepalive ping timeout"), "half_open"),
        (Close(1001, ""), Close(1001, ""), "closed_1001"),
    ],
)
def test_an_end_has_a_cause(received: Close | None, sent: Close | None, cause: str) -> None:
    """Cut, given up by us, closed by the other side."""
    error = ConnectionClosedError(received, sent, received is not None or None)

    assert end_of(error, expired=False).cause == cause
