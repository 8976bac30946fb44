"""The frames of a caller who has been quiet for a while, gathered: several in one entry.

Why it exists: an entry costs as much in Redis, in the brain and in a message to the model whatever is in it,
and for most of a call the caller listens. Owns: which frames may wait for the next one, for how long. Pure.
Must not know: how an entry is written, what the brain makes of it.

A frame waits where nobody waits for it: there is no voice in it, and was none for QUIET_AFTER_MS, so that the
pause which ends a turn is told frame by frame. The first frame that may be a voice takes those before it
along, at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.audio import FRAME_BYTES, FRAME_MS, is_voice
from shared.contract.streams.caller import GATHERED_FRAMES, CallerFrame

QUIET_AFTER_MS = 1_000.0
"""After the last voice. Half a second of silence ends a turn, unless somebody has set another time."""

WAITS_MOST_MS = GATHERED_FRAMES * FRAME_MS * 2.0
"""Where the carrier sends no more, what waits goes after this time."""

WORD_WITHIN_MS = 2_000.0
"""A brain says once a second what it reads."""

_NEVER = float("-inf")


@dataclass(slots=True)
class QuietFrames:
    """Those of one call that wait."""

    _word_at_ms: float = _NEVER
    """When a brain last said that it reads them gathered."""
    _voice_ms: float = _NEVER
    _is_due: bool = False
    _leg: int = 0
    _chunk: int = 0
    """Number of the first one."""
    _since_ms: float = 0.0
    _frames: list[bytes] = field(default_factory=list)

    def word(self, takes_gathered: bool, now_ms: float) -> None:
        """The brain: whether it reads several frames in one entry."""
        self._word_at_ms = now_ms if takes_gathered else _NEVER

    def waits(self, leg: int, chunk: int, now_ms: float, audio: bytes) -> bool:
        """20 ms of the caller. True: it waits, with those before it, until they are due. False: it does not;
        those that wait go before it."""
        is_voiced = is_voice(audio)
        if is_voiced:
            self._voice_ms = now_ms
        frames = self._frames
        if not frames:
            is_awaited = now_ms - self._voice_ms <= QUIET_AFTER_MS
            if is_awaited or now_ms - self._word_at_ms > WORD_WITHIN_MS or len(audio) != FRAME_BYTES:
                return False
            self._leg, self._chunk, self._since_ms = leg, chunk, now_ms
        elif leg != self._leg or chunk != self._chunk + len(frames) or len(audio) != FRAME_BYTES:
            return False
        frames.append(audio)
        self._is_due = is_voiced or len(frames) >= GATHERED_FRAMES
        return True

    def is_due(self, now_ms: float) -> bool:
        """Whether those that wait are to go now: the last one is awaited, they are many, or the next one
        should have come long ago."""
        return bool(self._frames) and (self._is_due or now_ms - self._since_ms > WAITS_MOST_MS)

    def take(self, now_ms: float) -> CallerFrame | None:
        """Those that wait; None: none does."""
        frames = self._frames
        if not frames:
            return None
        taken = CallerFrame(self._leg, self._chunk, now_ms, b"".join(frames), len(frames))
        frames.clear()
        self._is_due = False
        return taken
