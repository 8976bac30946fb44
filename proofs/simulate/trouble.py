"""Brings the faults of a schedule about, each at its moment.

Why it exists: a fault is a word in a schedule and a handful of handles of the world. Owns: which handle does
which fault, and that it is over in time. Must not know: how faults are drawn, what is promised.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from proofs.simulate.faults import FAIL_OVER_S, GONE_S, Fault, What
from proofs.simulate.kernel.network import Delay
from proofs.simulate.redis import server
from proofs.simulate.world import World

SLOW = Delay(0.04, 0.21)

STEPS_WITHIN_S = 2.0
"""A process that runs so few callbacks in this time is met between two of them all the same."""

REFUSALS: Final[Mapping[What, str]] = {
    What.NO_DISK: server.NO_DISK,
    What.NO_REPLICAS: server.NO_REPLICAS,
    What.READ_ONLY: server.READ_ONLY,
}
"""What Redis answers to each write."""


async def bring_about(world: World, schedule: Sequence[Fault]) -> None:
    """Runs to the end of the schedule. Cancelling it may leave a fault for good."""
    began_s = world.clock.now_s
    for fault in schedule:
        if fault.what in (What.FAIL_OVER, What.BEHIND):
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
        case What.KILL | What.VANISH:
            silently = fault.what is What.VANISH
            await _after_steps(world, fault, lambda: world.kill(fault.target, silently=silently))
        case What.DRAIN:
            world.terminate(fault.target, signal.SIGTERM)
        case What.STOP:
            await _after_steps(world, fault, lambda: world.stop(fault.target))
            await asyncio.sleep(fault.lasts_s)
            world.go_on(fault.target)
        case What.CUT:
            await _nothing_passes(world, fault.target, "redis", fault.lasts_s)
        case What.LOST:
            world.network.mute("redis", fault.target)
            await asyncio.sleep(fault.lasts_s)
            world.network.reset(fault.target, "redis")
            world.network.mend(fault.target, "redis")
        case What.RESET:
            world.network.reset(fault.target, "redis")
        case What.MODEL:
            world.network.reset(fault.target, "model")
        case What.STALL:
            await _nothing_passes(world, fault.target, "model", fault.lasts_s)
        case What.DEAF:
            world.set_deaf(True)
            await asyncio.sleep(fault.lasts_s)
            world.set_deaf(False)
        case What.LINE:
            await _nothing_passes(world, fault.target, "twilio", fault.lasts_s)
        case What.CARRIER:
            world.network.reset(fault.target, "twilio")
        case _:
            await _of_redis(world, fault)


async def _of_redis(world: World, fault: Fault) -> None:
    match fault.what:
        case What.FREEZE:
            world.stop("redis")
            await asyncio.sleep(fault.lasts_s)
            world.go_on("redis")
        case What.SLOW:
            world.network.delays["redis"] = SLOW
            await asyncio.sleep(fault.lasts_s)
            del world.network.delays["redis"]
        case What.FULL:
            world.redis.is_full = True
            await asyncio.sleep(fault.lasts_s)
            world.redis.is_full = False
        case What.NO_DISK | What.NO_REPLICAS | What.READ_ONLY:
            world.redis.refusal = REFUSALS[fault.what]
            await asyncio.sleep(fault.lasts_s)
            world.redis.refusal = ""
        case What.BUSY:
            world.redis.closed = server.BUSY
            await asyncio.sleep(fault.lasts_s)
            world.redis.closed = ""
        case What.LOADING:
            world.crash_redis(GONE_S, keeps=True)
            world.redis.closed = server.LOADING
            await asyncio.sleep(GONE_S + fault.lasts_s)
            world.redis.closed = ""
        case What.CRASH | What.EMPTY:
            world.crash_redis(fault.lasts_s, keeps=fault.what is What.CRASH)
            await asyncio.sleep(fault.lasts_s)
        case What.FAIL_OVER | What.BEHIND:
            if fault.what is What.BEHIND:
                world.redis_skew_s -= fault.lasts_s
            world.fail_over_redis(FAIL_OVER_S)
            await asyncio.sleep(FAIL_OVER_S)


async def _nothing_passes(world: World, one: str, other: str, lasts_s: float) -> None:
    world.network.cut(one, other)
    await asyncio.sleep(lasts_s)
    world.network.mend(one, other)


async def _after_steps(world: World, fault: Fault, then: Callable[[], None]) -> None:
    """Does it when the process has run so many more callbacks. One that is gone runs none."""
    machine = world.machines[fault.target]
    done = asyncio.get_running_loop().create_future()

    def burnt() -> None:
        then()
        done.set_result(None)

    if fault.after_steps:
        machine.fuse, machine.on_fuse = fault.after_steps, burnt
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done, STEPS_WITHIN_S)
            return
        machine.fuse = 0
    then()
