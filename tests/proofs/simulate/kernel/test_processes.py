"""Processes by their pids: signals, and files that tell of an end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest

from proofs.simulate.kernel.loop import VirtualLoop
from proofs.simulate.kernel.machine import Machine
from proofs.simulate.kernel.virtual import VirtualClock, virtual


def played(play: Callable[[VirtualLoop], Awaitable[None]]) -> None:
    """On virtual time."""
    clock = VirtualClock()
    with closing(VirtualLoop(clock)) as loop, virtual(clock, 1):
        loop.run_until_complete(play(loop))


def machine(loop: VirtualLoop, pid: int) -> Machine:
    """One that runs."""
    found = Machine(f"brain-{pid}", pid)
    loop.processes.enter(found)
    return found


@pytest.mark.parametrize("comes_first", [True, False])
def test_an_end_is_told_to_who_waits_for_it(comes_first: bool) -> None:
    """Once it has come, be it before the wait; not to one who waits no more."""

    async def play(loop: VirtualLoop) -> None:
        one, table, told = machine(loop, 7), loop.processes, list[str]()
        files = [table.open_exit(7, 7), table.open_exit(7, 7)]
        assert None not in files
        if comes_first:
            loop.kill_machine(one)
        for number, file in enumerate(files):
            loop.add_reader(file, told.append, f"file {number}")
        assert loop.remove_reader(files[1])
        assert not loop.remove_reader(files[1])
        if not comes_first:
            await asyncio.sleep(1)
            assert told == []
            loop.kill_machine(one)
        await asyncio.sleep(1)
        assert told == ["file 0"]
        table.close(files[0] or 0)
        with pytest.raises(OSError, match="descriptor"):
            table.close(files[0] or 0)
        with pytest.raises(OSError, match="descriptor"):
            loop.add_reader(files[0], told.append, "closed")

    played(play)


def test_a_stopped_process_hears_of_it_when_it_goes_on() -> None:
    """As any callback of it."""

    async def play(loop: VirtualLoop) -> None:
        one, watcher, told = machine(loop, 7), machine(loop, 8), list[str]()
        file = loop.processes.open_exit(7, 7)
        watcher.context().run(loop.add_reader, file, told.append, "ended")
        loop.stop_machine(watcher)
        loop.kill_machine(one)
        await asyncio.sleep(1)
        assert told == []
        loop.continue_machine(watcher)
        await asyncio.sleep(1)
        assert told == ["ended"]

    played(play)


def test_what_cannot_be_told() -> None:
    """Nobody has the pid; another process has; it ended; its kernel went with it."""

    async def play(loop: VirtualLoop) -> None:
        table, told = loop.processes, list[str]()
        one, other = machine(loop, 7), machine(loop, 8)
        with pytest.raises(ProcessLookupError):
            table.open_exit(6, 6)
        assert table.open_exit(7, 3) is None
        loop.add_reader(table.open_exit(8, 8), told.append, "vanished")
        loop.kill_machine(one)
        with pytest.raises(ProcessLookupError):
            table.open_exit(7, 7)
        loop.kill_machine(other, silently=True)
        assert table.open_exit(8, 8) is None
        await asyncio.sleep(1)
        assert told == []

    played(play)


def test_a_signal_meets_no_real_process() -> None:
    """`os.kill` reaches the simulated process of that pid, or nobody."""

    async def play(loop: VirtualLoop) -> None:
        one, told = machine(loop, 7), list[str]()
        one.context().run(loop.add_signal_handler, signal.SIGTERM, told.append, "ended")
        os.kill(7, signal.SIGTERM)
        await asyncio.sleep(0)
        assert told == ["ended"]
        with pytest.raises(ProcessLookupError):
            os.kill(1, signal.SIGTERM)

    played(play)
