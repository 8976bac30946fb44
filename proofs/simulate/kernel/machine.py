"""One simulated process: what runs for it, whether it runs at all, and its own wall clock.

Why it exists: many processes share one loop, so "which process is this callback of" must be answered for each
callback, and a process must be killed without a `finally` of it having any effect. The answer travels in a
context variable: whatever a process schedules inherits it. Owns: the state of a process, what is held back
while it is stopped, what must not be collected after it was killed. Must not know: connections, roles.
"""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar
from dataclasses import dataclass, field


class State(enum.Enum):
    """What a process is."""

    RUNNING = "running"
    STOPPED = "stopped"
    """By SIGSTOP: nothing of it runs until it is continued."""
    DEAD = "dead"


@dataclass(slots=True, eq=False)
class Machine:
    """One process."""

    name: str
    pid: int = 0
    pid_namespace: int = 1
    """Of processes of another one a pid says nothing."""
    wall_skew_s: float = 0.0
    """How far its wall clock is ahead of the world's."""
    state: State = State.RUNNING
    held: deque[asyncio.Handle] = field(default_factory=deque)
    """What became due while it was stopped, in order."""
    buried: list[object] = field(default_factory=list)
    """What it left when it was killed. It is kept: a coroutine that is collected runs its `finally`."""
    fuse: int = 0
    """Callbacks until `on_fuse` is called, before the last of them runs; 0: never."""
    on_fuse: Callable[[], None] | None = None
    signals: dict[int, tuple[Context, Callable[..., object], tuple[object, ...]]] = field(
        default_factory=dict
    )

    def burn(self) -> None:
        """Another callback is about to run."""
        self.fuse -= 1
        if not self.fuse and self.on_fuse is not None:
            self.on_fuse()

    def context(self) -> Context:
        """A context in which everything is this process's."""
        context = Context()
        context.run(MACHINE.set, self)
        return context


MACHINE: ContextVar[Machine | None] = ContextVar("machine", default=None)
"""Whose the running callback is; None: the world's own."""
