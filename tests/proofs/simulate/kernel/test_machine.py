"""Processes that are stopped, continued, killed."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from proofs.simulate.kernel.loop import VirtualLoop
from proofs.simulate.kernel.machine import Machine, State
from tests.support.virtual_time import run


async def _count(seen: list[float]) -> None:
    try:
        while True:
            await asyncio.sleep(0.1)
            seen.append(time.monotonic())
    finally:
        seen.append(-1)


def _on_a_machine(then: Any) -> list[float]:
    """Counts on a machine while `then(loop, machine)` runs; returns what was seen by its end."""

    async def work() -> list[float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        machine, seen = Machine("one"), []
        counting = loop.create_task(_count(seen), context=machine.context())
        await asyncio.sleep(1.05)
        await then(loop, machine)
        assert not counting.done()
        return list(seen)

    found: list[float] = run(work())
    return found


def test_a_killed_machine_does_nothing_more() -> None:
    """Not even its `finally`."""

    async def kill(loop: VirtualLoop, machine: Machine) -> None:
        loop.kill_machine(machine)
        assert machine.state is State.DEAD
        await asyncio.sleep(10)

    seen = _on_a_machine(kill)
    assert len(seen) == 10
    assert -1 not in seen


def test_a_stopped_machine_goes_on_where_it_was() -> None:
    """What was due meanwhile is done when it is continued, not before."""

    async def stop(loop: VirtualLoop, machine: Machine) -> None:
        loop.stop_machine(machine)
        await asyncio.sleep(5)
        loop.continue_machine(machine)
        await asyncio.sleep(0.05)

    seen = _on_a_machine(stop)
    assert len(seen) == 11
    assert seen[10] - seen[9] > 5


def test_a_signal_waits_until_the_machine_runs() -> None:
    """A stopped process hears of SIGTERM when it is continued."""

    async def work() -> list[str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        machine, heard = Machine("one"), []
        machine.context().run(loop.add_signal_handler, 15, heard.append, "asked")
        loop.stop_machine(machine)
        loop.signal_machine(machine, 15)
        await asyncio.sleep(1)
        assert heard == []
        loop.continue_machine(machine)
        await asyncio.sleep(0.01)
        return heard

    assert run(work()) == ["asked"]


def test_a_fuse_burns_by_callbacks() -> None:
    """What hangs on it happens before the last of so many callbacks runs, and once."""

    async def then(loop: VirtualLoop, machine: Machine) -> None:
        machine.fuse, machine.on_fuse = 3, lambda: loop.kill_machine(machine)
        await asyncio.sleep(2)
        assert machine.fuse == 0

    assert len(_on_a_machine(then)) == 10 + 1
