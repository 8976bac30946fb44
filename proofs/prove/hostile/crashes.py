"""Processes that crash with a live call: what is left of them on the disk.

Why it exists: a crash writes what no code of ours has looked at: its last words, an image of all memory.
Owns: the crashes, the look for images. Must not know: what is looked for in the logs (`canaries`).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from console.stack.plan import REPOSITORY
from proofs.prove.hostile.clean import Wave
from proofs.prove.hostile.stage import Stage
from shared.contract.keys import Keys
from shared.contract.views import PeopleView
from shared.contract.worker import ROLES
from shared.ownership.steps import read_view

CRASHES: Final = (signal.SIGSEGV, signal.SIGABRT)
"""Each role, by each of them."""

LOOK_S: Final = 0.05
GONE_WITHIN_S: Final = 10.0
OWNED_WITHIN_S: Final = 10.0
READY_WITHIN_S: Final = 30.0
CALL_S: Final = 300.0
CORE_PATTERN: Final = Path("/proc/sys/kernel/core_pattern")
IMAGE: Final = "core*"


@dataclass(slots=True)
class Crashed:
    """What came of it."""

    calls: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    """Of the streams of these calls."""
    processes: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    """Files that were not there before."""

    @property
    def broken(self) -> list[str]:
        """What was not kept, as sentences."""
        found = [f"a crash has left {image}" for image in self.images]
        asked = len(ROLES) * len(CRASHES)
        if len(self.processes) != asked:
            found.append(f"{len(self.processes)} of {asked} processes crashed")
        return found


async def crash(stage: Stage, seed: int) -> Crashed:
    """Crashes each process that has a call, one after another. Raises TimeoutError where the call has no
    owner, or a process does not end; StackFailed where it does not come back. Cancelling it hangs the call
    up."""
    found, wave = Crashed(), Wave(stage, 1, CALL_S, seed)
    await wave.begin()
    call = wave.live[0]
    found.calls.add(call.call_sid)
    try:
        for number in CRASHES:
            for role in ROLES:
                found.tokens |= {stream.parameters.get("token", "") for stream in call.record.streams}
                worker = await _owner(stage, call.call_sid, role)
                found.images += await _crash(stage, worker, number)
                found.processes.append(worker)
                await stage.stack.until_ready(READY_WITHIN_S)
    finally:
        call.hang_up()
    found.tokens |= {stream.parameters.get("token", "") for stream in call.record.streams}
    await call.finished()
    return found


def images(folders: Iterable[Path]) -> set[Path]:
    """What may be an image of a process."""
    return {path for folder in folders for path in folder.glob(IMAGE) if path.is_file()}


def folders_of(pattern: str, cwd: Path) -> list[Path]:
    """Where the kernel would put an image: beside the process, or where its pattern says. One that goes to a
    program (`|`) is that program's."""
    return [cwd, Path(pattern).parent] if pattern.startswith("/") else [cwd]


# Private.


async def _crash(stage: Stage, worker: str, number: signal.Signals) -> list[str]:
    pid = (await stage.stack.pids())[worker]
    folders = {*await asyncio.to_thread(_folders, pid), stage.stack.run_dir, REPOSITORY}
    before = await asyncio.to_thread(images, folders)
    await stage.stack.signal(worker, number)
    async with asyncio.timeout(GONE_WITHIN_S):
        while (await stage.stack.pids()).get(worker) == pid:  # noqa: ASYNC110 - supervisord is asked
            await asyncio.sleep(LOOK_S)
    return sorted(str(path) for path in await asyncio.to_thread(images, folders) - before)


def _folders(pid: int) -> list[Path]:
    return folders_of(CORE_PATTERN.read_text("utf-8"), Path(f"/proc/{pid}/cwd").resolve())


async def _owner(stage: Stage, call_sid: str, role: str) -> str:
    """supervisord's name of the process that has a role of the call, once one has."""
    async with asyncio.timeout(OWNED_WITHIN_S):
        while True:
            card = await read_view(stage.store, Keys(1), call_sid, PeopleView)
            if card is not None:
                workers = {"ingress": card.ingress, "brain": card.brain, "egress": card.egress}
                name = workers[role].partition("@")[0]
                if name in await stage.stack.pids():
                    return name
            await asyncio.sleep(LOOK_S)
