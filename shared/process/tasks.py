"""Ending tasks for certain; one timer for a deadline that moves; a job over many calls in turns.

Why it exists: a task may lose a cancellation. Before Python 3.12 `asyncio.wait_for` does when it meets the
result, and redis-py 8.1 has one around each write; a loop around such a call then runs on for ever. Whoever
ends a task asks again until it has ended.

A look at a hundred calls takes as long as it takes, and the frames of everybody wait meanwhile: so it is done
in shares.

Owns: asking again; when the timer is set; the share. Must not know: what a task does, what is due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from shared.clock import now_ms

ASK_AGAIN_S, ASK_SELDOMER, ASK_SELDOM_S = 0.05, 1.6, 1.0
"""Not at one pace: a loop that works each quarter of a second, and loses what meets its work, would lose all
that come each quarter of a second."""

SHARE_MS = 2.0
"""Of the loop, in one go: less than half of what a step may compute beside live calls (5 ms)."""

T = TypeVar("T")


async def in_turns(items: Iterable[T], work: Callable[[T], object]) -> None:
    """Does `work` for each item, in order, and lets others have the loop every SHARE_MS.

    What an item is about may be gone when its turn comes: `work` must see for itself. Cancelling it leaves
    the rest undone.
    """
    began_ms = now_ms()
    for item in items:
        work(item)
        if now_ms() - began_ms >= SHARE_MS:
            await asyncio.sleep(0)
            began_ms = now_ms()


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels the tasks until all of them are done. Their errors stay theirs. Cancelling it is safe."""
    pending = {task for task in tasks if not task.done()}
    again_s = ASK_AGAIN_S
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again_s)
        again_s = min(again_s * ASK_SELDOMER, ASK_SELDOM_S)


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancels a task until it is done, and raises what it raised. Cancelling it leaves the task cancelled."""
    await cancel_all([task])
    if not task.cancelled():
        task.result()


async def comes_first(task: asyncio.Task[Any], event: asyncio.Event) -> bool:
    """Waits for the task or the event; True if the task is done. A task that loses is ended.

    Cancelling it leaves the task as it is.
    """
    waiter = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiter.cancel()
    if task.done():
        return True
    await end_task(task)
    return False


class Alarm:
    """One timer, for whoever has a next deadline that moves. One that rings too early is only set again, so
    it is never moved back."""

    __slots__ = ("_at_ms", "_ring", "_timer")

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._at_ms = 0.0

    def set(self, at_ms: float, now_ms: float) -> None:
        """Rings at that time at the latest, by the monotonic clock."""
        if self._timer is not None and self._at_ms <= at_ms:
            return
        self.cancel()
        self._at_ms = at_ms
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at_ms - now_ms) / 1000, self._fire)

    def cancel(self) -> None:
        """Does not ring any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self._ring()
