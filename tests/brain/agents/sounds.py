"""Files of sound for agents in tests."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path


def write_tone(path: Path, *, ms: int = 1_000, peak: int = 8_000) -> None:
    """A tone of 440 Hz, as 16-bit WAV of 8 kHz."""
    samples = [round(peak * math.sin(2 * math.pi * 440 * n / 8_000)) for n in range(8 * ms)]
    with wave.open(str(path), "wb") as file:
        file.setframerate(8_000)
        file.setnchannels(1)
        file.setsampwidth(2)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
