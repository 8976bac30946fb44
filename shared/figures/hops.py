"""How long an entry took from the process that wrote it to the one that reads it.

Why it exists: a stamp in an entry is CLOCK_MONOTONIC of the writer's host. On the same host it tells the
whole way, the writer's outbox included. On another it says nothing; there the entry's id, which is the
server's clock, tells how much longer than the quickest entry of the last minute this one took.

Owns: which of the two is used, the estimate of the difference between the clocks. Pure. Must not know: which
hop it is.
"""

from __future__ import annotations

import math

from shared.figures.histograms import Histogram

LEARN_MS = 60_000.0
"""How long the quickest entry counts: clocks drift by less than a millisecond in that time."""


def host_of(worker: str) -> str:
    """`host` of `role-n@host#boot`, without a match: a name of another form has no host."""
    return worker.partition("@")[2].partition("#")[0]


class Hop:
    """One hop of this process, whoever writes. All methods take monotonic ms of this host."""

    __slots__ = ("_before", "_least", "_since_ms", "histogram", "host")

    def __init__(self, histogram: Histogram, host: str) -> None:
        self.histogram = histogram
        self.host = host
        self._least = self._before = math.inf
        """The smallest (our clock - id) of this minute, and of the one before."""
        self._since_ms = -math.inf

    def took(self, entry_id: bytes, host: str, t_ms: float, now_ms: float) -> None:
        """An entry was read or acted upon. `host`: the writer's; empty if that is not known."""
        if host == self.host:
            self.histogram.observe(max(0.0, now_ms - t_ms))
        else:
            self.histogram.observe(self._above_least(entry_id, now_ms))

    def _above_least(self, entry_id: bytes, now_ms: float) -> float:
        apart_ms = now_ms - int(entry_id.partition(b"-")[0])
        if now_ms - self._since_ms > LEARN_MS:
            self._before, self._least, self._since_ms = self._least, math.inf, now_ms
        self._least = min(self._least, apart_ms)
        return apart_ms - min(self._least, self._before)
