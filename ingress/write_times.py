"""How long the kernel took to take a socket's last frames.

Why it exists: a write that blocks is a host in trouble, and the only sign that unsent bytes do not show.
Owns: the last five seconds of writes. Pure. Must not know: sockets.
"""

from __future__ import annotations

from array import array

KEPT = 256
"""Five seconds of frames."""


class WriteTimes:
    """A ring of durations."""

    __slots__ = ("_at", "_times_ms")

    def __init__(self) -> None:
        self._times_ms = array("f", bytes(4 * KEPT))
        self._at = 0

    def note(self, duration_ms: float) -> None:
        """One write."""
        self._times_ms[self._at] = duration_ms
        self._at = (self._at + 1) % KEPT

    @property
    def p99_ms(self) -> float:
        """Of the last writes; those that were never made count as 0."""
        return round(sorted(self._times_ms)[int(KEPT * 0.99)], 3)
