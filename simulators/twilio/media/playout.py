"""Twilio's playout buffer for one call: a queue of audio and marks, played by the wall clock.

Why it exists: what the caller hears, when a mark comes back and what a `clear` throws away all follow from
this queue. Owns: the queue and the record of what was played. Pure: every verb is told `now_ms`. Must not
know: sockets, JSON or timers; whoever drives it asks `next_mark_at_ms`.

Rules (Twilio, Media Streams messages): one order for audio and marks; 8 bytes are 1 ms; a mark that reaches
the head of the queue comes back, at once if nothing is ahead of it; `clear` empties the queue and returns the
waiting marks in order; beyond 10 minutes media is discarded (31931).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal

from simulators.mulaw import BYTES_PER_MS

CAPACITY_BYTES: Final = 10 * 60 * 1000 * BYTES_PER_MS
"""10 minutes of audio: what Twilio queues before it discards."""

REPLY_JOIN_MS: Final = 400.0
"""Silence shorter than this inside the bridge's speech is a gap in one reply, not a new reply."""

PlaybackEnd = Literal["playing", "dry", "cleared", "stream_ended"]


@dataclass(slots=True)
class Playback:
    """One unbroken stretch of sound that the caller heard."""

    started_at_ms: float
    ended_at_ms: float
    end: PlaybackEnd = "playing"
    bytes: int = 0
    audio: bytearray = field(default_factory=bytearray, repr=False)
    """Empty when the playout was told not to keep audio."""


@dataclass(slots=True)
class Playout:
    """The queue of one call. Times are one monotonic clock's milliseconds and never go back."""

    keep_audio: bool = True
    capacity_bytes: int = CAPACITY_BYTES
    playbacks: list[Playback] = field(default_factory=list)
    reply_number: int = 0
    """Replies begun so far: stretches of playing with more than REPLY_JOIN_MS of quiet between."""
    discarded_bytes: int = 0
    played_bytes: int = 0
    quiet_since_ms: float = 0.0
    _queue: deque[bytes | str] = field(default_factory=deque)
    _queued_bytes: int = 0
    _head_at_ms: float = 0.0
    _due_marks: list[str] = field(default_factory=list)
    _reply_from_bytes: int = 0

    @property
    def playing(self) -> bool:
        """Whether audio is queued, as of the last verb."""
        return self._queued_bytes > 0

    def reply_played_ms(self, now_ms: float) -> float:
        """How much of the current (or else the last) reply has been played."""
        whole_ms = (self.played_bytes - self._reply_from_bytes) / BYTES_PER_MS
        return whole_ms + self._head_played_ms(now_ms)

    def push_audio(self, payload: bytes, now_ms: float) -> bool:
        """Queues audio; False when the buffer is full and the payload was discarded."""
        self.advance(now_ms)
        if self._queued_bytes + len(payload) > self.capacity_bytes:
            self.discarded_bytes += len(payload)
            return False
        if not payload:
            return True
        if not self._queued_bytes:
            self._begin_playback(now_ms)
        self._queue.append(payload)
        self._queued_bytes += len(payload)
        return True

    def push_mark(self, name: str, now_ms: float) -> None:
        """Queues a mark; with nothing ahead of it, it is due now."""
        self.advance(now_ms)
        if self._queue:
            self._queue.append(name)
        else:
            self._due_marks.append(name)

    def clear(self, now_ms: float) -> tuple[float, list[str]]:
        """Drops what is queued: (ms of audio dropped, waiting marks in their order)."""
        return self._empty(now_ms, "cleared")

    def end_stream(self, now_ms: float) -> tuple[float, list[str]]:
        """The media stream is gone: (ms of audio dropped, marks that will never come back)."""
        return self._empty(now_ms, "stream_ended")

    def advance(self, now_ms: float) -> None:
        """Plays up to `now_ms`: finished audio is recorded, marks reached become due."""
        queue = self._queue
        while queue:
            head = queue[0]
            if isinstance(head, str):
                self._due_marks.append(head)
            else:
                ends_at_ms = self._head_at_ms + len(head) / BYTES_PER_MS
                if ends_at_ms > now_ms:
                    return
                self._record_played(head)
                self._head_at_ms = ends_at_ms
                self._queued_bytes -= len(head)
                if not self._queued_bytes:
                    self._end_playback(ends_at_ms, "dry")
            queue.popleft()

    def take_due_marks(self) -> list[str]:
        """Marks to echo now, in order; each is returned once."""
        due, self._due_marks = self._due_marks, []
        return due

    def next_mark_at_ms(self) -> float | None:
        """When the first waiting mark will be reached, if nothing clears it."""
        at_ms = self._head_at_ms
        for entry in self._queue:
            if isinstance(entry, str):
                return at_ms
            at_ms += len(entry) / BYTES_PER_MS
        return None

    # Private.

    def _head_played_ms(self, now_ms: float) -> float:
        return max(0.0, now_ms - self._head_at_ms) if self._queued_bytes else 0.0

    def _begin_playback(self, now_ms: float) -> None:
        if not self.playbacks or now_ms - self.quiet_since_ms > REPLY_JOIN_MS:
            self.reply_number += 1
            self._reply_from_bytes = self.played_bytes
        self._head_at_ms = now_ms
        self.playbacks.append(Playback(started_at_ms=now_ms, ended_at_ms=now_ms))

    def _record_played(self, audio: bytes) -> None:
        playback = self.playbacks[-1]
        playback.bytes += len(audio)
        self.played_bytes += len(audio)
        if self.keep_audio:
            playback.audio += audio

    def _end_playback(self, at_ms: float, end: PlaybackEnd) -> None:
        playback = self.playbacks[-1]
        playback.ended_at_ms, playback.end = at_ms, end
        self.quiet_since_ms = at_ms

    def _empty(self, now_ms: float, end: PlaybackEnd) -> tuple[float, list[str]]:
        self.advance(now_ms)
        waiting = [entry for entry in self._queue if isinstance(entry, str)]
        dropped_bytes = self._queued_bytes
        if self._queued_bytes:
            head = self._queue[0]
            if isinstance(head, bytes):  # a mark never stands first once the queue has advanced
                partly = head[: int(self._head_played_ms(now_ms) * BYTES_PER_MS)]
                self._record_played(partly)
                dropped_bytes -= len(partly)
            self._end_playback(now_ms, end)
        self._queue.clear()
        self._queued_bytes = 0
        return dropped_bytes / BYTES_PER_MS, waiting
