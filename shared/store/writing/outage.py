"""What a process says of a Redis that fails: when an outage or a refusal begins, and when it is over.

Why it exists: each connection tries again several times a second, and a Redis at the edge of its memory
refuses and takes writes as often; a line for each attempt buries the log. Owns: one line at the start of an
episode, one at its end, however many connections notice it; the words for a refusal. Must not know: how a
connection is opened, why Redis refuses, what is done about it (outbox.py), how a line is written.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from shared.store.refusals import MOVING, RefusedWrites

CALM_MS = 3000.0
"""Writes were taken for this long: the episode is over."""


STUCK_MS = 10_000.0
"""A slot that has been on its way for so long may be one whose move broke off."""


def in_words(refused: RefusedWrites, now_ms: float, wall_ms: float) -> str:
    """A refusal, and since when, for people; `wall_ms`: Unix time at `now_ms`."""
    lasts_ms = now_ms - refused.since_ms
    since = time.strftime("%H:%M:%S", time.gmtime((wall_ms - lasts_ms) / 1000))
    told = f"Redis refuses writes: {refused.error.rstrip('.')} (since {since} UTC)"
    if refused.word in MOVING and lasts_ms > STUCK_MS:
        return f"{told}. If no reshard is under way any more: redis-cli --cluster fix HOST:PORT"
    return told


@dataclass(slots=True)
class Outage:
    """From the first connection that fails until the last one works."""

    _failing: set[str] = field(default_factory=set)
    _since_ms: float = 0.0

    def failed(self, who: str, now_ms: float) -> bool:
        """A connection does not work. True if an outage begins with it: that is worth a line."""
        begins = not self._failing
        if begins:
            self._since_ms = now_ms
        self._failing.add(who)
        return begins

    def works(self, who: str, now_ms: float) -> float | None:
        """A connection works. How long the outage was, ms, if it is over with that."""
        if who not in self._failing:
            return None
        self._failing.remove(who)
        return None if self._failing else now_ms - self._since_ms


@dataclass(frozen=True, slots=True)
class RefusalBegan:
    """Redis refuses writes."""


@dataclass(frozen=True, slots=True)
class RefusalOver:
    """It takes them again."""

    lasted_ms: float


@dataclass(slots=True)
class RefusalTold:
    """What was told so far. To be asked twice a second."""

    _began_ms: float | None = None
    _refused_ms: float = 0.0
    """When writes were seen to be refused last."""

    def look(self, refused_since_ms: float | None, now_ms: float) -> RefusalBegan | RefusalOver | None:
        """What is to be told now."""
        if refused_since_ms is not None:
            self._refused_ms = now_ms
            if self._began_ms is not None:
                return None
            self._began_ms = refused_since_ms
            return RefusalBegan()
        if self._began_ms is None or now_ms - self._refused_ms < CALM_MS:
            return None
        lasted_ms = self._refused_ms - self._began_ms
        self._began_ms = None
        return RefusalOver(lasted_ms)
