"""How fast a model speaks."""

from __future__ import annotations

from shared.heard.pace import FASTEST_MS, LETTER_MS, MEASURED_LETTERS, SLOWEST_MS, Pace


def test_a_short_text_shows_nothing() -> None:
    """Until enough was said, the usual pace stands."""
    pace = Pace()
    assert pace.letter_ms == LETTER_MS
    pace.measure(MEASURED_LETTERS - 1, 60_000)
    assert pace.letter_ms == LETTER_MS


def test_a_call_shows_its_own_pace() -> None:
    """Over all that was said, not only the last."""
    pace = Pace()
    pace.measure(100, 10_000)
    pace.measure(100, 8_000)
    assert pace.letter_ms == 90.0


def test_an_odd_text_shifts_the_measure_no_further_than_a_voice_can_go() -> None:
    """Neither by figures that take long, nor by letters that nobody says."""
    slow, fast = Pace(), Pace()
    slow.measure(100, 100_000)
    fast.measure(1_000, 1_000)
    assert (slow.letter_ms, fast.letter_ms) == (SLOWEST_MS, FASTEST_MS)
