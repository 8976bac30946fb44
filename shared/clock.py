"""The clocks of the drivers: cores are given `now_ms`, drivers read it here.

Why it exists: two clocks, each right for something and wrong for the rest. Owns: which is used for what:
CLOCK_MONOTONIC in milliseconds for everything that is compared, wall time only for what people read and what
Redis keeps over a restart. Must not know: what is timed.
"""

from __future__ import annotations

import time


def now_ms() -> float:
    """Monotonic milliseconds of this host: for deadlines, pacing, stamps (`t`) in entries."""
    return time.monotonic() * 1000.0


def wall_ms() -> int:
    """Unix time in milliseconds: for cards, journals, people."""
    return time.time_ns() // 1_000_000
