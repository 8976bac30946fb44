"""G.711 µ-law to linear samples and back.

Why it exists: sound of our own (a clip that is made, a file that is read) has to become what a telephone line
carries, and the standard library has no codec any more since Python 3.13. Owns: the conversion. Pure. Must
not know: whose sound it is. One byte is one sample; figures of the format stand in shared/audio.py.

Source: ITU-T G.711, table 2a, by way of 14 bits with a bias of 33.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from functools import cache

_LOUDEST = 8158
_BIAS = 33


def encode_sample(sample: int) -> int:
    """The µ-law byte of one 16-bit sample."""
    magnitude = min(abs(sample >> 2 if sample >= 0 else -((-sample) >> 2)), _LOUDEST) + _BIAS
    exponent = magnitude.bit_length() - 6
    mantissa = (magnitude >> (exponent + 1)) & 0x0F
    sign = 0x80 if sample < 0 else 0
    return ~(sign | exponent << 4 | mantissa) & 0xFF


def encode(samples: Iterable[int]) -> bytes:
    """µ-law bytes of 16-bit samples, one for each. What is beyond 16 bits is as loud as can be.

    A second of sound takes some milliseconds.
    """
    codes = _codes()
    return bytes([codes[max(-32768, min(32767, sample))] for sample in samples])


def decode(audio: bytes) -> array[int]:
    """16-bit samples of µ-law bytes, one for each."""
    linear = _linear()
    return array("h", [linear[code] for code in audio])


# Private.


@cache
def _codes() -> bytes:
    """By the sample itself: Python's negative index reaches the upper half (-1 is the last)."""
    return bytes(encode_sample(sample) for sample in [*range(32768), *range(-32768, 0)])


@cache
def _linear() -> tuple[int, ...]:
    return tuple(_linear_of(code) for code in range(256))


def _linear_of(code: int) -> int:
    inverted = ~code & 0xFF
    exponent, mantissa = (inverted >> 4) & 0x07, inverted & 0x0F
    magnitude = ((((mantissa << 1) + _BIAS) << exponent) - _BIAS) << 2
    return -magnitude if inverted & 0x80 else magnitude
