"""The socket of a session: kept alive by pings, and what its end means. Opening is in test_socket.py."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from openai import AsyncOpenAI
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.frames import Close

from brain.errors import EngineError
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


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hands on what comes, to its end."""
    while data := await reader.read(4096):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def proxy(asked: list[bytes]) -> AsyncIterator[str]:
    """One that lets everything through, to this host, whatever name it was asked for."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        await reader.readuntil(b"\r\n\r\n")
        port = int(asked[-1].split()[1].rpartition(b":")[2])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(relay(reader, far_writer), relay(far_reader, writer))

    async with await asyncio.start_server(serve_one, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def test_a_proxy_is_the_way_out() -> None:
    """The provider's name is the proxy's to look up."""
    asked: list[bytes] = []
    async with server() as url, proxy(asked) as way_out:
        far = url.replace("127.0.0.1", "model.example")
        async with AsyncOpenAI(api_key="key", base_url=far, max_retries=0) as client:
            proof = Proof()
            socket = (await connect(client, "gpt-realtime", {}, proof, way_out)).link
            proof.appended(b"7-0", 0.0)
            await wait_until(lambda: proof.proven_id == b"7-0", "a pong came")
            await socket.close()

    (line,) = asked
    assert line.startswith(b"CONNECT model.example:")


async def test_this_host_is_asked_straight() -> None:
    """A simulator, a gateway beside us: no proxy can reach it."""
    async with server() as url, AsyncOpenAI(api_key="key", base_url=url, max_retries=0) as client:
        socket = (await connect(client, "gpt-realtime", {}, Proof(), "http://127.0.0.1:9")).link
        await socket.close()


async def test_a_proxy_that_is_not_there_is_no_connection() -> None:
    """And may be there a moment later."""
    async with AsyncOpenAI(api_key="key", base_url="http://model.example/v1", max_retries=0) as client:
        with pytest.raises(EngineError) as failed:
            await connect(client, "gpt-realtime", {}, Proof(), "http://127.0.0.1:9")

    assert (failed.value.cause, failed.value.fatal) == ("connect_failed", False)


@pytest.mark.parametrize(
    ("headers", "authorization"),
    [({}, "Bearer key"), ({"api-key": "other"}, None), ({"Api-Key": "o", "Authorization": "Own"}, "Own")],
)
async def test_a_key_of_the_agents_own_takes_the_place_of_ours(
    headers: dict[str, str], authorization: str | None
) -> None:
    """A provider that takes it might take the other for a token."""
    told: list[str | None] = []

    async def serve_one(socket: ServerConnection) -> None:
        assert socket.request is not None
        told.append(socket.request.headers.get("Authorization"))
        await socket.wait_closed()

    async with serve(serve_one, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{next(iter(listening.sockets)).getsockname()[1]}/v1"
        async with AsyncOpenAI(api_key="key", base_url=url, max_retries=0) as client:
            socket = (await connect(client, "gpt-realtime", headers, Proof())).link
            await socket.close()

    assert told == [authorization]
