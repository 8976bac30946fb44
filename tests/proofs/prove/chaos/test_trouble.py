"""How faults are brought about."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import cast

import pytest

from console.stack.launcher import Stack
from proofs.prove.chaos import trouble
from proofs.prove.chaos.faults import Fault, Killed, Nothing, Soaked, Stopped
from proofs.prove.chaos.setting.stage import Stage
from tests.support.waiting import wait_until


class Processes:
    """Stands for a stack: one sleeping process, called brain-0."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        self.sent: list[tuple[str, signal.Signals]] = []

    async def pids(self) -> dict[str, int]:
        return {"brain-0": self.process.pid, "valkey": 1}

    async def signal(self, name: str, number: signal.Signals) -> int:
        self.sent.append((name, number))
        self.process.send_signal(number)
        return self.process.pid

    @property
    def state(self) -> str:
        with open(f"/proc/{self.process.pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]


class Standing:
    """Stands for a stage."""

    def __init__(self, processes: Processes) -> None:
        self.stack = cast(Stack, processes)


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Ended with the test."""
    found = Processes()
    yield found
    found.process.kill()
    found.process.wait()


async def bring(processes: Processes, fault: Fault) -> list[float]:
    """The moments of the blows."""
    faults_ms: list[float] = []
    await trouble.bring(cast(Stage, Standing(processes)), fault, "brain-0", faults_ms, seed=1)
    return faults_ms


async def test_nothing_is_done_where_nothing_is_wrong(processes: Processes) -> None:
    """No blow is noted."""
    assert await bring(processes, Nothing()) == []


async def test_a_process_is_killed(processes: Processes) -> None:
    """Once, without a warning."""
    assert len(await bring(processes, Killed("brain"))) == 1
    assert processes.process.wait() == -signal.SIGKILL


async def test_a_process_is_stopped_and_goes_on(processes: Processes) -> None:
    """After its time; one that the watchdog has ended meanwhile is no error."""
    assert len(await bring(processes, Stopped("brain", 0.05))) == 1
    await wait_until(lambda: processes.state in "SR", "it goes on")
    processes.process.kill()
    processes.process.wait()
    await trouble.let_go(processes.process.pid, 0)


async def test_a_soak_is_the_same_for_the_same_seed(processes: Processes) -> None:
    """Only processes of roles are hit, one after another."""
    faults_ms = await bring(processes, Soaked(0.05, 0.06))
    assert len(faults_ms) == len(processes.sent) == 1
    assert processes.sent[0][0] == "brain-0"
