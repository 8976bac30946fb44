"""Histograms for hot paths: a bisect and an increment, nothing else.

Why it exists: a client library's histogram takes a lock, looks up labels and keeps exemplars; ten times the
cost of the thing measured. Here a value goes into a list of counts, and /metrics adds the counts up.

Owns: the bounds in use, the counts. Pure. Must not know: names, labels, who measures what. One loop writes
and reads, so nothing is locked.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left

LATENCY_MS = (0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 3000.0)
"""One hop, one commit, one tick: finest around the few ms that a healthy one takes."""

RESPONSE_MS = (
    50.0,
    100.0,
    200.0,
    300.0,
    400.0,
    500.0,
    700.0,
    1000.0,
    1500.0,
    2000.0,
    3000.0,
    5000.0,
    10_000.0,
)
"""What a caller feels: an answer comes after 0.3 to 1.2 s."""

BACKLOG_MS = (
    20.0,
    100.0,
    200.0,
    500.0,
    1000.0,
    2000.0,
    5000.0,
    10_000.0,
    20_000.0,
    30_000.0,
    60_000.0,
    600_000.0,
)
"""Audio that waits: from a frame to the ten minutes that `reply` holds."""

BACKLOG_FRAMES = (1.0, 2.0, 3.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0)
"""Frames that one read found; a read takes 200 at most."""

UNSENT_BYTES = (0.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0, 32_000.0, 64_000.0, 256_000.0)
"""A frame of Twilio's is about 330 bytes; 64 KiB are the bound of a call's media."""


class Histogram:
    """Counts of values by upper bound. `bounds` rise; what is above the last has a count of its own."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        if not bounds or any(low >= high for low, high in itertools.pairwise(bounds)):
            raise ValueError(f"expected bounds that rise, got {bounds!r}")
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Of each bound alone, not added up."""
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Takes one value: it belongs to the first bound that is not below it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """Values in all."""
        return sum(self.counts)

    def cumulative(self) -> list[tuple[str, float]]:
        """(`le`, values at or below it), the last one for all, as Prometheus has it."""
        rows: list[tuple[str, float]] = []
        below = 0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            below += count
            rows.append((str(bound), float(below)))
        return [*rows, ("+Inf", float(self.count))]


# Factories for fields: `commit_ms: Histogram = field(default_factory=latency_ms)`.


def latency_ms() -> Histogram:
    return Histogram(LATENCY_MS)


def response_ms() -> Histogram:
    return Histogram(RESPONSE_MS)


def backlog_ms() -> Histogram:
    return Histogram(BACKLOG_MS)


def backlog_frames() -> Histogram:
    return Histogram(BACKLOG_FRAMES)


def unsent_bytes() -> Histogram:
    return Histogram(UNSENT_BYTES)
