"""Brings the faults of a schedule about, each at its moment.

Why it exists: a fault is a word in a schedule and a handful of handles of the world. Owns: which handle does
which fault, and that it is over in time. Must not know: how faults are drawn, what is promised.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence

from proofs.simulate.faults import Fault, What
from proofs.simulate.world import World

FAIL_OVER_S = 0.8
"""From the death of the primary to a replica that serves."""


async def bring_about(world: World, schedule: Sequence[Fault]) -> None:
    """Runs to the end of the schedule. Cancelling it may leave a fault for good."""
    began_s = world.clock.now_s
    for fault in schedule:
        if fault.what is What.FAIL_OVER:
            await _until(world, began_s + fault.at_s - fault.lasts_s)
            world.snapshot_redis()
        await _until(world, began_s + fault.at_s)
        await _do(world, fault)


# Private.


async def _until(world: World, at_s: float) -> None:
    await asyncio.sleep(max(0.0, at_s - world.clock.now_s))


async def _do(world: World, fault: Fault) -> None:
    world.history.note("world", f"fault {fault}")
    match fault.what:
        case What.KILL:
            world.kill(fault.target)
        case What.DRAIN:
            world.terminate(fault.target, signal.SIGTERM)
        case What.STOP:
            world.stop(fault.target)
            await asyncio.sleep(fault.lasts_s)
            world.go_on(fault.target)
        case What.FREEZE:
            world.stop("redis")
            await asyncio.sleep(fault.lasts_s)
            world.go_on("redis")
        case What.CUT:
            world.network.cut(fault.target, "redis")
            await asyncio.sleep(fault.lasts_s)
            world.network.mend(fault.target, "redis")
        case What.RESET:
            world.network.reset(fault.target, "redis")
        case What.MODEL:
            world.network.reset(fault.target, "model")
        case What.CARRIER:
            world.network.reset(fault.target, "twilio")
        case What.FULL:
            world.redis.is_full = True
            await asyncio.sleep(fault.lasts_s)
            world.redis.is_full = False
        case What.CRASH | What.EMPTY:
            world.crash_redis(fault.lasts_s, keeps=fault.what is What.CRASH)
            await asyncio.sleep(fault.lasts_s)
        case What.FAIL_OVER:
            world.fail_over_redis(FAIL_OVER_S)
            await asyncio.sleep(FAIL_OVER_S)
