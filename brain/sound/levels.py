"""How loud a sound is, and the same one as loud as it should be.

Why it exists: a file that nobody hears, or that is distorted, is found out by the first caller; and music at
the level of a studio startles. Owns: the measure, the change. Pure. Must not know: what the sound is for.

The measure is that of the loudest 400 ms: pauses in a sentence do not make it softer. In dB of full scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

VOICE_DB = -20.0
"""A voice on a telephone line."""

WINDOW = 3_200
"""Samples at 8 kHz: 400 ms."""

FULL = 32_000
"""From here on a sample is taken as cut off."""


def loudness_db(samples: Sequence[int]) -> float:
    """Of samples at 8 kHz; minus infinity for silence."""
    loudest = max((_power(samples[at : at + WINDOW]) for at in range(0, len(samples), WINDOW)), default=0.0)
    return 10 * math.log10(loudest / 32768**2) if loudest else float("-inf")


def share_cut_off(samples: Sequence[int]) -> float:
    """Which share of the samples is as loud as can be, 0 to 1: what is more than a moment is distorted."""
    return sum(abs(each) >= FULL for each in samples) / len(samples) if samples else 0.0


def at_level(samples: Sequence[int], level_db: float) -> list[int]:
    """The same sound at this loudness. Silence stays silence."""
    now_db = loudness_db(samples)
    if now_db == float("-inf"):
        return list(samples)
    factor = 10 ** ((level_db - now_db) / 20)
    return [round(each * factor) for each in samples]


# Private.


def _power(samples: Sequence[int]) -> float:
    """A short rest is measured as if it were a whole window: a click is not loud."""
    return sum(each * each for each in samples) / WINDOW
