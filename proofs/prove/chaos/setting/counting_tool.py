"""A tool that counts its own runs, behind a port of its own.

Why it exists: whether a tool ran twice can only be said by the tool. Owns: that tool: it takes its time,
answers each run and notes it. Must not know: who calls it. The request is that of an HTTP tool
(docs/agents.md).
"""

from __future__ import annotations

import asyncio
import time
from typing import Self, cast

import orjson

from proofs.prove.chaos.evidence.shapes import ToolRun

TAKES_S = 1.5
_ANSWER = b'{"status": "found"}'
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n" % len(_ANSWER)
)


class CountingTool:
    """An async context manager: listens while its block runs."""

    def __init__(self, takes_s: float = TAKES_S) -> None:
        self.runs: list[ToolRun] = []
        """All of them, in the order in which they began."""
        self.running: set[str] = set()
        """Calls for which it runs now, by call_sid."""
        self._takes_s = takes_s
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

    # Private.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            body = orjson.loads(await reader.readexactly(_length(head)))
            call_sid = str(body["call"]["call_sid"])
            self.runs.append(
                ToolRun(
                    at_ms=time.monotonic() * 1000,
                    call_sid=call_sid,
                    call_id=str(body["call"]["call_id"]),
                    arguments=orjson.dumps(body["arguments"], option=orjson.OPT_SORT_KEYS).decode(),
                )
            )
            self.running.add(call_sid)
            # Whoever asked may be dead by then: the run has happened all the same.
            await asyncio.sleep(self._takes_s)
            self.running.discard(call_sid)
            writer.write(_HEAD + _ANSWER)
        except asyncio.IncompleteReadError:
            return  # Gone before it had asked.
        finally:
            writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
