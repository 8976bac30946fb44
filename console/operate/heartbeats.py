"""Which of the processes that run do not live: the watchdog's rule. Pure.

Why it exists: a process that hangs (a dead lock, a stopped process, a loop without end) still runs, so that
supervisord sees nothing wrong. Its beat in Redis stands still. Owns: the judgement. Must not know: Redis,
supervisord, clocks.

A beat that does not change is counted as silence only between two looks in which we ourselves could read
*and* write Redis, and which are not far apart: a Redis that is away, frozen, full or read-only, and a
watchdog that was frozen itself, make everybody seem silent (measured: a rule without this took
20 of 20 healthy calls from their owners). Of a role, one process a look: should we be wrong about all of
them, one is back before the next goes. A process that never showed a beat is not judged:
it waits for Redis, and its log says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

STALE_MS = 10_000.0
"""A beat comes every 500 ms. This much silence is no hiccup."""

GRACE_MS = 15_000.0
"""How long a process may take to start, from the first time that it was seen."""

GAP_MS = 15_000.0
"""Longest time between two looks that still counts: three ticks of supervisord."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process that runs, by supervisord's word."""

    name: str
    """`brain-0`."""
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """A process that runs and does not live."""

    process: Running
    silent_ms: float


@dataclass(slots=True)
class _Known:
    pid: int
    since_ms: float
    beat: int | None
    """The number of its last beat; None: none seen yet."""
    silent_ms: float = 0.0


@dataclass(slots=True)
class Heartbeats:
    """What was seen so far. One `judge` a tick."""

    _known: dict[str, _Known] = field(default_factory=dict)
    _last_good_ms: float | None = None

    def judge(self, now_ms: float, running: Sequence[Running], beats: Mapping[int, int] | None) -> list[Hung]:
        """Receives one look and returns the processes to kill; each is then forgotten and starts again.

        `beats` is pid → number of its beat in Redis, None if Redis could not be read and written just now.
        """
        elapsed_ms = self._watched_ms(now_ms, is_good=beats is not None)
        if beats is None:
            return []
        self._forget_all_but(running)
        hung: dict[str, Hung] = {}
        for process in running:
            silent_ms = self._silence(process, beats.get(process.pid), now_ms, elapsed_ms)
            if silent_ms <= STALE_MS or now_ms - self._known[process.name].since_ms <= GRACE_MS:
                continue
            role = process.name.rpartition("-")[0]
            if role not in hung or hung[role].silent_ms < silent_ms:
                hung[role] = Hung(process=process, silent_ms=silent_ms)
        for each in hung.values():
            del self._known[each.process.name]
        return list(hung.values())

    # Private.

    def _watched_ms(self, now_ms: float, *, is_good: bool) -> float:
        """Time since the last look if both are good and near; else 0, and all silence is forgotten."""
        last_ms, self._last_good_ms = self._last_good_ms, now_ms if is_good else None
        if is_good and last_ms is not None and now_ms - last_ms <= GAP_MS:
            return now_ms - last_ms
        # What comes back after an outage gets the whole time again to show itself.
        for known in self._known.values():
            known.silent_ms = 0.0
        return 0.0

    def _forget_all_but(self, running: Sequence[Running]) -> None:
        pids = {process.name: process.pid for process in running}
        self._known = {name: known for name, known in self._known.items() if pids.get(name) == known.pid}

    def _silence(self, process: Running, beat: int | None, now_ms: float, elapsed_ms: float) -> float:
        known = self._known.setdefault(process.name, _Known(process.pid, now_ms, beat))
        if beat is not None and beat != known.beat:
            known.beat, known.silent_ms = beat, 0.0
        elif known.beat is not None:
            known.silent_ms += elapsed_ms
        return known.silent_ms
