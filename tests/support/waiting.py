"""Waiting for described conditions, instead of sleeping; and time that passes only when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any
from unittest import mock

from shared.process.tasks import cancel_all


async def wait_until(
    condition: Callable[[], bool | Awaitable[bool]],
    what: str,
    *,
    timeout_s: float = 10.0,
    say: Callable[[], object] = lambda: "",
) -> None:
    """Polls until `condition` holds; fails with `what` was waited for, and with what `say` tells then."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain until {what} {say()}")
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(*coroutines: Coroutine[Any, Any, Any]) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Runs coroutines beside the block and cancels them after it; an error in one of them is raised."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield tasks
    finally:
        await cancel_all(tasks)  # Once may be lost: a command of redis-py now and then swallows it.
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error


class HeldClock:
    """The clock of the running loop, held: its timers fire when time is let pass, and at no other moment.

    For what must not happen: however long a test waits for that on a busy machine, it proves little.
    """

    def __init__(self) -> None:
        self.now_s = asyncio.get_running_loop().time()

    def time(self) -> float:
        return self.now_s

    async def let_pass(self, seconds: float) -> None:
        """Moves the clock, and lets the loop do what is due then and what follows from it."""
        self.now_s += seconds
        for _ in range(3):  # The timer is seen to be due, it fires, what it called for the next turn is done.
            await asyncio.sleep(0)


@contextlib.contextmanager
def held_clock() -> Iterator[HeldClock]:
    """Within it nothing may be waited for that the machine's own time brings: `wait_until` would not end."""
    clock = HeldClock()
    with mock.patch.object(asyncio.get_running_loop(), "time", clock.time):
        yield clock
