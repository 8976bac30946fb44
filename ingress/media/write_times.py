"""A socket's window: how long the kernel took to take what was written, and how many frames it never got.

Why it exists: a write that blocks is a host in trouble, and the only sign that unsent bytes do not show.
Owns: the writes since the window was last taken. Pure. Must not know: sockets.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

KEPT = 512
"""Three seconds of audio and marks, three times over even in single frames; of more the last ones count."""


@dataclass(frozen=True, slots=True)
class WriteWindow:
    """What became of a window's writes. Without a write the p99 is 0."""

    write_p99_ms: float
    overflowed: int
    """Frames that were dropped because too much was unsent."""


class WriteTimes:
    """A ring of durations, and a count."""

    __slots__ = ("_noted", "_overflowed", "_times_ms")

    def __init__(self) -> None:
        self._times_ms = array("f", bytes(4 * KEPT))
        self._noted = 0
        self._overflowed = 0

    def note(self, duration_ms: float) -> None:
        """One write."""
        self._times_ms[self._noted % KEPT] = duration_ms
        self._noted += 1

    def overflow(self, frames: int) -> None:
        """So many frames were dropped because too much is unsent."""
        self._overflowed += frames

    def take_window(self) -> WriteWindow:
        """The window's figures; the next window begins."""
        count = min(self._noted, KEPT)
        slowest = sorted(self._times_ms[:count])
        p99_ms = slowest[-(count // 100) - 1] if slowest else 0.0
        window = WriteWindow(round(p99_ms, 3), self._overflowed)
        self._noted = self._overflowed = 0
        return window
