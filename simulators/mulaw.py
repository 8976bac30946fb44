"""G.711 µ-law, the audio of every telephone call, as lookup tables.

Why it exists: clips, voice activity detection and both simulators need it, and Python has none of its own
since 3.13. Owns: the conversion between µ-law bytes and 16-bit linear samples, and a cheap loudness figure.
Pure. Must not know: who uses it.

One byte is one sample; 8 samples are one millisecond. Source of the companding: ITU-T G.711, table 2a.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

SILENCE: Final = 0xFF
"""The µ-law byte of a zero sample."""

SAMPLE_RATE_HZ: Final = 8000
BYTES_PER_MS: Final = 8

_BIAS: Final = 0x84  # 132: added before the exponent is found, so that each segment starts at 2^n
_CLIP: Final = 32635  # the loudest magnitude that still fits 15 bits once biased
_FULL_SCALE: Final = 32124  # magnitude of the loudest code


def _linear_of(code: int) -> int:
    """The 16-bit sample that one µ-law byte stands for."""
    inverted = ~code & 0xFF
    exponent = (inverted >> 4) & 0x07
    magnitude = (((inverted & 0x0F) << 3) + _BIAS << exponent) - _BIAS
    return -magnitude if inverted & 0x80 else magnitude


def _code_of(sample: int) -> int:
    """The µ-law byte nearest to one 16-bit sample."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _CLIP) + _BIAS
    exponent = magnitude.bit_length() - 8
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return ~(sign | exponent << 4 | mantissa) & 0xFF


_LINEAR: Final = tuple(_linear_of(code) for code in range(256))
# Indexed by the sample itself: Python's negative index reaches the upper half (-1 is the last).
_CODES: Final = bytes(_code_of(sample) for sample in [*range(32768), *range(-32768, 0)])
# Magnitude squeezed into one byte, so that `translate` and `sum`, both C loops, do the work.
_LOUDNESS: Final = bytes(round(abs(sample) * 255 / _FULL_SCALE) for sample in _LINEAR)


def decode(data: bytes | bytearray | memoryview) -> array[int]:
    """µ-law bytes to 16-bit signed samples, one for each byte."""
    linear = _LINEAR
    return array("h", [linear[code] for code in data])


def encode(samples: Iterable[int]) -> bytes:
    """16-bit signed samples to µ-law bytes, one for each sample.

    Raises `OverflowError` for a sample outside -32768…32767.
    """
    codes = _CODES
    return bytes([codes[sample] for sample in array("h", samples)])


def energy(data: bytes | bytearray) -> float:
    """Mean magnitude of µ-law audio, 0.0 (silence) to 1.0 (full scale); 0.0 for no audio.

    About 2 µs for a 20 ms frame. Samples below 1/510 of full scale count as nothing.
    """
    if not data:
        return 0.0
    return sum(data.translate(_LOUDNESS)) / (255 * len(data))
