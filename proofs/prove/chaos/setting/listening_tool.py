"""An HTTP tool behind a port of its own, asked as any is (docs/agents.md).

Why it exists: what a tool was asked can only be said by the tool, and each proof wants another one. Owns: the
port, the reading of a request, the form of an answer. Must not know: what a run does.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any, Self, cast

import orjson

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


class ListeningTool(ABC):
    """An async context manager: listens while its block runs."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None, "the tool listens only inside `async with`"
        return cast(int, self._server.sockets[0].getsockname()[1])

    @abstractmethod
    async def run(self, asked: dict[str, Any]) -> bytes:
        """One run: the body of the request; its answer, as JSON."""

    # Private.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            answer = await self.run(orjson.loads(body))
            writer.write(_HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(answer), answer))
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # Gone before it had asked.
        finally:
            writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
