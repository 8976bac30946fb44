"""One run of a world: from a seed to its history.

Why it exists: a run must leave nothing behind that the next one could feel, so each has a process of its
own, made by fork. Owns: setting up loop, clocks and seams, and taking them down. Must not know: what happens
in it.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import select
import sys
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

from proofs.simulate.kernel.history import History
from proofs.simulate.kernel.loop import VirtualLoop
from proofs.simulate.kernel.virtual import VirtualClock, virtual
from proofs.simulate.seams import seams
from proofs.simulate.world import World, WorldOptions
from shared.process.host import end_with_parent


@dataclass(slots=True)
class Outcome:
    """What a run has to say; it crosses a pipe."""

    seed: int | str
    digest: str = ""
    lines: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Promises that did not hold, and what raised."""
    virtual_s: float = 0.0
    real_s: float = 0.0
    callbacks: int = 0
    redis_commands: int = 0
    bytes_passed: int = 0


_LEFT: list[object] = []
"""Worlds that are over. They are not collected: coroutines of killed processes would run their `finally`."""

Play = Callable[[World], Awaitable[list[str]]]
"""What happens in a world, once it runs; returns which promises did not hold."""


def run_here(options: WorldOptions, play: Play) -> Outcome:
    """Runs it in this process, which should end soon: what killed processes have left is still there."""
    began_s = time.monotonic()
    if options.spoil is not None:
        options.spoil()
    clock = VirtualClock()
    history = History(lambda: clock.passed_s)
    outcome = Outcome(options.seed)
    loop = VirtualLoop(clock)
    with virtual(clock, options.seed), seams(history, loop.processes) as made:
        asyncio.set_event_loop(loop)
        loop.set_exception_handler(lambda _loop, context: _note_unhandled(history, outcome, context))
        try:
            world = World(loop, clock, history, options, made)
            _LEFT.append((loop, world))
            outcome.broken += loop.run_until_complete(_whole(world, play))
            outcome.redis_commands = world.redis.commands
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this seed
            outcome.broken.append(f"{type(error).__name__}: {error}")
            history.note("world", f"raised {error!r}")
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
    outcome.digest, outcome.lines = history.digest, history.lines
    outcome.virtual_s, outcome.callbacks = clock.passed_s, loop.callbacks
    outcome.bytes_passed = history.bytes_seen
    outcome.real_s = time.monotonic() - began_s
    return outcome


def run_apart(options: WorldOptions, play: Play) -> Outcome:
    """Runs it in a child of this process: what it leaves ends with the child."""
    return next(run_many([(options, play)], 1))


def run_many(jobs: Iterable[tuple[WorldOptions, Play]], at_once: int) -> Iterator[Outcome]:
    """The same for many, so many side by side; in the order of the jobs."""
    waiting = iter(jobs)
    running: deque[_Child] = deque()
    while True:
        while len(running) < at_once and (job := next(waiting, None)) is not None:
            running.append(_Child.begin(*job))
        if not running:
            return
        # Whoever is not the first may block on a full pipe meanwhile: all are read.
        readable, _, _ = select.select([child.pipe for child in running if not child.is_read], [], [])
        for child in running:
            if child.pipe in readable:
                child.read()
        while running and running[0].is_read:
            yield running.popleft().outcome()


# Private.


async def _whole(world: World, play: Play) -> list[str]:
    await world.begin()
    return list(await play(world))


def _note_unhandled(history: History, outcome: Outcome, context: dict[str, object]) -> None:
    error = context.get("exception")
    text = f"unhandled: {context.get('message')} {error!r}"
    history.note("world", text)
    outcome.broken.append(text)


@dataclass(slots=True)
class _Child:
    """One run in a process of its own."""

    seed: int | str
    pid: int
    pipe: int
    data: bytearray = field(default_factory=bytearray)
    is_read: bool = False

    @classmethod
    def begin(cls, options: WorldOptions, play: Play) -> _Child:
        reader, writer = os.pipe()
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            code = 1
            try:
                end_with_parent(parent)
                outcome = run_here(options, play)
                with os.fdopen(writer, "wb") as pipe:
                    pickle.dump(outcome, pipe)
                code = 0
            except BaseException:  # noqa: BLE001 - a child must not go on as its parent
                traceback.print_exc()
            finally:
                os._exit(code)  # No `finally` of what was left behind, no handlers of the parent.
        os.close(writer)
        return cls(options.seed, pid, reader)

    def read(self) -> None:
        """Some of it is there."""
        data = os.read(self.pipe, 1 << 20)
        if data:
            self.data += data
            return
        os.close(self.pipe)
        os.waitpid(self.pid, 0)
        self.is_read = True

    def outcome(self) -> Outcome:
        """What it has said."""
        if not self.data:
            return Outcome(self.seed, broken=["the run ended without a word"])
        found = pickle.loads(bytes(self.data))
        assert isinstance(found, Outcome)
        return found
