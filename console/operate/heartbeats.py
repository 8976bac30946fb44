"""Which of the processes that run do not live: the watchdog's rule. Pure.

Why it exists: a process that hangs still runs, so that supervisord sees nothing wrong. Its beat in Redis
stands still. One whose loop is stuck ends by itself (shared/process/stalls.py); this is for what no thread of
its own can see: a process that is stopped, a call into C that keeps Python's lock. Owns: how much silence is
a hang, who is not judged, how many go at once. Must not know: Redis, supervisord, clocks, what counts as
silence (shared/ownership/liveness.py, the rule of all who look at beats).

Of a role, one process at a time: should we be wrong about all of them, one is back before the next goes. A
process that never showed a beat is not judged: it waits for Redis, and its log says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.ownership.liveness import Liveness

STALE_MS = 10_000.0
"""A beat comes every 500 ms. This much silence is no hiccup."""

GRACE_MS = 15_000.0
"""How long a process may take to start, from the first time that it was seen."""

LOOK_MS = 1_000.0
"""Between two looks: a process that hangs is ended within STALE_MS and one of these."""


NEXT_MS = 5_000
"""Between two processes of a role: the first is back by then."""


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
class Heartbeats:
    """What was seen so far. One `judge` a tick."""

    _liveness: Liveness = field(default_factory=lambda: Liveness(poll_ms=LOOK_MS, dead_after_ms=STALE_MS))
    _since_ms: dict[Running, float] = field(default_factory=dict)
    """When each process was seen first; one that was to be killed begins again."""
    _next_at_ms: dict[str, float] = field(default_factory=dict)
    """When a process of a role may go again."""

    def judge(
        self, awake_ms: float, running: Sequence[Running], beats: Mapping[int, int] | None
    ) -> list[Hung]:
        """Receives one look and returns the processes to kill; each is then forgotten and starts again.

        `awake_ms`: time in which the watchdog ran. `beats` is pid → number of its beat in Redis, None if
        Redis could not be read and written just now.
        """
        if beats is None:
            self._liveness.missed()
            return []
        # By supervisord's word all of these live: who shows no beat is silent, and has not left.
        seen = {_word(process): beats.get(process.pid) for process in running}
        self._liveness.look(seen, awake_ms, wrote=True)
        self._since_ms = {process: self._since_ms.get(process, awake_ms) for process in running}
        hung: dict[str, Hung] = {}
        for process, since_ms in self._since_ms.items():
            silent_ms = self._liveness.silent_ms(_word(process))
            if silent_ms <= STALE_MS or awake_ms - since_ms <= GRACE_MS:
                continue
            role = process.name.rpartition("-")[0]
            if awake_ms < self._next_at_ms.get(role, 0.0):
                continue
            if role not in hung or hung[role].silent_ms < silent_ms:
                hung[role] = Hung(process=process, silent_ms=silent_ms)
        for role, each in hung.items():
            self._next_at_ms[role] = awake_ms + NEXT_MS
            del self._since_ms[each.process]
            self._liveness.forget(_word(each.process))
        return list(hung.values())


# Private.


def _word(process: Running) -> str:
    """A process in the words of the rule: a new pid under the same name is another one."""
    return f"{process.name} {process.pid}"
