"""How long what is to be written or read waits for company: by load, never by a fixed pause. Pure.

Why it exists: each commit and each read costs a system call, a turn of Redis and a wake-up of whoever reads
it, whatever number of entries it carries. With cores idle that cost buys latency and nobody misses it; on
busy cores it drowns the work itself. So an entry that comes alone goes at once, and a crowd goes together.

Owns: the rule, the smoothed time between two entries, what counts as a late loop. Must not know: who waits
(outbox, inbox, the caller's feed), timers, what an entry means, what is urgent: that never asks.

The rule, for a bound:

- A loop that keeps its time gives half of the bound, one that is late up to all of it.
- Where ENOUGH entries come within what is given, they wait that long. Where they do not come so fast, nothing
  waits: 3 ms for an entry that comes in 20 ms buy nothing.
- In a loop that is late a wait pays for one entry more, too, in proportion to its lateness: its neighbours
  need the core.
"""

from __future__ import annotations

from dataclasses import dataclass

ENOUGH = 3
"""Entries that share one commit or read before it is worth a wait: two thirds of its cost are saved then, and
no further entry saves as much."""

GRAIN_MS = 1.0
"""The event loop's timers count in whole milliseconds (uvloop), so waits do; what is less is none."""

GAP_MOST_MS = 50.0
"""A longer pause between two entries is taken for this one: the most that any bound may be."""

NEWEST_SHARE = 1 / 8
"""Weight of one entry in the smoothed gap: some dozens of them show that the load has risen, and one pause
that it has fallen."""

LATE_FROM_MS, LATE_FULL_MS = 1.5, 6.0
"""Loop lag that is more than the grain of its timers; loop lag at which all of the bound is used."""


@dataclass(slots=True)
class Gathering:
    """One place where entries gather. `bound_ms`: nothing waits longer; 0: nothing waits."""

    bound_ms: float
    gap_ms: float = GAP_MOST_MS
    """Between two entries, smoothed."""
    _came_at_ms: float = 0.0

    def came(self, now_ms: float, entries: int) -> None:
        """So many entries came since this was told last: they count as spread evenly."""
        if entries <= 0:
            return
        gap_ms = min((now_ms - self._came_at_ms) / entries, GAP_MOST_MS)
        self._came_at_ms = now_ms
        self.gap_ms += (1 - (1 - NEWEST_SHARE) ** entries) * (gap_ms - self.gap_ms)

    def wait_ms(self, *, age_ms: float, lag_ms: float) -> float:
        """How much longer should wait what may have waited `age_ms` already; 0: not at all. `lag_ms`: how
        late the loop mostly is."""
        late = lateness(lag_ms)
        given_ms = self.bound_ms * (1 + late) / 2
        if (ENOUGH - 1) * self.gap_ms > given_ms:  # No crowd.
            given_ms *= late
        left_ms = given_ms - age_ms
        if self.gap_ms > left_ms:
            return 0.0  # Nobody is expected in time.
        return left_ms // GRAIN_MS * GRAIN_MS


@dataclass(slots=True)
class Batch:
    """What gathers for the next commit. The rule is asked at the end of the loop's turn that began it."""

    gathering: Gathering
    _untold: int = 0
    """Entries that the rule has not been told of."""
    _since_ms: float | None = None
    """When it was first asked about those that wait."""

    def add(self) -> None:
        """One more."""
        self._untold += 1

    def wait_ms(self, now_ms: float, lag_ms: float) -> float:
        """How much longer all should wait."""
        self._tell(now_ms)
        if self._since_ms is None:
            self._since_ms = now_ms
        return self.gathering.wait_ms(age_ms=now_ms - self._since_ms, lag_ms=lag_ms)

    def gone(self, now_ms: float) -> None:
        """They went, for whatever reason."""
        self._tell(now_ms)
        self._since_ms = None

    def _tell(self, now_ms: float) -> None:
        self.gathering.came(now_ms, self._untold)
        self._untold = 0


def lateness(lag_ms: float) -> float:
    """How late a loop is, from 0 (it keeps its time) to 1. `lag_ms`: smoothed, in milliseconds."""
    return min(1.0, max(0.0, (lag_ms - LATE_FROM_MS) / (LATE_FULL_MS - LATE_FROM_MS)))


def enough_together(most: int, lag_ms: float) -> int:
    """How many entries of one source share a message that no other source can share: one while the loop keeps
    its time, up to `most` when it is late."""
    return 1 + round((most - 1) * lateness(lag_ms))


def never_late() -> float:
    """The lag of a loop that nobody measures."""
    return 0.0
