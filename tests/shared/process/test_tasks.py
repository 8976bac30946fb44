"""Ending tasks for certain, also those that lose a cancellation."""

from __future__ import annotations

import asyncio
import contextlib

from shared.process.tasks import cancel_all
from tests.support.careless import careless


async def test_a_task_that_loses_a_cancellation_ends_all_the_same() -> None:
    """It is asked again."""
    task = asyncio.create_task(careless())
    await asyncio.sleep(0)
    await cancel_all([task])
    assert task.cancelled()


async def test_errors_of_tasks_stay_theirs() -> None:
    """One that fails while it ends is done, too."""

    async def failing() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        raise ValueError

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await cancel_all([task])
    assert isinstance(task.exception(), ValueError)
