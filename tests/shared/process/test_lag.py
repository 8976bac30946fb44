"""How late an event loop is, on a loop that is blocked on purpose."""

from __future__ import annotations

import time

from shared.process.lag import LoopLag
from tests.support.waiting import wait_until

BLOCKED_MS = 150.0


async def test_a_blocked_loop_is_late_until_it_is_forgotten() -> None:
    """The window forgets what was before the first call; the histogram keeps it."""
    lag = LoopLag()
    lag.start()
    time.sleep(BLOCKED_MS / 1000)  # noqa: ASYNC251 - this is the fault
    await wait_until(lambda: lag.window_ms > 0, "the block is seen")
    assert lag.window_ms >= BLOCKED_MS - 2 * 50.0

    lag.forget_recent()

    assert lag.window_ms == 0
    assert lag.counters.late_ms.sum >= BLOCKED_MS - 2 * 50.0
    lag.stop()
