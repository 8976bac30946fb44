"""A tool that counts its own runs.

Why it exists: whether a tool ran twice can only be said by the tool. Owns: that tool: it takes its time,
answers each run and notes it. Must not know: who calls it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson

from proofs.prove.chaos.evidence.shapes import ToolRun
from proofs.prove.chaos.setting.listening_tool import ListeningTool

TAKES_S = 1.5
_ANSWER = b'{"status": "found"}'


class CountingTool(ListeningTool):
    """See ListeningTool."""

    def __init__(self, takes_s: float = TAKES_S) -> None:
        super().__init__()
        self.runs: list[ToolRun] = []
        """All of them, in the order in which they began."""
        self.running: set[str] = set()
        """Calls for which it runs now, by call_sid."""
        self._takes_s = takes_s

    async def run(self, asked: dict[str, Any]) -> bytes:
        """Noted when it begins."""
        call_sid = str(asked["call"]["call_sid"])
        self.runs.append(
            ToolRun(
                at_ms=time.monotonic() * 1000,
                call_sid=call_sid,
                call_id=str(asked["call"]["call_id"]),
                arguments=orjson.dumps(asked["arguments"], option=orjson.OPT_SORT_KEYS).decode(),
            )
        )
        self.running.add(call_sid)
        # Whoever asked may be dead by then: the run has happened all the same.
        await asyncio.sleep(self._takes_s)
        self.running.discard(call_sid)
        return _ANSWER
