"""A sound in place of words, where nobody can speak: as long as the words, as loud as a voice.

Why it exists: with the simulated model it does not matter what a voice says, only that there is one: it knows
the words from its script. So a conversation can be tried where no speech synthesis is installed. Owns: that
sound. Pure. Must not know: who says it.
"""

from __future__ import annotations

import math
import zlib
from array import array
from functools import cache
from typing import Final

from simulators import mulaw

MS_PER_CHARACTER: Final = 62
"""About 16 characters a second, as people speak."""

LEAST_MS, MOST_MS = 500, 20_000

_SYLLABLE_MS: Final = 190
_PEAK: Final = 9_000
_HARMONICS: Final = ((1, 0.6), (2, 0.3), (3, 0.1))


def hum(text: str, pitch_hz: float) -> bytes:
    """µ-law for this text: syllables of one pitch, which differs a little from text to text."""
    length_ms = max(LEAST_MS, min(MOST_MS, MS_PER_CHARACTER * len(text)))
    detuned_hz = round(pitch_hz * (1 + zlib.crc32(text.encode(errors="replace")) % 16 / 100))
    syllable = _syllable(detuned_hz)
    whole = syllable * (length_ms // _SYLLABLE_MS + 1)
    return whole[: length_ms * mulaw.BYTES_PER_MS]


# Private.


@cache
def _syllable(pitch_hz: int) -> bytes:
    count = _SYLLABLE_MS * mulaw.BYTES_PER_MS
    samples = array("h")
    for number in range(count):
        # It swells and fades, and never falls silent in between: a pause is none of its own.
        swell = 0.25 + 0.75 * math.sin(math.pi * number / count)
        angle = 2 * math.pi * pitch_hz * number / mulaw.SAMPLE_RATE_HZ
        tone = sum(share * math.sin(order * angle) for order, share in _HARMONICS)
        samples.append(round(_PEAK * swell * tone))
    return mulaw.encode(samples)
