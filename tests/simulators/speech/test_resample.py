"""Any sampling rate to that of a telephone line."""

from __future__ import annotations

import math
from array import array

import pytest

from simulators.speech.resample import to_telephone


def tone(hz: float, rate_hz: int, ms: int = 200, loud: int = 10_000) -> array[int]:
    count = rate_hz * ms // 1000
    return array("h", [round(loud * math.sin(2 * math.pi * hz * n / rate_hz)) for n in range(count)])


def loudness(samples: array[int]) -> float:
    """Root mean square, the ends left out: the filter begins and ends in silence."""
    inner = samples[len(samples) // 8 : -len(samples) // 8]
    return math.sqrt(sum(each * each for each in inner) / len(inner))


@pytest.mark.parametrize("rate_hz", [4_000, 11_025, 16_000, 22_050, 44_100, 48_000])
def test_a_voice_stays_what_it_is(rate_hz: int) -> None:
    """As long and as loud, whatever the rate."""
    made = to_telephone(tone(800, rate_hz), rate_hz)
    assert abs(len(made) - 1600) <= 2
    assert loudness(made) == pytest.approx(10_000 / math.sqrt(2), rel=0.03)


def test_what_a_telephone_cannot_carry_is_not_folded_into_the_voice() -> None:
    """6 kHz would come out as 2 kHz if every other sample were taken."""
    assert loudness(to_telephone(tone(6_000, 16_000), 16_000)) < 100


def test_the_same_rate_is_the_same_sound() -> None:
    """Not a bit of it is changed."""
    samples = tone(500, 8_000)
    assert to_telephone(samples, 8_000) == samples


@pytest.mark.parametrize("rate_hz", [0, 100, 500_000])
def test_a_rate_that_is_none_is_refused(rate_hz: int) -> None:
    """A wrong header, most likely."""
    with pytest.raises(ValueError, match=f"expected a sampling rate of 4000 to 192000 Hz, got {rate_hz}"):
        to_telephone([], rate_hz)


def test_nothing_is_nothing() -> None:
    """No sample makes none."""
    assert len(to_telephone([], 44_100)) == 0


def test_a_sound_at_its_loudest_does_not_turn_over() -> None:
    """The filter swings above it; samples are held to their limits."""
    square = array("h", ([32767] * 50 + [-32768] * 50) * 40)
    made = to_telephone(square, 16_000)
    assert max(made) == 32767
    assert min(made) == -32768
