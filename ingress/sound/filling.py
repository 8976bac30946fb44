"""The user's own sound while the caller waits: again and again from where it stopped, until something is
said.

Why it exists: a tool that works in silence sounds like a dead line. It is no answer, so that it pays nothing;
it is given to the carrier in short pieces, so that little of it has to be taken back when the answer comes.

Owns: which sound is wanted, from when on, the place in it. Pure; `now_ms` is monotonic. Must not know: why it
is wanted (a brain says so), whether anything else is heard (it is asked where nothing is), the socket.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.audio import FRAME_BYTES, FRAME_MS

AHEAD_MS = 600.0
"""So much of it the carrier has at most. It is looked after four times a second."""

WORD_WITHIN_MS = 3_000.0
"""A brain that wants it says so every second; one that is gone wants nothing."""


@dataclass(slots=True)
class Filling:
    """Of one call. A new sound begins at its beginning."""

    sound_id: str = ""
    """What is wanted; empty: nothing."""
    _from_ms: float = 0.0
    _word_at_ms: float = 0.0
    _place: int = 0
    """What was given of this sound so far, in bytes, all its rounds together."""
    _until_ms: float = 0.0
    """When the carrier has played that."""

    def word(self, sound_id: str, after_ms: int, now_ms: float) -> None:
        """The brain: this sound is to be heard from `after_ms` on, counted from when it first said so."""
        self._word_at_ms = now_ms
        if sound_id != self.sound_id:
            self.sound_id, self._from_ms, self._place = sound_id, now_ms + after_ms, 0

    def wants(self, now_ms: float) -> bool:
        """Whether some of it is to be given now, if nothing else is heard."""
        is_wanted = bool(self.sound_id) and now_ms - self._word_at_ms <= WORD_WITHIN_MS
        return is_wanted and now_ms >= self._from_ms and now_ms + AHEAD_MS >= self._until_ms + FRAME_MS

    def take(self, sound: bytes, now_ms: float) -> tuple[bytes, float]:
        """The next piece of `sound`, which has whole frames and one at least; and when the carrier will have
        played that."""
        begins_ms = max(now_ms, self._until_ms)
        frames = int((now_ms + AHEAD_MS - begins_ms) // FRAME_MS)
        place, size = self._place % len(sound), frames * FRAME_BYTES
        piece = sound[place : place + size]
        while len(piece) < size:
            piece += sound[: size - len(piece)]
        self._place += size
        self._until_ms = begins_ms + frames * FRAME_MS
        return piece, self._until_ms

    def gone(self, now_ms: float) -> None:
        """The carrier has forgotten what it had not played: it is given again."""
        unplayed_ms = max(0.0, self._until_ms - now_ms)
        # Not below 0: before this sound another may stand there, which had not played to its end.
        self._place = max(0, self._place - int(unplayed_ms // FRAME_MS) * FRAME_BYTES)
        self._until_ms = min(self._until_ms, now_ms)
