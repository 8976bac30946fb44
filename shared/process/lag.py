"""How late the event loop runs: the one figure that tells "our CPU is slow" from all else.

Owns: a tick on absolute deadlines, the worst lateness of the last seconds, and how late all ticks were. Must
not know: which line made it late (shared/process/stalls.py finds that).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from shared.clock import now_ms
from shared.figures.histograms import Histogram, latency_ms

TICK_MS = 50.0
WINDOW_TICKS = 80
"""Four seconds of ticks: a window of the diagnosis is told up to half a second late (figures/rolling.py)."""


@dataclass(slots=True)
class LoopCounters:
    """Of one event loop."""

    late_ms: Histogram = field(default_factory=latency_ms)
    """Lateness of the loop, looked at every 50 ms; a longer stall is one value."""


class LoopLag:
    """Start it once in a running loop."""

    def __init__(self) -> None:
        self._due_ms = 0.0
        self._handle: asyncio.TimerHandle | None = None
        self._recent: list[float] = [0.0] * WINDOW_TICKS
        self._index = 0
        self.counters = LoopCounters()
        self.ticked_at_ms = 0.0
        """The last sign of life, for who looks from another thread (shared/process/stalls.py)."""

    def start(self) -> None:
        self.ticked_at_ms = now_ms()
        self._due_ms = self.ticked_at_ms + TICK_MS
        self._arm()

    def forget_recent(self) -> None:
        """What was late until now concerned nobody: a process that gets ready reads certificates, imports
        tools, and has no calls yet."""
        self._recent = [0.0] * WINDOW_TICKS

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    @property
    def window_ms(self) -> float:
        """Worst lateness of the last four seconds."""
        return max(self._recent)

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._handle = loop.call_later(max(0.0, self._due_ms - now_ms()) / 1000, self._tick)

    def _tick(self) -> None:
        now = self.ticked_at_ms = now_ms()
        late = max(0.0, now - self._due_ms)
        self._recent[self._index] = late
        self._index = (self._index + 1) % WINDOW_TICKS
        self.counters.late_ms.observe(late)
        # A long stall skips ticks: each would tell of the same stall again.
        self._due_ms = max(self._due_ms + TICK_MS, now)
        self._arm()
