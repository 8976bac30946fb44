"""How far a session's server is proven to have received the caller: the last entry that may be forgotten.

Why it exists: a socket can be half open. What is written to it is gone then, and nobody says so for seconds;
the caller's words among it must be said again to the next session, so they must not be forgotten before a
sign of life has shown that they arrived. Owns: which sign proves what. Pure. Must not know: the socket, where
the caller's stream is.

- A pong proves all that was written before its ping: both travel in order.
- An event proves what was written `EVENT_PROVES_MS` before it came: what is younger may not have been read
  when it was sent. While a ping is unanswered for as long, events prove nothing: they still come, but our own
  words may not get through.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

EVENT_PROVES_MS = 1_000.0
"""Longer than a way there and back, and than the server takes to read what it has."""

STEP_MS = 100.0
"""Appends are remembered at this interval: more would be exact to no purpose."""

MAX_REMEMBERED = 256
"""25 s of appends; pings find a dead socket long before. The oldest give way, and then prove nothing."""


@dataclass(frozen=True, slots=True)
class Written:
    """What had been written at one moment: audio up to this entry."""

    at_ms: float
    entry_id: bytes


@dataclass(slots=True)
class Proof:
    """The proof of one session. `now_ms` is monotonic."""

    proven_id: bytes = b""
    """The last caller entry that the server has, for sure."""
    _unproven: deque[Written] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))
    _last_id: bytes = b""
    _pinged_at_ms: float | None = None
    """When the ping was written that is unanswered."""

    def appended(self, entry_id: bytes, now_ms: float) -> None:
        """Audio up to this entry was written to the socket."""
        self._last_id = entry_id
        if not self._unproven or now_ms - self._unproven[-1].at_ms >= STEP_MS:
            self._unproven.append(Written(now_ms, entry_id))

    def pinged(self, now_ms: float) -> Written:
        """A ping was written; returns what its pong will prove."""
        self._pinged_at_ms = now_ms
        return Written(now_ms, self._last_id)

    def ponged(self, before: Written) -> None:
        """The pong came; `before`: what `pinged` returned."""
        self._pinged_at_ms = None
        self._forget(before.at_ms)
        self.proven_id = before.entry_id

    def event(self, now_ms: float) -> None:
        """An event came."""
        if not self._unproven:
            return
        is_late = self._pinged_at_ms is not None and now_ms - self._pinged_at_ms > EVENT_PROVES_MS
        if not is_late:
            self._forget(now_ms - EVENT_PROVES_MS)

    # Private.

    def _forget(self, until_ms: float) -> None:
        unproven = self._unproven
        while unproven and unproven[0].at_ms <= until_ms:
            self.proven_id = unproven.popleft().entry_id
