"""A role process whose loop is timed, step by step: `python -m proofs.prove.roles.timed brain --number 0`.

Why it exists: a step that computes for 10 ms is 10 ms late for every other call of its process, and no
profile by function shows it. Owns: the thread's CPU of each step, by what the step was. SIGUSR1 writes what
was found since the last one into the folder that the environment variable names, and begins anew. Must not
know: what the role does.

The role runs on asyncio's own loop here: uvloop's cannot be looked into. What a step computes is the same.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from asyncio import events
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

import orjson
import uvloop

from proofs.prove.roles import becoming

FOLDER: Final = "TIMED_FOLDER"
"""Environment variable: where the files go."""

LONG_MS: Final = 5.0
"""A step from here on is written down by name."""

KEPT: Final = 200


@dataclass(slots=True)
class Steps:
    """What the loop did in a while."""

    count: int = 0
    cpu_ms: float = 0.0
    most_ms: float = 0.0
    long: list[tuple[str, float]] = field(default_factory=list)
    """Name and ms of steps of LONG_MS and more, the first KEPT."""

    def note(self, what: object, ms: float) -> None:
        """One step."""
        self.count += 1
        self.cpu_ms += ms
        self.most_ms = max(self.most_ms, ms)
        if ms >= LONG_MS and len(self.long) < KEPT:
            self.long.append((name_of(what), round(ms, 2)))


def read(path: Path) -> Steps:
    """What a process wrote."""
    found = orjson.loads(path.read_bytes())
    found["long"] = [(name, ms) for name, ms in found["long"]]
    return Steps(**found)


def name_of(callback: Any) -> str:
    """Of a task's step the task and the line that it stands at now, of anything else what it is called."""
    try:
        owner = callback.__self__
    except AttributeError:
        return str(callback)
    return _task_name(owner) if isinstance(owner, asyncio.Task) else str(callback)


def main() -> None:
    """Becomes the role that the command line names."""
    role = becoming.named_role("proofs.prove.roles.timed")
    install(Path(os.environ[FOLDER]), role)
    becoming.go_on_as(role)


def install(folder: Path, role: str) -> None:
    """From now on each step of a loop of asyncio is timed."""
    steps = [Steps()]
    run_step = events.Handle._run

    def timed(handle: events.Handle) -> None:
        callback: object = handle._callback  # type: ignore[attr-defined]
        began_ns = time.thread_time_ns()
        run_step(handle)
        steps[0].note(callback, (time.thread_time_ns() - began_ns) / 1e6)

    def write(_number: int, _frame: FrameType | None) -> None:
        found, steps[0] = steps[0], Steps()
        path = folder / f"{role}.{os.getpid()}.{time.monotonic_ns()}"
        path.write_bytes(orjson.dumps(asdict(found)))
        path.rename(path.with_name(path.name + ".json"))

    events.Handle._run = timed  # type: ignore[method-assign,assignment]
    uvloop.run = asyncio.run  # type: ignore[assignment]
    signal.signal(signal.SIGUSR1, write)


# Private.


def _task_name(task: asyncio.Task[Any]) -> str:
    stack = task.get_stack(limit=1)
    where = f" at {Path(stack[0].f_code.co_filename).name}:{stack[0].f_lineno}" if stack else ""
    return f"{task.get_name()}{where}"


if __name__ == "__main__":
    main()
