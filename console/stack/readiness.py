"""Asks a process whether it is ready and what it serves, or whether a port is answered at all.

Owns: one question with a time limit. Must not know: how often it is asked, what follows.
"""

from __future__ import annotations

import asyncio
import contextlib

ANSWER_TIMEOUT_S = 2.0
LIVE_CALLS = b"trunkline_live_calls "


async def why_not_ready(port: int) -> str:
    """What `/readyz` on 127.0.0.1:`port` says; empty when ready. Never raises for a peer's fault.

    Cancelling is safe.
    """
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            answer = await _exchange(port, _get("/readyz", port))
    except TimeoutError:
        return f"no answer within {ANSWER_TIMEOUT_S:.0f} s"
    except OSError:
        return "not up yet"
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if status == [b"200"]:
        return ""
    return body.decode(errors="replace").strip().removeprefix("not ready: ") or "answered without a status"


async def live_calls(port: int) -> int | None:
    """How many calls the process with this admin port serves; None when it does not say.

    Cancelling is safe.
    """
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            answer = await _exchange(port, _get("/metrics", port))
    except (OSError, TimeoutError):
        return None
    for line in answer.splitlines():
        if line.startswith(LIVE_CALLS):
            return int(float(line.removeprefix(LIVE_CALLS)))
    return None


async def why_not_listening(port: int) -> str:
    """Empty when something accepts connections on 127.0.0.1:`port`. Cancelling is safe."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return "not up yet"
    await _close(writer)
    return ""


# Private.


def _get(path: str, port: int) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()


async def _exchange(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.read()  # To its end: we asked for Connection: close.
    finally:
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    """The peer may have gone first, which is all the same to us."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
