"""Loudness and pauses."""

from __future__ import annotations

from array import array

from console.trial.speech.levels import FRAME_BYTES, LONGEST_PAUSE_MS, PEAK, at_peak, without_long_pauses
from simulators import mulaw

VOICE = mulaw.encode([8000, -8000] * (FRAME_BYTES // 2))
"""A frame of it."""

QUIET = bytes([mulaw.SILENCE]) * FRAME_BYTES


def test_the_loudest_sample_is_brought_to_the_peak() -> None:
    """And the others with it."""
    made = at_peak([100, -400, 200])
    assert max(map(abs, made)) == round(PEAK * 32767)
    assert made[0] == -round(made[1] / 4)


def test_silence_stays_silence() -> None:
    """Nothing is divided by nothing."""
    assert at_peak([0, 0]) == array("h", [0, 0])
    assert len(at_peak([])) == 0


def test_silence_at_the_ends_goes() -> None:
    """And what is left is in whole frames."""
    assert without_long_pauses(QUIET * 9 + VOICE * 2 + QUIET * 5) == VOICE * 2
    assert len(without_long_pauses(VOICE + VOICE[:7])) % FRAME_BYTES == 0


def test_a_pause_is_shortened_so_that_nobody_takes_it_for_the_end() -> None:
    """A short one stays as it is."""
    most = LONGEST_PAUSE_MS // 20
    assert without_long_pauses(VOICE + QUIET * 60 + VOICE) == VOICE + QUIET * most + VOICE
    assert without_long_pauses(VOICE + QUIET * 3 + VOICE) == VOICE + QUIET * 3 + VOICE


def test_without_a_voice_there_is_nothing() -> None:
    """Silence is not said."""
    assert without_long_pauses(QUIET * 50) == b""
    assert without_long_pauses(b"") == b""
