"""How loud a sound is, and how it becomes as loud as it should be."""

from __future__ import annotations

import math

import pytest

from brain.sound.levels import WINDOW, at_level, loudness_db, share_cut_off


def tone(peak: int, samples: int = WINDOW) -> list[int]:
    return [round(peak * math.sin(n / 3)) for n in range(samples)]


def test_a_tone_at_full_scale_is_three_db_below_it() -> None:
    """Half of it is half of it."""
    assert loudness_db(tone(32_767)) == pytest.approx(-3.0, abs=0.1)
    assert loudness_db(tone(16_384)) == pytest.approx(-9.0, abs=0.1)


def test_pauses_do_not_make_it_softer_and_a_click_not_louder() -> None:
    """The loudest part of 400 ms counts."""
    assert loudness_db([0] * WINDOW * 3 + tone(3_000) + [0] * 77) == pytest.approx(
        loudness_db(tone(3_000)), abs=0.1
    )
    assert loudness_db([30_000] * 3) < -30


def test_silence_has_no_level_and_gets_none() -> None:
    """It stays what it is."""
    assert loudness_db([]) == loudness_db([0] * 10) == float("-inf")
    assert at_level([0] * 10, -20.0) == [0] * 10


@pytest.mark.parametrize("level_db", [-40.0, -20.0, -6.0])
def test_it_becomes_as_loud_as_it_should_be(level_db: float) -> None:
    """Softer or louder."""
    assert loudness_db(at_level(tone(3_000), level_db)) == pytest.approx(level_db, abs=0.2)


def test_what_is_cut_off_is_found() -> None:
    """Samples as loud as can be."""
    assert share_cut_off([32_767, -32_768, 0, 100]) == 0.5
    assert share_cut_off([]) == 0.0
