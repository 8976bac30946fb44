"""The runs of tools that are under way in this process, whichever call began them.

Why it exists: a caller who says "book it" and hangs up wants it booked. A run belongs to the process, not to
the call: it goes on to its end or its time limit when the call is over, and a process that drains waits for
it. Owns: those runs. Must not know: what a tool does, the calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from brain.tools.toolbox import ToolResult


class ToolAttempts:
    """The runs of one process. Each is bounded by its tool's time limit."""

    __slots__ = ("_none_left", "_running")

    def __init__(self) -> None:
        self._running: set[asyncio.Task[ToolResult]] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()

    def begin(self, run: Coroutine[object, object, ToolResult], name: str) -> asyncio.Task[ToolResult]:
        """A run that outlives whoever waits for it: wait with `asyncio.shield`."""
        task = asyncio.create_task(run, name=f"tool-run-{name}")
        self._running.add(task)
        self._none_left.clear()
        task.add_done_callback(self._ended)
        return task

    async def finished(self) -> None:
        """Waits until none is under way. Cancelling it is safe."""
        await self._none_left.wait()

    async def stop(self) -> None:
        """Cancels what is under way: the process ends. Never cancelled."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    # Private.

    def _ended(self, task: asyncio.Task[ToolResult]) -> None:
        self._running.discard(task)
        if not self._running:
            self._none_left.set()
