"""To 8 kHz: what a telephone carries stays, what it does not carry goes."""

from __future__ import annotations

import math

import pytest

from shared.sound.resample import RATE_HZ, to_telephone


def tone(hz: float, rate_hz: int, ms: int = 100) -> list[int]:
    count = rate_hz * ms // 1000
    return [round(10_000 * math.sin(2 * math.pi * hz * n / rate_hz)) for n in range(count)]


def power(samples: list[int]) -> float:
    """Of the middle, where no edge is near."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return math.sqrt(sum(each * each for each in middle) / len(middle))


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 24_000, 44_100, 48_000])
def test_a_voice_stays_what_it_is(rate_hz: int) -> None:
    """As long and as loud, from every usual rate."""
    made = list(to_telephone(tone(440, rate_hz), rate_hz))

    assert abs(len(made) - RATE_HZ // 10) <= 1
    assert power(made) == pytest.approx(10_000 / math.sqrt(2), rel=0.02)


@pytest.mark.parametrize(("hz", "rate_hz"), [(6_000, 16_000), (9_000, 48_000)])
def test_what_a_telephone_does_not_carry_is_not_folded_into_it(hz: float, rate_hz: int) -> None:
    """It would be a tone that nobody sang."""
    assert power(list(to_telephone(tone(hz, rate_hz), rate_hz))) < 200


def test_a_constant_stays_and_nothing_is_too_loud() -> None:
    """Also at full scale."""
    made = to_telephone([32_767] * 4_800, 48_000)

    assert set(made[100:-100]) == {32_767}


@pytest.mark.parametrize("rate_hz", [0, 3_999, 192_001])
def test_a_rate_that_is_none_is_refused(rate_hz: int) -> None:
    """By its figure."""
    with pytest.raises(ValueError, match=f"got {rate_hz}"):
        to_telephone([0], rate_hz)


def test_the_same_rate_is_the_same_sound() -> None:
    """Not a bit of it is changed, and nothing stays nothing."""
    samples = tone(500, 8_000)
    assert list(to_telephone(samples, 8_000)) == list(samples)
    assert len(to_telephone([], 44_100)) == 0


def test_a_sound_at_its_loudest_does_not_turn_over() -> None:
    """The filter swings above it; samples are held to their limits."""
    made = to_telephone(([32_767] * 50 + [-32_768] * 50) * 40, 16_000)
    assert (max(made), min(made)) == (32_767, -32_768)
