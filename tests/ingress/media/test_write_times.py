"""The p99 of a window's writes, with literal times."""

from __future__ import annotations

import pytest

from ingress.media.write_times import KEPT, WriteTimes, WriteWindow


def test_the_p99_is_of_this_window_alone() -> None:
    """However few writes it had, and whatever the last one had."""
    times = WriteTimes()
    assert times.take_window() == WriteWindow(0.0, 0)
    for duration_ms in (0.5, 80.0, 0.25):
        times.note(duration_ms)
    assert times.take_window().write_p99_ms == pytest.approx(80.0)

    times.note(0.5)
    assert times.take_window().write_p99_ms == pytest.approx(0.5)
    assert times.take_window().write_p99_ms == 0.0


def test_one_slow_write_of_two_hundred_is_no_p99() -> None:
    """Three of them are."""
    times = WriteTimes()
    for slow in (1, 3):
        for _ in range(200 - slow):
            times.note(0.5)
        for _ in range(slow):
            times.note(80.0)
        assert times.take_window().write_p99_ms == pytest.approx(0.5 if slow == 1 else 80.0)


def test_more_writes_than_are_kept_forget_the_first() -> None:
    """A stall's worth of frames in one go."""
    times = WriteTimes()
    times.note(9_000.0)
    for _ in range(KEPT):
        times.note(0.5)

    assert times.take_window().write_p99_ms == pytest.approx(0.5)


def test_frames_that_never_got_there_are_counted_once() -> None:
    """In the window in which they were dropped."""
    times = WriteTimes()
    times.overflow(1)
    times.overflow(3)

    assert [times.take_window().overflowed for _ in range(2)] == [4, 0]
