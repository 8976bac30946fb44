"""WAV files as other programs write them, right or wrong."""

from __future__ import annotations

import struct

from shared.sound.wav import PCM


def wav(body: bytes, *, tag: int = PCM, channels: int = 1, rate_hz: int = 8000, bits: int = 16,
        says: int | None = None, before: bytes = b"", sub: int | None = None) -> bytes:  # fmt: skip
    """A file; `says`: the length that its header claims, `sub`: the true form of an extensible one."""
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits)
    if sub is not None:
        form += struct.pack("<HHIH14x", 22, bits, 0, sub)
    head = b"fmt " + struct.pack("<I", len(form)) + form + before
    data = b"data" + struct.pack("<I", len(body) if says is None else says) + body
    return b"RIFF" + struct.pack("<I", 4 + len(head) + len(data)) + b"WAVE" + head + data


def words(samples: list[int]) -> bytes:
    """16 bits each."""
    return struct.pack(f"<{len(samples)}h", *samples)
