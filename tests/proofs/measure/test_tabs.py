"""Three tabs on a console: each shows something, or the measure fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proofs.measure.tabs import Tabs, TabsFailed, looked_at
from tests.support.waiting import wait_until

SID = "CA" + "0" * 31 + "1"


@asynccontextmanager
async def console(
    *, shows_calls: bool = True, fleet_status: str = "200 OK", fleet_ends: bool = False
) -> AsyncIterator[str]:
    """A server that answers as the console does: streams that stay open."""
    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        while path == "/healthz":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        status = fleet_status if path == "/events/fleet" else "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Type: text/event-stream\r\n\r\n".encode())
        if path != "/events/live":
            writer.write(f"data: {path}\n\n".encode())
            if path == "/events/fleet" and fleet_ends:
                writer.close()
        elif shows_calls:
            writer.write(f'data: <a href="/calls/{SID}">\n\n'.encode())

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in writers:
            writer.close()
        server.close()


async def test_the_third_tab_is_of_the_first_call_that_is_shown() -> None:
    """And all three are open at once."""
    async with console() as url, looked_at(url) as tabs:
        await wait_until(lambda: len(tabs.seen_chars) == 3, "each tab shows something")
    assert tabs.seen_chars["call"] == len(f"data: /events/calls/{SID}\n\n")


async def test_a_tab_that_stays_empty_is_no_measure() -> None:
    """It is named."""
    with pytest.raises(TabsFailed, match="live, call"):
        async with console(shows_calls=False) as url, looked_at(url) as tabs:
            await wait_until(lambda: "fleet" in tabs.seen_chars, "the fleet is shown")
    with pytest.raises(TabsFailed, match="live, fleet, call"):
        Tabs().check()


async def test_an_answer_that_is_an_error_is_no_measure() -> None:
    """However much it says."""
    with pytest.raises(TabsFailed, match="fleet: it was answered 503"):
        async with console(fleet_status="503 Later") as url, looked_at(url) as tabs:
            await wait_until(lambda: "fleet" in tabs.wrong and len(tabs.seen_chars) == 2, "all were asked")
    assert "fleet" not in tabs.seen_chars


async def test_a_stream_that_ends_is_no_measure() -> None:
    """What was shown before is not what a tab costs."""
    with pytest.raises(TabsFailed, match="fleet: its stream ended"):
        async with console(fleet_ends=True) as url, looked_at(url) as tabs:
            await wait_until(lambda: bool(tabs.wrong), "the stream ends")
    assert "fleet" in tabs.seen_chars
