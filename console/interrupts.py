"""Ctrl-C and SIGTERM become a cancellation of the one main task, so that every `finally` runs.

Why it exists: `asyncio.run` by itself turns a second Ctrl-C into an exception in the middle of whatever
runs, and SIGTERM into death without a word. Here the first signal asks for an orderly end and the second
cancels that too, which a Stack takes as "at once".
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from dataclasses import dataclass

SIGNAL_EXIT_BASE = 128
"""Shells report a command that a signal ended as 128 and the signal's number."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class Interrupted(Exception):
    """The main task was cancelled by a signal. `exit_code` is the shell's: 128 + the signal."""

    number: signal.Signals

    @property
    def exit_code(self) -> int:
        return SIGNAL_EXIT_BASE + self.number


def run(main: Coroutine[None, None, int]) -> int:
    """Runs `main` to its end and returns its exit code, or the shell's code for the signal that ended it."""
    try:
        return asyncio.run(_guarded(main))
    except Interrupted as ended:
        return ended.exit_code


# Private.


async def _guarded(main: Coroutine[None, None, int]) -> int:
    loop = asyncio.get_running_loop()
    task = loop.create_task(main, name="main")
    received: list[signal.Signals] = []

    def cancel(number: signal.Signals) -> None:
        received.append(number)
        task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, cancel, number)
    try:
        return await task
    except asyncio.CancelledError:
        if received:
            raise Interrupted(received[0]) from None
        raise
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
