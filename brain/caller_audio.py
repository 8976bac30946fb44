"""From entries of the caller's stream to appends: order, gaps, batches.

Owns: which frames are sent, and how many go into one message. Pure. Must not know: Redis, the socket.

A frame of an older leg is dropped; a frame that came again (an unknown write that was sent twice) is
dropped; the place of frames that never came is filled with silence, since the server's VAD only sees
audio and would otherwise never hear a pause, up to a bound.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field

from brain.counters import BrainCounters
from brain.translate import APPEND_HEAD, APPEND_TAIL
from shared.audio import FRAMES_PER_S, SILENCE_FRAME
from shared.entries import EntryError, read_caller
from shared.inbox import Entry

BATCH_FRAMES = 2
"""Frames in one append, at least: halves the cost of a message for 20 ms, which no VAD notices."""

MAX_PADDED_FRAMES = FRAMES_PER_S
"""A longer gap is not a pause in speech but a seam: silence of a second ends any turn."""


@dataclass(slots=True)
class CallerAudio:
    """The caller's side of one call."""

    counters: BrainCounters
    leg: int
    next_chunk: int = 0
    """Twilio chunk expected next; 0 = any."""
    gap_frames: int = 0
    """Frames missed in all."""
    last_id: bytes = b""
    """Last entry taken, sent or dropped."""
    _frames: list[bytes] = field(default_factory=list)

    def take(self, entries: list[Entry]) -> None:
        """Takes a batch as it was read."""
        for entry_id, fields in entries:
            self.last_id = entry_id
            try:
                frame = read_caller(fields)
            except EntryError:
                self.counters.caller_entries_bad += 1
                continue
            if frame.leg != self.leg:
                if frame.leg < self.leg:
                    self.counters.frames_old_leg += 1
                    continue
                self.leg = frame.leg
                self.next_chunk = 0
            if self.next_chunk and frame.chunk != self.next_chunk:
                if frame.chunk < self.next_chunk:
                    self.counters.frames_repeated += 1
                    continue
                self._pad(frame.chunk - self.next_chunk)
            self.next_chunk = frame.chunk + 1
            self._frames.append(frame.audio)

    def append_text(self, *, all_of_it: bool = False) -> str | None:
        """One append of everything taken and not yet sent; None while there is less than a batch."""
        frames = self._frames
        if not frames or (len(frames) < BATCH_FRAMES and not all_of_it):
            return None
        audio = b64encode(b"".join(frames)).decode("ascii")
        self.counters.appends += 1
        self.counters.frames_appended += len(frames)
        frames.clear()
        return f"{APPEND_HEAD}{audio}{APPEND_TAIL}"

    def _pad(self, missing: int) -> None:
        self.gap_frames += missing
        padded = min(missing, MAX_PADDED_FRAMES)
        self.counters.caller_gaps += 1
        self.counters.frames_padded += padded
        self._frames.extend([SILENCE_FRAME] * padded)
