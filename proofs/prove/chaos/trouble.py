"""Brings a fault about on a stage: signals, restarts, a roll, a soak.

Why it exists: each kind is done in its own way, the operator's where there is one. Owns: these ways. Must not
know: when, or what follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from random import Random

from console.operate.roll import Roll, RollStopped, Told
from console.stack.launcher import Stack
from console.stack.readiness import live_calls, why_not_ready
from console.stack.supervision import SUPERVISOR_ERRORS
from proofs.prove.chaos.faults import Fault, GroupRestarted, Killed, Nothing, Rolled, Soaked, Stopped
from proofs.prove.chaos.setting.stage import Stage
from shared.contract.worker import ROLES

ROLL_WITHIN_S = 60.0

OF_ONE = (Killed, Stopped)
"""Faults that hit one process."""


class TroubleFailed(Exception):
    """The fault could not be brought about; the text says why."""


async def bring(stage: Stage, fault: Fault, process: str, faults_ms: list[float], seed: int) -> None:
    """Brings it about, and takes it away where it passes; returns when it is over. `process` is hit, where it
    is one. Each blow is noted in `faults_ms`. Raises TroubleFailed. Cancelling it takes the fault away."""
    stack = stage.stack
    match fault:
        case Nothing():
            return
        case Killed():
            faults_ms.append(_now_ms())
            await stack.signal(process, signal.SIGKILL)
        case Stopped(_, lasts_s):
            pid = await stack.signal(process, signal.SIGSTOP)
            faults_ms.append(_now_ms())
            await let_go(pid, lasts_s)
        case GroupRestarted(role):
            faults_ms.append(_now_ms())
            await _supervisorctl(stack, "restart", f"{role}:*")
        case Rolled(role):
            await _roll(stack, role, faults_ms)
        case Soaked(lasts_s, every_s):
            await _soak(stage, lasts_s, every_s, faults_ms, Random(seed))


async def let_go(pid: int, after_s: float) -> None:
    """SIGCONT for a stopped process after a while. Cancelling it sends it at once."""
    try:
        await asyncio.sleep(after_s)
    finally:
        # The watchdog may have ended it meanwhile.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


# Private.


def _now_ms() -> float:
    return time.monotonic() * 1000


async def _supervisorctl(stack: Stack, *words: str) -> None:
    command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(stack.config_file), *words]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise TroubleFailed(f"supervisorctl {' '.join(words)} ended with {process.returncode}: {output!r}")


async def _roll(stack: Stack, role: str, faults_ms: list[float]) -> None:
    def tell(told: Told) -> None:
        if told.event == "draining":
            faults_ms.append(_now_ms())

    roll = Roll(
        supervisor=stack.supervisor,
        why_not_ready=lambda role, number: why_not_ready(stack.admin_port(role, number)),
        live_calls=lambda role, number: live_calls(stack.admin_port(role, number)),
        tell=tell,
        timeout_s=ROLL_WITHIN_S,
    )
    try:
        await roll.run(role)
    except (RollStopped, *SUPERVISOR_ERRORS) as error:
        raise TroubleFailed(f"the roll stopped: {error}") from error


async def _soak(stage: Stage, lasts_s: float, every_s: float, faults_ms: list[float], chance: Random) -> None:
    deadline_s = time.monotonic() + lasts_s
    while time.monotonic() < deadline_s:
        running = sorted(name for name in await stage.stack.pids() if name.partition("-")[0] in ROLES)
        process = chance.choice(running)
        faults_ms.append(_now_ms())
        if chance.random() < 0.5:
            await stage.stack.signal(process, signal.SIGKILL)
        else:
            pid = await stage.stack.signal(process, signal.SIGSTOP)
            await let_go(pid, chance.uniform(0.5, every_s / 2))
        await asyncio.sleep(every_s)
