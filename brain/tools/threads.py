"""Threads for the model's tools that are plain functions.

Why it exists: a plain function may hang, and a thread cannot be stopped. In the loop's own pool, a handful
of threads, a few that hang would hold up name look-ups, and with them new sessions; and a process waits for
that pool before it ends. Here each run has a thread of its own that nobody waits for.

Owns: the threads and their bound. Must not know: what runs in them.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Mapping

from brain.errors import NoThread

MAX_THREADS = 64
"""At once in a process. Tools last a second or two: this many mean that most of them hang."""


class ToolThreads:
    """The threads of one process."""

    __slots__ = ("_free", "_most")

    def __init__(self, most: int = MAX_THREADS) -> None:
        self._most = most
        self._free = threading.BoundedSemaphore(most)

    async def run(self, function: Callable[..., object], arguments: Mapping[str, object]) -> object:
        """The function's result, or what it raised. Cancelled, it leaves the thread. Raises NoThread."""
        if not self._free.acquire(blocking=False):
            raise NoThread(f"{self._most} runs of tools have not ended")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[object, BaseException | None]] = loop.create_future()
        context = contextvars.copy_context()

        def settle(value: object, error: BaseException | None) -> None:
            if not done.done():
                done.set_result((value, error))

        def work() -> None:
            value: object = None
            error: BaseException | None = None
            try:
                value = context.run(function, **arguments)
            except BaseException as raised:  # noqa: BLE001 - foreign code; it is raised again in the loop
                error = raised
            self._free.release()
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                loop.call_soon_threadsafe(settle, value, error)

        # A daemon: a function that hangs must not keep the process.
        threading.Thread(target=work, name="tool", daemon=True).start()
        value, error = await done
        if error is not None:
            raise error
        return value


THREADS = ToolThreads()
"""Those of this process: threads are the process's, whichever call needs one."""
