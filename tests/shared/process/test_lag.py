"""How late an event loop is, on a loop that is blocked on purpose."""

from __future__ import annotations

import asyncio
import time

from shared.clock import now_ms
from shared.process.awake import STEP_MOST_MS
from shared.process.lag import NEWEST_SHARE, ONE_TICK_MOST_MS, TICK_MS, LoopLag
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


async def test_what_a_loop_is_mostly_late_by_forgets_a_single_stall() -> None:
    """One long stall is one tick; a loop that keeps its time afterwards gathers no more."""
    lag = LoopLag()
    lag.start()
    assert lag.mostly_ms() == 0
    time.sleep(BLOCKED_MS / 1000)  # noqa: ASYNC251 - this is the fault
    await wait_until(lambda: lag.mostly_ms() > 0, "the block is seen")
    seen_ms = lag.mostly_ms()
    assert seen_ms <= NEWEST_SHARE * ONE_TICK_MOST_MS

    await wait_until(lambda: lag.mostly_ms() < seen_ms, "it is forgotten")
    lag.stop()


async def test_a_sleep_of_a_loop_that_stood_still_is_longer() -> None:
    """What it waits for could not come meanwhile."""
    lag = LoopLag()
    lag.start()
    began_ms = now_ms()
    sleeping = asyncio.ensure_future(lag.sleep_awake(0.3))
    await asyncio.sleep(0)
    time.sleep(0.5)  # noqa: ASYNC251 - this is the fault
    await sleeping
    # Of the half second no more counts than a step, and the one between two ticks before it.
    assert now_ms() - began_ms >= 500 + 300 - STEP_MOST_MS - TICK_MS
    assert lag.awake_ms() < now_ms() - began_ms
    lag.stop()
