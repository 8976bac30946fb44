"""A WAV file of any usual form as the samples of a telephone line.

Why it exists: recordings of callers come from telephones, browsers and editors, in stereo, in 24 bits, as
µ-law; the standard library's reader refuses half of them, and nobody should need another program to try an
agent. Owns: the form of the file. Pure. Must not know: where the bytes come from, what they are for.

Read are PCM of 8, 16, 24 and 32 bits, 32-bit float and µ-law, one channel or several (which are mixed), 4 to
192 kHz. A file that ends before it says so (a program that writes into a pipe knows no length) is read to its
end.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulators import mulaw
from simulators.speech.resample import to_telephone

PCM: Final = 1
FLOAT: Final = 3
MULAW: Final = 7
EXTENSIBLE: Final = 0xFFFE
"""The true form follows later in the header."""

_FORMS: Final = {
    (PCM, 8): "8-bit PCM", (PCM, 16): "16-bit PCM", (PCM, 24): "24-bit PCM", (PCM, 32): "32-bit PCM",
    (FLOAT, 32): "32-bit float", (MULAW, 8): "µ-law",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Form:
    tag: int
    channels: int
    rate_hz: int
    bits: int


def samples_of(data: bytes) -> array[int]:
    """The file's sound as 16-bit samples at 8 kHz, one channel.

    Raises ValueError that says what was expected and what the file holds.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError(f"expected a WAV file (RIFF … WAVE), got a file that begins with {data[:4]!r}")
    form: _Form | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            form = _form(body)
        elif name == b"data":
            if form is None:
                raise ValueError("expected a fmt chunk before the sound of a WAV file, got none")
            return to_telephone(_mixed(_linear(body, form), form.channels), form.rate_hz)
        at += 8 + size + size % 2
    raise ValueError("expected a data chunk in a WAV file, got none")


# Private.


def _form(body: bytes) -> _Form:
    if len(body) < 16:
        raise ValueError(f"expected 16 bytes or more in the fmt chunk of a WAV file, got {len(body)}")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == EXTENSIBLE and len(body) >= 26:
        tag = int.from_bytes(body[24:26], "little")
    if (tag, bits) not in _FORMS or not channels:
        raise ValueError(
            f"expected {', '.join(_FORMS.values())}, got format {tag} with {bits} bits and {channels}"
            " channels; convert it: sox IN.wav -b 16 OUT.wav"
        )
    return _Form(tag, channels, rate_hz, bits)


def _linear(body: bytes, form: _Form) -> Sequence[int]:
    """16-bit samples of all channels in turn. An incomplete last one is left out."""
    if form.tag == MULAW:
        return mulaw.decode(body)
    if form.tag == FLOAT:
        floats = struct.unpack(f"<{len(body) // 4}f", body[: len(body) // 4 * 4])
        return [round(max(-1.0, min(1.0, each)) * 32767) for each in floats]
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
    return [
        sum(samples[at : at + channels]) // channels for at in range(0, len(samples) - channels + 1, channels)
    ]
