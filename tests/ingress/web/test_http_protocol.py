"""A request has three seconds to arrive, whatever part of it is slow."""

from __future__ import annotations

import asyncio

from tests.ingress.harness import Ingress, raw_answer, voice_form


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
