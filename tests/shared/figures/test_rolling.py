"""The worst of the last seconds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.figures.rolling import BUCKET_MS, KEPT_MS, WINDOW_MS, RollingMax, Telling


def test_the_worst_is_seen_for_four_seconds_and_then_forgotten() -> None:
    """To within half a second."""
    rolling = RollingMax()
    rolling.note(5.0, 10_000.0)
    rolling.note(9.0, 10_100.0)
    assert rolling.worst(10_200.0) == 9.0
    rolling.note(1.0, 13_000.0)

    assert [rolling.worst(now) for now in (13_400.0, 14_100.0, 21_000.0)] == [9.0, 1.0, 0.0]


def test_what_happens_in_a_window_is_told_with_it_even_if_that_is_told_late() -> None:
    """Half a second late: whoever looks twice a second is no quicker."""
    rolling = RollingMax()
    rolling.note(9.0, 10_499.0)

    assert rolling.worst(10_499.0 + WINDOW_MS + BUCKET_MS) == 9.0


@given(st.lists(st.tuples(st.floats(0, 1_000), st.floats(0, 2_000)), max_size=40))
def test_nothing_young_is_missed_and_nothing_old_is_kept(steps: list[tuple[float, float]]) -> None:
    """Whatever comes when."""
    rolling, now, seen = RollingMax(), 0.0, []
    for value, pause_ms in steps:
        now += pause_ms
        rolling.note(value, now)
        seen.append((now, value))
        worst = rolling.worst(now)
        assert worst >= max(v for at, v in seen if now - at < KEPT_MS - BUCKET_MS)
        assert worst <= max(v for at, v in seen if now - at <= KEPT_MS)


def test_figures_are_told_every_window() -> None:
    """By the time that has passed, however seldom it is asked."""
    telling = Telling(0.0)

    told = [
        telling.is_due(now, late=False) for now in (2_999.0, 3_000.0, 3_100.0, 5_999.0, 9_500.0, 12_499.0)
    ]

    assert told == [False, True, False, False, True, False]


def test_lateness_is_told_when_it_begins() -> None:
    """Once; while it lasts, every window; and again when it comes back."""
    telling = Telling(0.0)
    asked = [
        (500.0, True),
        (1_000.0, True),
        (3_499.0, True),
        (3_500.0, True),
        (6_500.0, False),
        (7_000.0, True),
    ]

    told = [telling.is_due(now, late=late) for now, late in asked]

    assert told == [True, False, False, True, True, True]
