"""The socket between a session and its model: the order of what comes, and what is not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from openai import AsyncOpenAI
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from brain.model.realtime import link as link_module
from brain.model.realtime.connection import connect, end_of
from brain.model.realtime.link import RealtimeLink
from brain.model.realtime.proof import Proof
from tests.support.waiting import wait_until


@asynccontextmanager
async def linked(serving: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[RealtimeLink]:
    """A link to a server that does this with its socket."""
    async with serve(serving, "127.0.0.1", 0, max_size=None) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        url = f"http://127.0.0.1:{port}/v1"
        async with AsyncOpenAI(api_key="key", base_url=url, max_retries=0) as client:
            connected = await connect(client, "gpt-realtime", {}, Proof())
            yield connected.link
            await connected.connection.close()


async def sends_ten(socket: ServerConnection) -> None:
    """Ten numbers; after a word from the other side ten more, then its end."""
    for number in range(10):
        await socket.send(str(number))
    await socket.recv()
    for number in range(10, 20):
        await socket.send(str(number))
    await socket.close(1001)


async def test_what_came_before_anybody_listened_comes_first() -> None:
    """Then the rest, as it comes, then the end: once."""
    heard: list[str] = []

    def ended(error: ConnectionClosed) -> None:
        heard.append(end_of(error, expired=False).cause)

    async with linked(sends_ten) as link:
        assert [await link.receive() for _ in range(3)] == [b"0", b"1", b"2"]
        link.listen(lambda message: heard.append(message.decode()), ended)
        link.write(b"go on")
        await wait_until(lambda: heard[-1:] == ["closed_1001"], "the end came")
        assert heard == [*map(str, range(3, 20)), "closed_1001"]
        # Whoever comes later is told of the end, too.
        link.listen(lambda message: heard.append("late"), ended)
        assert heard[-1] == "closed_1001"
        assert heard.count("closed_1001") == 2


async def test_after_unlisten_nothing_is_handed_over() -> None:
    """Not even the end."""
    heard: list[object] = []
    async with linked(sends_ten) as link:
        link.listen(heard.append, heard.append)
        await wait_until(lambda: len(heard) == 10, "ten messages came")
        link.unlisten()
        link.write(b"go on")
        assert [await link.receive() for _ in range(10)] == [b"%d" % number for number in range(10, 20)]
        with pytest.raises(ConnectionClosed):
            await link.receive()
    assert len(heard) == 10


async def test_a_message_in_pieces_is_one() -> None:
    """As any server may send it; text or bytes."""

    async def serving(socket: ServerConnection) -> None:
        await socket.send(["a", "b", "c"])
        await socket.send(b"d")
        await socket.recv()

    async with linked(serving) as link:
        assert [await link.receive(), await link.receive()] == [b"abc", b"d"]


async def test_what_nobody_takes_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many messages wait here; all others at the peer."""
    monkeypatch.setattr(link_module, "MOST_WAITING", 8)
    total, sent = 400, 0

    async def serving(socket: ServerConnection) -> None:
        nonlocal sent
        for number in range(total):
            await socket.send(f"{number}:" + "x" * 50_000)
            sent += 1
        await socket.recv()

    async with linked(serving) as link:
        await wait_until(lambda: len(link._waiting) >= 8, "the link is full")
        for _ in range(20):
            await asyncio.sleep(0)
        assert sent < total
        seen = [int((await link.receive()).partition(b":")[0]) for _ in range(100)]
        link.listen(lambda message: seen.append(int(message.partition(b":")[0])), lambda error: None)
        await wait_until(lambda: len(seen) == total, "all came")
        assert seen == list(range(total))


async def test_a_peer_that_does_not_read_is_noticed_and_so_is_one_that_reads_again() -> None:
    """What is written meanwhile is its caller's to hold."""
    may_read = asyncio.Event()
    got = 0

    async def serving(socket: ServerConnection) -> None:
        nonlocal got
        socket.transport.pause_reading()
        await may_read.wait()
        socket.transport.resume_reading()
        async for message in socket:
            got += len(message)

    async with linked(serving) as link:
        room: list[bool] = []
        link.when_it_takes_more(lambda: room.append(link.takes_more))
        written = 0
        while link.takes_more:
            link.write(b"x" * 100_000)
            written += 100_000
            await asyncio.sleep(0)
        assert room == []
        may_read.set()
        await wait_until(lambda: got == written, "all was read")
        assert room[-1:] == [True]
        await link.close()
        link.write(b"goes nowhere")
        assert not link.takes_more
