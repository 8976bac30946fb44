"""The p99 of a socket's last writes."""

from __future__ import annotations

import pytest

from ingress.write_times import KEPT, WriteTimes


def test_a_few_slow_writes_of_many_show() -> None:
    """Three of 256 are above the 99th percentile; after five seconds they are forgotten."""
    times = WriteTimes()
    assert times.p99_ms == 0.0
    for _ in range(KEPT):
        times.note(0.5)
    for _ in range(3):
        times.note(80.0)
    assert times.p99_ms == pytest.approx(80.0)

    for _ in range(KEPT):
        times.note(0.25)
    assert times.p99_ms == pytest.approx(0.25)
