"""Ending tasks for certain.

Why it exists: a task may lose a cancellation. redis-py 8.1 does so now and then, and before Python 3.12
`asyncio.wait_for` does when the cancellation meets the result; a loop around such a call then runs on for
ever. Whoever ends a task asks again until it has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

ASK_AGAIN_S = 0.25


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels the tasks until all of them are done. Their errors stay theirs. Cancelling is safe."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=ASK_AGAIN_S)
