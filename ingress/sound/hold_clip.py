"""The sound that ingress plays by itself while nobody speaks: a soft chime, made here.

Why it exists: it must be there when nothing else is, so it is neither a file nor a service. Owns: its µ-law
bytes. Pure. Must not know: when it is played.
"""

from __future__ import annotations

import math

from shared import mulaw
from shared.audio import BYTES_PER_MS, SILENCE_BYTE

SAMPLE_RATE_HZ = 8000
CHIME_MS = 600
CLIP_MS = 1000
_NOTES = ((0, 523.25), (150, 659.25))
"""(start in ms, frequency in Hz): c and e, one after the other."""

_AMPLITUDE = 3000.0
"""About -21 dB of full scale: heard, and not startling."""

_FADE_PER_MS = 1 / 120


def hold_clip() -> bytes:
    """One second of µ-law: the chime, then silence."""
    samples = [0.0] * (CHIME_MS * BYTES_PER_MS)
    for start_ms, frequency_hz in _NOTES:
        for index in range(start_ms * BYTES_PER_MS, len(samples)):
            at = index - start_ms * BYTES_PER_MS
            fade = math.exp(-at / BYTES_PER_MS * _FADE_PER_MS)
            angle = 2 * math.pi * frequency_hz * at / SAMPLE_RATE_HZ
            samples[index] += _AMPLITUDE * fade * math.sin(angle)
    chime = bytes(mulaw.encode_sample(round(sample)) for sample in samples)
    return chime.ljust(CLIP_MS * BYTES_PER_MS, bytes([SILENCE_BYTE]))
