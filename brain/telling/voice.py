"""When the caller's voice was, by the audio and not by the news of it. Pure.

Why it exists: the model's detector says that a voice began when it is sure, and that it ended when it has
been silent for half a second; a picture of a call, and the time that a caller waited, are wrong by as much.
Owns: the times of one call's voice. Must not know: how the server counts (brain/model/realtime/usage.py),
who is told.

The server's positions include what its detector puts before a voice and waits behind it: they are taken off
where the detector is one by silence. What one by meaning waits is not known.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A voice from its beginning to its end; wall time."""

    item_id: str
    from_ms: int
    to_ms: int


@dataclass(slots=True)
class VoiceBand:
    """The voice of one caller. `before_ms`, `behind_ms`: what the detector adds."""

    before_ms: float = 0.0
    behind_ms: float = 0.0
    _item_id: str = ""
    _from_ms: int | None = None

    def began(self, item_id: str, now_wall_ms: int, ago_ms: float) -> None:
        """It began so long ago, by the server's count."""
        self._item_id = item_id
        self._from_ms = min(now_wall_ms, round(now_wall_ms - ago_ms + self.before_ms))

    def ended(self, item_id: str, now_wall_ms: int, ago_ms: float) -> Spoken | None:
        """It ended so long ago; None: nobody knows when it began, as of a session that was left meanwhile."""
        from_ms, self._from_ms = self._from_ms, None
        if from_ms is None:
            return None
        to_ms = round(now_wall_ms - ago_ms - self.behind_ms)
        return Spoken(item_id=item_id or self._item_id, from_ms=from_ms, to_ms=max(from_ms, to_ms))
