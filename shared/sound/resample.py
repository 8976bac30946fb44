"""Any sampling rate to the 8 kHz of a telephone line, with its band.

Why it exists: recordings come at 16 to 48 kHz; taking every sixth sample would fold what is above 4 kHz into
what is heard. Owns: a low pass and the new samples. Pure. Must not know: files, µ-law.

A windowed sinc: each new sample is a sum over the old ones around it. The weights repeat after as many
samples as the two rates are apart in lowest terms, so they are made once. A second of sound takes some 50 ms.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from operator import mul

RATE_HZ = 8_000
LEAST_HZ, MOST_HZ = 4_000, 192_000

_ZEROS = 6
"""Zero crossings of the sinc on each side."""

_PASS = 0.92
"""The pass band's share of what the lower of the two rates can carry."""


def to_telephone(samples: Sequence[int], rate_hz: int) -> array[int]:
    """16-bit samples at `rate_hz` as 16-bit samples at 8 kHz.

    Raises ValueError for a rate outside LEAST_HZ to MOST_HZ.
    """
    if not LEAST_HZ <= rate_hz <= MOST_HZ:
        raise ValueError(f"expected a sampling rate of {LEAST_HZ} to {MOST_HZ} Hz, got {rate_hz}")
    if rate_hz == RATE_HZ:
        return array("h", samples)
    common = math.gcd(rate_hz, RATE_HZ)
    step, phases = rate_hz // common, RATE_HZ // common
    # In old samples: how wide the sinc is, and where it ends.
    narrowing = max(1.0, rate_hz / RATE_HZ)
    reach = math.ceil(_ZEROS * narrowing)
    weights = [_weights(phase / phases, reach, narrowing) for phase in range(phases)]
    padded = array("h", bytes(2 * reach)) + array("h", samples) + array("h", bytes(2 * (reach + 1)))
    made = array("h")
    for number in range(len(samples) * phases // step):
        whole, phase = divmod(number * step, phases)
        # Sample `whole` stands at `whole + reach` of the padded ones.
        near = padded[whole + 1 : whole + 1 + 2 * reach]
        made.append(max(-32768, min(32767, round(sum(map(mul, weights[phase], near))))))
    return made


# Private.


def _weights(fraction: float, reach: int, narrowing: float) -> list[float]:
    """What the old samples from `1 - reach` to `reach` add to a new one that stands `fraction` behind sample
    0."""
    cutoff = _PASS / narrowing
    found = [
        _sinc(cutoff * (place - fraction)) * _window((place - fraction) / reach)
        for place in range(1 - reach, reach + 1)
    ]
    whole = sum(found)
    return [each / whole for each in found]  # A constant stays what it is.


def _sinc(x: float) -> float:
    return 1.0 if abs(x) < 1e-9 else math.sin(math.pi * x) / (math.pi * x)


def _window(x: float) -> float:
    """Hann; zero outside -1 to 1."""
    return 0.5 + 0.5 * math.cos(math.pi * x) if abs(x) < 1.0 else 0.0
