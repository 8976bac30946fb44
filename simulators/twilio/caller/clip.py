"""What the caller says: µ-law audio in ready-made frames.

Why it exists: a hundred callers speak the same few clips; splitting and encoding a frame each time it is sent
would cost more than sending it. Owns: frames, and the bounds of the voice inside a clip. Must not know: when
or to whom it is spoken.
"""

from __future__ import annotations

import binascii
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from simulators import mulaw

FRAME_MS: Final = 20
FRAME_BYTES: Final = FRAME_MS * mulaw.BYTES_PER_MS
SILENT_FRAME: Final = bytes([mulaw.SILENCE]) * FRAME_BYTES
SILENT_PAYLOAD: Final = binascii.b2a_base64(SILENT_FRAME, newline=False)

# A 20 ms frame counts as voice above this mean magnitude (of 1.0): line noise lies far below it.
_VOICE_ENERGY: Final = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One utterance: µ-law bytes, padded with 0xFF to whole 160-byte frames."""

    audio: bytes = field(repr=False)
    name: str = ""
    frames: tuple[bytes, ...] = field(init=False, repr=False)
    payloads: tuple[bytes, ...] = field(init=False, repr=False)
    """Base64 of each frame, as it goes into `media.payload`."""
    voice_from_ms: int = field(init=False)
    voice_to_ms: int = field(init=False)
    """First and last voiced frame: silence at the ends is not speech of the caller."""

    def __post_init__(self) -> None:
        if not self.audio:
            raise ValueError(f"expected audio for the clip {self.name!r}, got 0 bytes")
        padded = self.audio + SILENT_FRAME[: -len(self.audio) % FRAME_BYTES]
        frames = tuple(padded[at : at + FRAME_BYTES] for at in range(0, len(padded), FRAME_BYTES))
        voiced = [n for n, frame in enumerate(frames) if mulaw.energy(frame) > _VOICE_ENERGY]
        put = object.__setattr__  # frozen: the derived fields are set once, here
        put(self, "frames", frames)
        put(self, "payloads", tuple(binascii.b2a_base64(f, newline=False) for f in frames))
        put(self, "voice_from_ms", voiced[0] * FRAME_MS if voiced else 0)
        put(self, "voice_to_ms", (voiced[-1] + 1) * FRAME_MS if voiced else self.duration_ms)

    @property
    def duration_ms(self) -> int:
        """Whole frames, padding included."""
        return -(-len(self.audio) // FRAME_BYTES) * FRAME_MS


def read_clip(path: Path) -> Clip:
    """A clip from raw µ-law (`.ulaw`, `.ul`, `.raw`) or from an 8 kHz mono 16-bit WAV.

    Raises `ValueError` naming what the file holds when it is neither, `OSError` when unreadable.
    """
    if path.suffix.lower() != ".wav":
        return Clip(path.read_bytes(), path.stem)
    with wave.open(str(path), "rb") as file:
        shape = (file.getframerate(), file.getnchannels(), file.getsampwidth() * 8)
        if shape != (mulaw.SAMPLE_RATE_HZ, 1, 16):
            raise ValueError(
                f"expected 8000 Hz, 1 channel, 16 bit in {path.name}, got {shape[0]} Hz, "
                f"{shape[1]} channels, {shape[2]} bit; convert it: "
                "sox IN.wav -r 8000 -c 1 -b 16 OUT.wav"
            )
        samples = memoryview(file.readframes(file.getnframes())).cast("h")
    return Clip(mulaw.encode(samples), path.stem)
