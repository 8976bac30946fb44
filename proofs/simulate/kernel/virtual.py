"""Virtual time and seeded chance: what a process reads of the world besides its sockets.

Why it exists: a run replays only if every clock and every source of chance is ours. Owns: which functions of
the standard library are replaced, and that they are put back. Must not know: who reads them.

The product reads time and chance by `time.…`, `random.…`, `secrets.…` and `uuid.…`, never by a name imported
from them, so that replacing the module's function reaches it as well as the libraries.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from proofs.simulate.kernel.machine import MACHINE

MONOTONIC_AT_START_S = 10_000.0
WALL_AT_START_S = 1_800_000_000.0


class VirtualClock:
    """The time of the whole world: it stands still until the loop moves it."""

    __slots__ = ("now_s",)

    def __init__(self) -> None:
        self.now_s = MONOTONIC_AT_START_S

    @property
    def passed_s(self) -> float:
        """Since the world began."""
        return self.now_s - MONOTONIC_AT_START_S

    def monotonic(self) -> float:
        """As time.monotonic, of every process."""
        return self.now_s

    def monotonic_ns(self) -> int:
        """As time.monotonic_ns."""
        return round(self.now_s * 1e9)

    def wall(self) -> float:
        """As time.time, with the skew of whoever asks."""
        machine = MACHINE.get()
        skew_s = 0.0 if machine is None else machine.wall_skew_s
        return WALL_AT_START_S + self.passed_s + skew_s

    def wall_ns(self) -> int:
        """As time.time_ns."""
        return round(self.wall() * 1e9)


@contextmanager
def virtual(clock: VirtualClock, seed: int | str) -> Iterator[None]:
    """Within the block all clocks are `clock`, and all chance comes from `seed`."""
    chance = random.Random(f"{seed}/bytes")

    def own_pid() -> int:
        machine = MACHINE.get()
        return 1 if machine is None else machine.pid

    def signal_to(pid: int, number: int) -> None:
        # A pid of this world is some real process's too: it must not be met.
        asyncio.get_running_loop().processes.signal(pid, number)  # type: ignore[attr-defined]

    replaced: list[tuple[Any, str, Callable[..., Any]]] = [
        (time, "monotonic", clock.monotonic),
        (time, "monotonic_ns", clock.monotonic_ns),
        (time, "perf_counter", clock.monotonic),
        (time, "perf_counter_ns", clock.monotonic_ns),
        (time, "time", clock.wall),
        (time, "time_ns", clock.wall_ns),
        (time, "sleep", _refused("time.sleep")),
        (os, "urandom", chance.randbytes),
        (os, "getpid", own_pid),
        (os, "kill", signal_to),
        (random, "_urandom", chance.randbytes),  # What secrets and SystemRandom read.
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    state = random.getstate()
    random.seed(f"{seed}/random")
    for module, name, function in replaced:
        setattr(module, name, function)
    try:
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)
        random.setstate(state)


# Private.


def _refused(name: str) -> Callable[..., Any]:
    def refuse(*_: object) -> None:
        raise RuntimeError(f"expected no {name} on virtual time: nothing else could run meanwhile")

    return refuse
