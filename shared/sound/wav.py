"""A WAV file of any usual form as samples of one channel.

Why it exists: who writes an agent, or tries one, has recordings of a studio, a telephone or a browser: in
stereo, in 24 bits, as µ-law. The standard library reads half of them, and nobody should need another program.
Owns: the form of the file. Pure. Must not know: where the bytes come from, what they are for, their loudness.

Read are PCM of 8, 16, 24 and 32 bits, 32-bit float and µ-law, with one channel or several, which are mixed.
What breaks off is read to its end.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from shared import mulaw
from shared.sound.resample import to_telephone

PCM, FLOAT, MULAW = 1, 3, 7
EXTENSIBLE = 0xFFFE
"""The true form follows later in the header."""

_FORMS = {
    (PCM, 8): "8-bit PCM", (PCM, 16): "16-bit PCM", (PCM, 24): "24-bit PCM", (PCM, 32): "32-bit PCM",
    (FLOAT, 32): "32-bit float", (MULAW, 8): "µ-law",
}  # fmt: skip

RATE_HZ = 8000
"""Of a telephone."""

MULAW_HEADER_BYTES = 58

CONVERT = "convert it: ffmpeg -i IN -ar 8000 -ac 1 OUT.wav"


@dataclass(frozen=True, slots=True)
class Recording:
    """16-bit samples of one channel."""

    samples: Sequence[int]
    rate_hz: int

    def at_telephone_rate(self) -> array[int]:
        """At 8 kHz, with the band of a telephone line. Raises ValueError for a rate that cannot be meant."""
        return to_telephone(self.samples, self.rate_hz)


@dataclass(frozen=True, slots=True)
class _Form:
    tag: int
    channels: int
    rate_hz: int
    bits: int


def read_wav(data: bytes) -> Recording:
    """The sound of a file. Raises ValueError that says what was expected, what it holds, what to do."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError(f"expected a WAV file, got one that begins with {data[:4]!r}: {CONVERT}")
    form: _Form | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            form = _form(body)
        elif name == b"data" and form is not None:
            return Recording(_mixed(_linear(body, form), form.channels), form.rate_hz)
        at += 8 + size + size % 2
    raise ValueError(f"expected a WAV file with a form and sound, got one without: {CONVERT}")


def mulaw_header(channels: int, n_samples: int) -> bytes:
    """What stands before µ-law of 8 kHz, so many samples of each channel in turn: MULAW_HEADER_BYTES."""
    n_bytes = channels * n_samples
    form = struct.pack("<HHIIHHH", MULAW, channels, RATE_HZ, RATE_HZ * channels, channels, 8, 0)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"fact" + struct.pack("<II", 4, n_samples)
    size = 4 + len(chunks) + 8 + n_bytes
    return b"RIFF" + struct.pack("<I", size) + b"WAVE" + chunks + b"data" + struct.pack("<I", n_bytes)


# Private.


def _form(body: bytes) -> _Form:
    if len(body) < 16:
        raise ValueError(f"expected a whole header of a WAV file, got {len(body)} bytes of it: {CONVERT}")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == EXTENSIBLE and len(body) >= 26:
        tag = int.from_bytes(body[24:26], "little")
    if (tag, bits) not in _FORMS or not channels:
        known = ", ".join(_FORMS.values())
        raise ValueError(f"expected {known}, got form {tag} with {bits} bits: {CONVERT}")
    return _Form(tag, channels, rate_hz, bits)


def _linear(body: bytes, form: _Form) -> Sequence[int]:
    """Samples of all channels in turn. An incomplete last one is left out."""
    if form.tag == MULAW:
        return mulaw.decode(body)
    if form.tag == FLOAT:
        floats = struct.unpack(f"<{len(body) // 4}f", body[: len(body) // 4 * 4])
        return [round(max(-1.0, min(1.0, each)) * 32767) if each == each else 0 for each in floats]
    if form.bits == 8:
        return [(each - 128) << 8 for each in body]  # Unsigned, as this size alone is.
    if form.bits == 16:
        return struct.unpack(f"<{len(body) // 2}h", body[: len(body) // 2 * 2])
    width = form.bits // 8
    return [
        int.from_bytes(body[at + width - 2 : at + width], "little", signed=True)
        for at in range(0, len(body) - width + 1, width)
    ]


def _mixed(samples: Sequence[int], channels: int) -> Sequence[int]:
    if channels == 1:
        return samples
    whole = len(samples) - len(samples) % channels
    return [sum(samples[at : at + channels]) // channels for at in range(0, whole, channels)]
