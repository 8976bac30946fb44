"""Runs that belong to the process: they are waited for, and end with it."""

from __future__ import annotations

import asyncio

from brain.tools.attempts import ToolAttempts
from brain.tools.toolbox import ToolOutcome, ToolResult

DONE = ToolResult(outcome=ToolOutcome.OK, output="done")


async def test_a_drain_waits_for_what_was_begun() -> None:
    """And for nothing where nothing is under way."""
    attempts, goes_on = ToolAttempts(), asyncio.Event()
    await asyncio.wait_for(attempts.finished(), 1)

    async def run() -> ToolResult:
        await goes_on.wait()
        return DONE

    task = attempts.begin(run(), "stock")
    waiting = asyncio.create_task(attempts.finished())
    await asyncio.sleep(0)
    assert not waiting.done()
    goes_on.set()
    await asyncio.wait_for(waiting, 1)

    assert await task is DONE


async def test_the_end_of_the_process_ends_them() -> None:
    """One that fails in its own end takes no other along."""
    attempts = ToolAttempts()
    ended: list[str] = []

    async def hang(name: str) -> ToolResult:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)
            if name == "bad":
                raise ValueError
        return DONE

    for name in ("bad", "good"):
        attempts.begin(hang(name), name)
    await asyncio.sleep(0)
    await attempts.stop()

    assert sorted(ended) == ["bad", "good"]
