"""The network towards the bridge: late, in bursts, in order."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from simulators.twilio.knobs import Window
from simulators.twilio.media.weather import Weather


def test_calm_weather_lets_everything_pass_at_once() -> None:
    """No knob, no delay."""
    weather = Weather(random.Random(1))
    weather.hold(b"a", 5)

    assert weather.release(5) == [b"a"]
    assert weather.next_at_ms is None


def test_a_burst_holds_everything_and_lets_it_go_together() -> None:
    """A stalled network, then all of it."""
    weather = Weather(random.Random(1), bursts=[Window(100, 50)])
    for at_ms in (90, 110, 130):
        weather.hold(str(at_ms).encode(), at_ms)

    assert weather.release(149) == [b"90"]
    assert weather.next_at_ms == 150
    assert weather.release(150) == [b"110", b"130"]


def test_the_end_of_a_stream_takes_all_that_is_on_its_way() -> None:
    """`stop` must not overtake media."""
    weather = Weather(random.Random(1), bursts=[Window(0, 1000)])
    weather.hold(b"a", 1)

    assert weather.release_all() == [b"a"]
    assert weather.next_at_ms is None


@given(st.integers(0, 9999), st.lists(st.floats(0, 50), max_size=40))
def test_jitter_is_bounded_and_keeps_the_order(seed: int, steps: list[float]) -> None:
    """Never early, never later than the jitter, never reordered."""
    weather, now_ms = Weather(random.Random(seed), jitter_ms=30), 0.0
    for n, step in enumerate(steps):
        now_ms += step
        weather.hold(b"%d" % n, now_ms)

    assert weather.release(now_ms + 30) == [b"%d" % n for n in range(len(steps))]


def test_jitter_delays_at_all() -> None:
    """A knob that does nothing is none."""
    weather = Weather(random.Random(1), jitter_ms=30)
    weather.hold(b"a", 0)

    assert weather.release(0) == []
    assert weather.next_at_ms is not None
