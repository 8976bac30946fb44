"""One outage of Redis, however many connections of a process notice it.

Why it exists: each connection tries again several times a second, and a line for each attempt buries the log.
Owns: when an outage begins and ends. Pure. Must not know: how a connection is opened, how a line is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Outage:
    """From the first connection that fails until the last one works."""

    _failing: set[str] = field(default_factory=set)
    _since_ms: float = 0.0

    def failed(self, who: str, now_ms: float) -> bool:
        """A connection does not work. True if an outage begins with it: that is worth a line."""
        begins = not self._failing
        if begins:
            self._since_ms = now_ms
        self._failing.add(who)
        return begins

    def works(self, who: str, now_ms: float) -> float | None:
        """A connection works. How long the outage was, ms, if it is over with that."""
        if who not in self._failing:
            return None
        self._failing.remove(who)
        return None if self._failing else now_ms - self._since_ms
