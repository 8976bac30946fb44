"""Waiting for described conditions, instead of sleeping."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

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
