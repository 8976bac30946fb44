"""From entries of the caller's stream to audio for the model: order, gaps, batches.

Why it exists: the model hears what it is sent as if it came without a pause, and frames are repeated, late
and lost on the way. Owns: which frames are sent, and how many go into one append. Pure. Must not know: the
socket, where entries are read.

A frame of an older leg is dropped; a frame that came again (an unknown write that was sent twice) is
dropped; the place of frames that never came is filled with silence, since the server's VAD only sees
audio and would otherwise never hear a pause. Inside an open turn the same is done by the clock when
nothing comes at all; what was filled so is not filled once more when the gap is known by position.
A frame that comes late is never dropped for it: words are worth more than an exact timeline.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from brain.caller.hole import Hole
from brain.counters import BrainCounters
from shared.audio import FRAME_MS, FRAMES_PER_S, SILENCE_FRAME, is_voice
from shared.contract.entry import Fields, written_ms
from shared.contract.errors import EntryError
from shared.contract.streams.caller import read_caller

BATCH_FRAMES = 2
"""Frames in one append, at least, of quiet outside a turn, and of all in a brain whose loop is late: halves
the cost of a message for 20 ms. A voice, and the pause that ends a turn, go frame by frame: the answer waits
for them."""

MAX_PADDED_FRAMES = FRAMES_PER_S
"""A longer gap is not a pause in speech but a seam: silence of a second ends any turn."""

RENUMBERED_FRAMES = 1_500
"""A number that is lower by more than the stream may hold is no frame that came again: whoever numbers them
began another count."""

SLIP_MS = 2.0
"""By so much a read what is known of a leg's beginning is forgotten: a carrier that has a caller on hold
sends nothing and counts nothing."""

CLOCK_AFTER_MS = 500.0
"""Frames may be late by this much inside a turn before silence is sent in their place."""

Entry = tuple[bytes, Fields]
"""(entry id, flat fields), as they are read."""


@dataclass(slots=True)
class CallerAudio:
    """The caller's side of one call."""

    counters: BrainCounters
    leg: int
    hole: Hole
    """Told of each gap, by its length."""
    next_chunk: int = 0
    """Number expected next; 0 = any."""
    last_id: bytes = b""
    """Last entry received, sent or dropped."""
    last_frame_at_ms: float = 0.0
    """When the last frame was received."""
    oldest: tuple[bytes, float] | None = None
    """Entry id and stamp of the oldest frame that is not yet in a batch; silence of ours has none."""
    is_voiced: bool = False
    """Whether a frame that is not yet in a batch may be a voice."""
    _heard_id: bytes = b""
    """Entry of the last frame that was sent, by any session."""
    _heard_chunk: int = 0
    """Its number."""
    _zero_ms: float | None = None
    """When frame 0 of its leg was spoken, at the latest, by the server's clock: frames come late, never
    early. None: nothing was heard yet."""
    _clock_frames: int = 0
    """Padded by the clock since the last frame."""
    _frames: list[bytes] = field(default_factory=list)

    def restart(self) -> None:
        """A new session has heard nothing: what is read again is sent again."""
        self.next_chunk = 0
        self.last_id = b""
        self._clock_frames = 0
        self._frames.clear()
        self.oldest = None
        self.is_voiced = False

    def receive(self, entries: list[Entry], now_ms: float) -> None:
        """Entries as they were read."""
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
                self._begin_leg(written_ms(entry_id), frame.chunk, now_ms)
            if self.next_chunk and frame.chunk != self.next_chunk:
                behind = self.next_chunk - frame.chunk
                if 0 < behind <= RENUMBERED_FRAMES:
                    self.counters.frames_repeated += 1
                    continue
                self._pad(-behind)
                self.hole.seen(-behind * FRAME_MS, now_ms)
                if behind > 0:
                    self._zero_ms = None
            self.next_chunk = frame.chunk + 1
            self.last_frame_at_ms = now_ms
            self._heard_id, self._heard_chunk = entry_id, frame.chunk
            self._clock_frames = 0
            if self.oldest is None:
                self.oldest = (entry_id, frame.t_ms)
            self._frames.append(frame.audio)
            self.is_voiced = self.is_voiced or is_voice(frame.audio)
        if self._heard_id:
            self._learn_zero()

    def batch(self, at_least: int = 1) -> bytes | None:
        """Everything received and not yet sent; None while that is less than so many frames."""
        frames = self._frames
        if not frames or len(frames) < at_least:
            return None
        audio = b"".join(frames)
        self.counters.appends += 1
        self.counters.frames_appended += len(frames)
        frames.clear()
        self.oldest = None
        self.is_voiced = False
        return audio

    def pad_by_clock(self, now_ms: float) -> None:
        """Inside an open turn: silence in the place of frames that are late, up to its bound."""
        late_ms = now_ms - self.last_frame_at_ms
        if not self.last_frame_at_ms or late_ms < CLOCK_AFTER_MS:
            return
        wanted = min(int(late_ms / FRAME_MS), MAX_PADDED_FRAMES) - self._clock_frames
        if wanted > 0:
            self._clock_frames += wanted
            self.counters.frames_padded += wanted
            self._frames.extend([SILENCE_FRAME] * wanted)

    # Private.

    def _begin_leg(self, at_ms: int, chunk: int, now_ms: float) -> None:
        """What nobody heard between two legs, by when their frames were spoken. When they came says less: an
        ingress that stood still and was given up still writes the last ones of its leg when it goes on."""
        if self._zero_ms is not None:
            self.hole.seen(at_ms - self._zero_ms - self._heard_chunk * FRAME_MS, now_ms)
        self._zero_ms = at_ms - chunk * FRAME_MS

    def _learn_zero(self) -> None:
        """Once for what was read together: the frame that was least late says it best."""
        zero_ms = written_ms(self._heard_id) - self._heard_chunk * FRAME_MS
        self._zero_ms = zero_ms if self._zero_ms is None else min(self._zero_ms + SLIP_MS, zero_ms)

    def _pad(self, missing: int) -> None:
        """Silence in the place of missing frames; of a count that was begun again nobody knows how many."""
        padded = max(0, min(missing, MAX_PADDED_FRAMES) - self._clock_frames)
        self.counters.caller_gaps += 1
        self.counters.frames_padded += padded
        self._frames.extend([SILENCE_FRAME] * padded)
