"""What of our own sound the carrier has and has not played: the clip, or a part of what fills a silence.

Why it exists: an answer that comes must not wait behind it, and nothing of the answer may be thrown away with
it. Owns: until when it plays, whether silence of an answer stands behind it. Pure; `now_ms` is monotonic.
Must not know: what sounds there are, when one is to be played.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.audio import is_silent


@dataclass(slots=True)
class OurSound:
    """On one media stream."""

    until_ms: float = 0.0
    """When the carrier has played it."""
    clip_until_ms: float = 0.0
    """The same, of the clip alone."""
    _is_behind: bool = False
    """Silence of an answer was given while it played, and plays behind it."""

    def given(self, until_ms: float, *, is_clip: bool) -> None:
        """Some of it was given to the socket."""
        self.until_ms = until_ms
        if is_clip:
            self.clip_until_ms = until_ms

    def gone(self, now_ms: float) -> None:
        """The carrier has forgotten it."""
        self.until_ms, self.clip_until_ms, self._is_behind = 0.0, min(self.clip_until_ms, now_ms), False

    def ends(self, audio: bytes, now_ms: float) -> bool:
        """Whether frames of an answer that come now find it before them, and it is to give way. Silence of an
        answer does not end it: it would leave the caller with nothing."""
        if not self.until_ms:
            return False
        is_playing = now_ms < self.until_ms
        if is_silent(audio):
            self._is_behind = self._is_behind or is_playing
            return False
        is_before = is_playing or self._is_behind
        self.gone(now_ms)
        return is_before
