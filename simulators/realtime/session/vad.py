"""Server voice activity detection that counts bytes, not time.

Why it exists: positions are milliseconds of audio written to the buffer, so that a client that stops
appending stops the detector too, exactly as with the real service. Owns: the decision where speech begins and
ends in the audio that was appended. Pure. Must not know: a clock. Energy decides here; the real detector is a
model, so only offsets, windows and order of its events are faithful.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from simulators.realtime.protocol.formats import AudioFormat

BLOCK_MS: Final = 20
ONSET_MS: Final = 60
"""Loud audio needed before speech counts as begun: recorded sessions report it 40–140 ms late."""
LEVEL_PER_THRESHOLD: Final = 0.02
"""Mean magnitude that threshold 1.0 asks for: half of it, the default, passes speech at -34 dBFS and stays
above the comfort noise of a telephone line."""
RELEASE_RATIO: Final = 0.6
"""Inside speech a quieter block still counts, so that weak syllables do not end a turn."""


class Edge(Enum):
    """What a piece of appended audio brought."""

    STARTED = "started"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class VadSettings:
    """Effective `turn_detection` settings as the detector needs them."""

    threshold: float
    prefix_padding_ms: int
    silence_duration_ms: int


@dataclass(frozen=True, slots=True)
class VadEvent:
    """An edge and its offset, in ms of audio since the session began.

    STARTED: the padding before the speech is already included (`audio_start_ms`). STOPPED: the silence window
    is included (`audio_end_ms`).
    """

    edge: Edge
    at_ms: int


class Vad:
    """Is fed every appended byte and answers with edges, whatever the split of the bytes."""

    __slots__ = (
        "_block_bytes",
        "_format",
        "_level",
        "_loud_ms",
        "_quiet_ms",
        "_rest",
        "_settings",
        "position_ms",
        "speaking",
    )

    def __init__(self, settings: VadSettings, audio_format: AudioFormat, position_ms: int = 0) -> None:
        self._settings = settings
        self._format = audio_format
        self._level = settings.threshold * LEVEL_PER_THRESHOLD
        self._block_bytes = audio_format.bytes_per_ms * BLOCK_MS
        self._rest = b""
        self._loud_ms = 0
        self._quiet_ms = 0
        self.position_ms = position_ms
        """Audio judged so far, in whole blocks."""
        self.speaking = False

    def feed(self, audio: bytes) -> list[VadEvent]:
        """Judges `audio` in blocks of 20 ms; an incomplete block waits for the next call."""
        if self._rest:
            audio = self._rest + audio
        size = self._block_bytes
        if len(audio) == size:  # the usual append: one telephone frame
            self._rest = b""
            event = self._judge(audio)
            return [event] if event is not None else []
        whole = len(audio) // size * size
        self._rest = audio[whole:]
        found = [self._judge(audio[start : start + size]) for start in range(0, whole, size)]
        return [event for event in found if event is not None]

    def reset(self) -> None:
        """Forgets speech in progress (the buffer was committed or cleared); keeps the position."""
        self.speaking = False
        self._loud_ms = 0
        self._quiet_ms = 0

    def _judge(self, block: bytes) -> VadEvent | None:
        energy = self._format.energy(block)
        self.position_ms += BLOCK_MS
        if self.speaking:
            self._quiet_ms = 0 if energy > self._level * RELEASE_RATIO else self._quiet_ms + BLOCK_MS
            if self._quiet_ms < self._settings.silence_duration_ms:
                return None
            self.reset()
            return VadEvent(Edge.STOPPED, self.position_ms)
        self._loud_ms = self._loud_ms + BLOCK_MS if energy > self._level else 0
        if self._loud_ms < ONSET_MS:
            return None
        onset_at_ms = self.position_ms - self._loud_ms
        self.speaking = True
        self._quiet_ms = 0
        return VadEvent(Edge.STARTED, max(0, onset_at_ms - self._settings.prefix_padding_ms))
