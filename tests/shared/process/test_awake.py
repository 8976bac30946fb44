"""Time in which a process ran, by literal ticks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.process.awake import STEP_MOST_MS, AwakeClock, AwakeSilence


def test_time_that_is_ticked_counts() -> None:
    """Between two ticks too."""
    clock = AwakeClock(1_000.0)
    for now_ms in range(1_050, 2_050, 50):
        clock.tick(float(now_ms))
    assert clock.at(2_020.0) == 1_020.0
    assert clock.asleep_ms == 0.0


def test_of_a_stop_a_step_counts() -> None:
    """Before the first tick after it, and after that."""
    clock = AwakeClock(1_000.0)
    assert clock.at(10_000.0) == STEP_MOST_MS
    clock.tick(10_000.0)
    assert clock.at(10_000.0) == STEP_MOST_MS
    assert clock.at(10_050.0) == STEP_MOST_MS + 50.0
    assert clock.asleep_ms == 9_000.0 - STEP_MOST_MS


@given(st.lists(st.tuples(st.floats(0, 20_000), st.booleans())))
def test_it_never_goes_back_nor_runs_ahead(steps: list[tuple[float, bool]]) -> None:
    """Whoever reads it, whenever it is ticked."""
    clock, now_ms, before_ms = AwakeClock(0.0), 0.0, 0.0
    for pause_ms, is_tick in steps:
        now_ms += pause_ms
        if is_tick:
            clock.tick(now_ms)
        awake_ms = clock.at(now_ms)
        assert before_ms <= awake_ms + 1e-6
        assert awake_ms <= before_ms + pause_ms + 1e-6
        before_ms = awake_ms


def test_silence_is_counted_from_the_sign() -> None:
    """Not from the look that found it; and a look that finds no new one goes on counting."""
    silence = AwakeSilence(0.0, 0.0)
    assert silence.look(0.0, 250.0, 250.0) == 250.0
    assert silence.look(300.0, 500.0, 500.0) == 200.0
    assert silence.look(300.0, 750.0, 750.0) == 450.0


def test_a_stop_is_no_silence() -> None:
    """A sign before it, and one that is read after it, are as old as the time awake since then."""
    silence = AwakeSilence(0.0, 0.0)
    assert silence.look(0.0, 9_250.0, 400.0) == 400.0
    assert silence.look(9_300.0, 9_500.0, 650.0) == 200.0
    # A sign that came just before a stop of nine seconds.
    assert silence.look(9_510.0, 18_750.0, 900.0) == 250.0
