"""How late the event loop runs: the one figure that tells "our CPU is slow" from all else.

Owns: a tick on absolute deadlines, the worst lateness of the last seconds, how late it mostly is, how late
all ticks were, and by the same ticks the time in which the process ran at all. Must not know: which line made
it late (shared/process/stalls.py finds that), what is judged by the time awake.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from shared.clock import now_ms
from shared.figures.histograms import Histogram, latency_ms
from shared.process.awake import AwakeClock

TICK_MS = 50.0
WINDOW_TICKS = 80
"""Four seconds of ticks: a window of the diagnosis is told up to half a second late (figures/rolling.py)."""

NEWEST_SHARE = 1 / 8
"""Weight of one tick in what the loop is mostly late by: some 400 ms of ticks."""

ONE_TICK_MOST_MS = 20.0
"""A single long stall must not make the loop look late for seconds."""


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
        self._mostly_ms = 0.0
        self._awake = AwakeClock(now_ms())

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

    def mostly_ms(self) -> float:
        """How late the loop mostly is, smoothed: by it writes and reads gather (shared/store/gathering)."""
        return self._mostly_ms

    def awake_ms(self) -> float:
        """Time in which this process ran (shared/process/awake.py): it stands still unless this is
        started."""
        return self._awake.at(now_ms())

    async def sleep_awake(self, seconds: float) -> None:
        """Sleeps so long on the awake clock: whoever was stopped meanwhile waits that much longer.

        Cancelling is safe.
        """
        until_ms = self.awake_ms() + seconds * 1000
        while (left_ms := until_ms - self.awake_ms()) > 0:  # noqa: ASYNC110 - nobody sets an event
            await asyncio.sleep(left_ms / 1000)

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._handle = loop.call_later(max(0.0, self._due_ms - now_ms()) / 1000, self._tick)

    def _tick(self) -> None:
        now = self.ticked_at_ms = now_ms()
        self._awake.tick(now)
        late = max(0.0, now - self._due_ms)
        self._recent[self._index] = late
        self._index = (self._index + 1) % WINDOW_TICKS
        self.counters.late_ms.observe(late)
        self._mostly_ms += NEWEST_SHARE * (min(late, ONE_TICK_MOST_MS) - self._mostly_ms)
        # A long stall skips ticks: each would tell of the same stall again.
        self._due_ms = max(self._due_ms + TICK_MS, now)
        self._arm()
