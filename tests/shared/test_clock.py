"""Which clock is which."""

from __future__ import annotations

import time

from shared.clock import now_ms, wall_ms


def test_both_clocks_tell_milliseconds() -> None:
    """What is compared is monotonic, what people read is Unix time."""
    assert abs(now_ms() - time.monotonic() * 1000) < 1000
    assert abs(wall_ms() - time.time() * 1000) < 1000
    earlier = now_ms()
    assert now_ms() >= earlier
