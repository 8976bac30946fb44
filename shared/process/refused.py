"""When a process says that Redis refuses its writes, and that it takes them again.

Why it exists: a Redis at the edge of its memory refuses and takes writes many times a second, and nobody
reads a log of that. Owns: one line at the start of an episode, one at its end. Pure. Must not know: why Redis
refuses, what is done about it (shared/store/outbox.py).
"""

from __future__ import annotations

from dataclasses import dataclass

CALM_MS = 3000.0
"""Writes were taken for this long: the episode is over."""


@dataclass(frozen=True, slots=True)
class RefusalBegan:
    """Redis refuses writes."""


@dataclass(frozen=True, slots=True)
class RefusalOver:
    """It takes them again."""

    lasted_ms: float


@dataclass(slots=True)
class RefusalTold:
    """What was told so far. To be asked twice a second."""

    _began_ms: float | None = None
    _refused_ms: float = 0.0
    """When writes were seen to be refused last."""

    def look(self, refused_since_ms: float | None, now_ms: float) -> RefusalBegan | RefusalOver | None:
        """What is to be told now."""
        if refused_since_ms is not None:
            self._refused_ms = now_ms
            if self._began_ms is not None:
                return None
            self._began_ms = refused_since_ms
            return RefusalBegan()
        if self._began_ms is None or now_ms - self._refused_ms < CALM_MS:
            return None
        lasted_ms = self._refused_ms - self._began_ms
        self._began_ms = None
        return RefusalOver(lasted_ms)
