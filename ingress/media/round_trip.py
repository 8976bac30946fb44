"""How long a message takes to Twilio and back, by the pongs that answer our pings.

Why it exists: a mark that comes back took its time to come, and a clear takes its time to arrive; both
together are one round trip, by which a caller has heard more than the marks alone say. Owns: when a ping is
due, which pong answers it, the middle of the last few. Pure. Must not know: sockets, marks, what follows
from it.

The middle and not the least: the way out and the way back of a message are as often slow as those of a ping.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

PING_EVERY_MS = 2_000.0
"""Two messages of ten bytes: a network changes over seconds."""

FIRST_PINGS_EVERY_MS = 250.0
"""Until there are FEW: the first barge-in may come soon."""

FEW = 3
REMEMBERED = 7

CHANGED_MS = 4.0
"""What is less is no change: a fifth of a frame."""

MOST_MS = 2_000.0
"""A pong later than this says that the socket stood still, not how long the way is."""


@dataclass(slots=True)
class RoundTrip:
    """Of one socket. `now_ms` is monotonic."""

    _asked: int = 0
    """Number of the ping that is under way or was last answered; it is the ping's payload."""
    _asked_at_ms: float | None = None
    """When it left; None: it was answered."""
    _due_ms: float = 0.0
    _last_ms: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _told_ms: float | None = None

    def ping_due(self, now_ms: float) -> bytes | None:
        """The payload of the ping that is to leave now. None: none is. One at a time is under way; one that
        is not answered is given up after MOST_MS."""
        if now_ms < self._due_ms or (self._asked_at_ms is not None and now_ms < self._asked_at_ms + MOST_MS):
            return None
        few = len(self._last_ms) < FEW
        self._due_ms = now_ms + (FIRST_PINGS_EVERY_MS if few else PING_EVERY_MS)
        self._asked += 1
        self._asked_at_ms = now_ms
        return b"%d" % self._asked

    def pong(self, payload: bytes, now_ms: float) -> None:
        """A pong has come; one that answers no ping of ours, or an old one, says nothing."""
        if self._asked_at_ms is None or payload != b"%d" % self._asked:
            return
        took_ms, self._asked_at_ms = now_ms - self._asked_at_ms, None
        if took_ms <= MOST_MS:
            self._last_ms.append(took_ms)

    @property
    def ms(self) -> float | None:
        """There and back; None while no pong has come."""
        return median(self._last_ms) if self._last_ms else None

    def news(self) -> float | None:
        """The same if it has changed since it was last asked for, else None."""
        ms = self.ms
        if ms is None or (self._told_ms is not None and abs(ms - self._told_ms) < CHANGED_MS):
            return None
        self._told_ms = ms
        return ms

    def tell_again(self) -> None:
        """Somebody new asks: it is news to them."""
        self._told_ms = None
