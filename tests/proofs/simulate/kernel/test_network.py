"""Connections of a simulated world."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.simulated_pair import PORT, Pair, run_pair


def test_nobody_listens() -> None:
    """The connection is refused."""

    async def work(pair: Pair) -> None:
        with pytest.raises(ConnectionRefusedError):
            await pair.as_(pair.client, asyncio.open_connection("127.0.0.1", PORT + 1))

    run_pair(work)


def test_a_killed_peer_resets() -> None:
    """The kernel of a process that was killed breaks its connections, and listens no more."""

    async def work(pair: Pair) -> None:
        reader, _ = await pair.connect()
        pair.loop.kill_machine(pair.server)
        pair.network.bury(pair.server)
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        with pytest.raises(ConnectionRefusedError):
            await pair.connect()

    run_pair(work)


def test_a_host_that_vanishes_says_nothing() -> None:
    """Half open: whoever waits, waits."""

    async def work(pair: Pair) -> None:
        reader, writer = await pair.connect()
        pair.loop.kill_machine(pair.server)
        pair.network.bury(pair.server, silently=True)
        writer.write(b"anybody?\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await reader.readline()

    run_pair(work)


def test_a_cut_holds_bytes_back() -> None:
    """They come when it is mended, in order; nothing breaks."""

    async def work(pair: Pair) -> None:
        reader, writer = await pair.connect()
        pair.network.cut("client", "server")
        writer.write(b"one\n")
        writer.write(b"two\n")
        await asyncio.sleep(5)
        assert pair.got == []
        pair.network.mend("client", "server")
        assert await reader.readline() == b"one\n"
        assert await reader.readline() == b"two\n"

    run_pair(work)


def test_a_new_connection_waits_for_the_end_of_a_cut() -> None:
    """Its first packet is sent again."""

    async def work(pair: Pair) -> None:
        pair.network.cut("client", "server")
        connecting = asyncio.ensure_future(pair.connect())
        await asyncio.sleep(3)
        assert not connecting.done()
        pair.network.mend("client", "server")
        _, writer = await connecting
        writer.write(b"here\n")
        await asyncio.sleep(1)
        assert pair.got == [b"here\n"]

    run_pair(work)


def test_a_reset_breaks_both_sides() -> None:
    """And the next connection is taken."""

    async def work(pair: Pair) -> None:
        reader, _ = await pair.connect()
        assert pair.network.reset("client", "server") == 1
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        await asyncio.sleep(0.1)
        assert pair.ended == ["reset"]
        await pair.connect()

    run_pair(work)


def test_a_host_that_is_back_knows_no_old_connection() -> None:
    """Whoever wrote to it is told."""

    async def work(pair: Pair) -> None:
        reader, writer = await pair.connect()
        pair.loop.kill_machine(pair.server)
        pair.network.bury(pair.server, silently=True)
        writer.write(b"anybody?\n")
        await asyncio.sleep(5)
        pair.network.come_back("server")
        assert not pair.network.vanished
        with pytest.raises(ConnectionResetError):
            await reader.readline()

    run_pair(work)


def test_answers_can_be_lost() -> None:
    """Who is muted hears all, and is not heard; what it had said goes with the connection."""

    async def work(pair: Pair) -> None:
        reader, writer = await pair.connect()
        pair.network.mute("server", "client")
        writer.write(b"done?\n")
        await asyncio.sleep(1)
        assert pair.got == [b"done?\n"]
        pair.network.reset("client", "server")
        pair.network.mend("client", "server")
        with pytest.raises(ConnectionResetError):
            await reader.readline()

    run_pair(work)
