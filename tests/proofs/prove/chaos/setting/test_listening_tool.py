"""An HTTP tool that a proof listens as."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import httpx
import orjson

from proofs.prove.chaos.setting.listening_tool import ListeningTool


class Echo(ListeningTool):
    """It answers with its arguments."""

    async def run(self, asked: dict[str, Any]) -> bytes:
        return orjson.dumps(asked["arguments"])


async def answer_of(tool: ListeningTool) -> object:
    async with httpx.AsyncClient(trust_env=False) as client:
        body = {"tool": "echo", "arguments": {"order": "1"}}
        return (await client.post(f"http://127.0.0.1:{tool.port}/echo", json=body)).json()


async def test_each_request_is_a_run() -> None:
    """Its answer is what the run says."""
    async with Echo() as tool:
        assert [await answer_of(tool) for _ in range(2)] == [{"order": "1"}] * 2


async def test_who_is_gone_before_they_have_asked_is_no_error() -> None:
    """Those who are killed ask half, and are cut off."""
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))
    async with Echo() as tool:
        for cuts in (False, True):
            _, writer = await asyncio.open_connection("127.0.0.1", tool.port)
            if cuts:  # By a reset.
                own = writer.get_extra_info("socket")
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.write(b"POST /echo HTTP/1.1\r\n")
            writer.transport.abort()
            assert await answer_of(tool) == {"order": "1"}
    assert errors == []
