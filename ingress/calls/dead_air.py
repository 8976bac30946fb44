"""When a caller hears nothing although somebody should speak: the rule for the hold clip.

Why it exists: each fault behind ingress (no brain, no egress, no Redis, a stuck model) ends in the same
silence, and a silent caller hangs up. Ingress still has the socket. Owns: which silence counts, and from
when. Pure. Must not know: the clip, the socket.

Three silences count: the brain said that an answer is due (`due`) and no frame came; no egress has shown
itself since the stream was attached; Redis is away.
"""

from __future__ import annotations

import enum

DUE_MS = 4_000.0
STORE_AWAY_MS = 3_000.0
APOLOGISE_MS = 12_000.0
"""From the beginning of the silence to giving the call back to Twilio's voice."""

PAUSE_MS = 2_000.0
"""Between two clips."""


class DeadAir:
    """One call's silence."""

    class Step(enum.Enum):
        """What is to be done about it."""

        NOTHING = enum.auto()
        PLAY = enum.auto()
        """Play the clip once."""
        APOLOGISE = enum.auto()

    __slots__ = ("_clip_ms", "_due_at_ms", "_egress_seen", "_next_clip_at_ms", "_since_ms", "is_restless")

    def __init__(self, now_ms: float, clip_ms: float) -> None:
        """`now_ms`: when the stream was attached."""
        self._clip_ms = clip_ms
        self._due_at_ms: float | None = None
        self._egress_seen = False
        self._since_ms = now_ms
        self._next_clip_at_ms = 0.0
        self.is_restless = True
        """Whether a frame must be told to `spoken`: read for each frame, so a plain field."""

    def egress_seen(self) -> None:
        """An egress has spoken within the fence, be it only to attach."""
        self._egress_seen = True

    def answer_due(self, now_ms: float, *, is_due: bool) -> None:
        """The brain says that an answer is due, or is not any more."""
        self._due_at_ms = now_ms if is_due else None
        self.is_restless = True

    def spoken(self, now_ms: float) -> bool:
        """A frame for the caller has come. True if a clip may still be playing: clear it first."""
        was_playing = now_ms < self._next_clip_at_ms - PAUSE_MS
        self._due_at_ms = None
        self._egress_seen = True
        self._next_clip_at_ms = 0.0
        self.is_restless = False
        return was_playing

    def due(self, now_ms: float, store_away_at_ms: float | None) -> Step:
        """To be asked a few times a second. `store_away_at_ms`: since when Redis is away, if it is."""
        since_ms = self._silent_since(now_ms, store_away_at_ms)
        if since_ms is None:
            return DeadAir.Step.NOTHING
        if now_ms - since_ms >= APOLOGISE_MS:
            return DeadAir.Step.APOLOGISE
        if now_ms < self._next_clip_at_ms:
            return DeadAir.Step.NOTHING
        self._next_clip_at_ms = now_ms + self._clip_ms + PAUSE_MS
        self.is_restless = True
        return DeadAir.Step.PLAY

    # Private.

    def _silent_since(self, now_ms: float, store_away_at_ms: float | None) -> float | None:
        """When the longest silence that is long enough to count began."""
        since: list[float] = []
        if self._due_at_ms is not None and now_ms - self._due_at_ms >= DUE_MS:
            since.append(self._due_at_ms)
        if not self._egress_seen and now_ms - self._since_ms >= DUE_MS:
            since.append(self._since_ms)
        if store_away_at_ms is not None and now_ms - store_away_at_ms >= STORE_AWAY_MS:
            since.append(max(store_away_at_ms, self._since_ms))
        return min(since, default=None)
