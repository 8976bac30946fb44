"""The three audio formats of a Realtime session.

Why it exists: a session that has not been told otherwise reads and speaks 16-bit PCM at 24 kHz: a client that
skips the confirmation of its `session.update` hears static, as it does with the real service. Owns: bytes a
millisecond, loudness, and conversion from the µ-law clips. Pure. Must not know: sessions.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from simulators import mulaw

PCM: Final = "audio/pcm"
PCMU: Final = "audio/pcmu"
PCMA: Final = "audio/pcma"


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How one direction's bytes are to be read."""

    name: str
    bytes_per_ms: int
    energy: Callable[[bytes], float]
    """Mean magnitude of a block, 0.0 to 1.0."""
    from_mulaw: Callable[[bytes], bytes]


def _alaw_magnitude(code: int) -> int:
    """Magnitude of one A-law byte on the 16-bit scale (ITU-T G.711, table 1a)."""
    plain = code ^ 0x55
    exponent = (plain >> 4) & 0x07
    mantissa = (plain & 0x0F) << 4
    return mantissa + 8 if exponent == 0 else (mantissa + 0x108) << (exponent - 1)


_ALAW_FULL_SCALE: Final = 32256
_ALAW_LOUDNESS: Final = bytes(round(_alaw_magnitude(code) * 255 / _ALAW_FULL_SCALE) for code in range(256))


def _alaw_code(sample: int) -> int:
    """The A-law byte nearest to one 16-bit sample; positive samples have the top bit set."""
    sign = 0x00 if sample < 0 else 0x80
    half = 0x7F if sample < 0 else 0xFF
    codes = range(sign, half + 1)
    return min(codes, key=lambda code: abs(_alaw_magnitude(code) - abs(sample)))


_MULAW_TO_ALAW: Final = bytes(_alaw_code(sample) for sample in mulaw.decode(bytes(range(256))))


def _alaw_energy(data: bytes) -> float:
    return sum(data.translate(_ALAW_LOUDNESS)) / (255 * len(data)) if data else 0.0


def _pcm_energy(data: bytes) -> float:
    samples = array("h", data[: len(data) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return sum(map(abs, samples)) / (32768 * len(samples)) if samples else 0.0


@lru_cache(maxsize=64)
def _mulaw_to_pcm24k(data: bytes) -> bytes:
    """Each sample three times: 8 kHz to 24 kHz, crude but of the right length."""
    samples = array("h", [s for sample in mulaw.decode(data) for s in (sample, sample, sample)])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


FORMATS: Final = {
    PCM: AudioFormat(PCM, 48, _pcm_energy, _mulaw_to_pcm24k),
    PCMU: AudioFormat(PCMU, mulaw.BYTES_PER_MS, mulaw.energy, lambda data: data),
    PCMA: AudioFormat(PCMA, mulaw.BYTES_PER_MS, _alaw_energy, lambda data: data.translate(_MULAW_TO_ALAW)),
}
