"""How long each worker has been silent, by the clock of whoever looks. Pure.

Why it exists: a beat says the wall time of its host, and a host whose clock is wrong looks dead to a reader
who compares clocks, or alive long after it died. Owns: that a beat which changes between two looks is a
worker that lives, and one that does not change has been silent for as long as we have looked. Must not know:
Redis, when a worker counts as dead: for people that is trouble.py, for what is done about it
shared/ownership/liveness.py, which needs a beat of the observer's own; a screen writes none.

At the first look only the wall clocks can be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BeatSeen:
    """A worker's beat at one look."""

    number: int
    age_ms: int
    """By the wall clocks of its host and of Redis."""


@dataclass(slots=True)
class BeatWatch:
    """What was seen at the last look: one `look` a reading."""

    _numbers: dict[str, int] = field(default_factory=dict)
    _silent_ms: dict[str, int] = field(default_factory=dict)
    _looked_ms: float | None = None
    """When Redis could be read last, monotonic; None: not yet, or not at the last look."""

    def look(self, now_ms: float, beats: Mapping[str, BeatSeen]) -> dict[str, int]:
        """How long each worker has been silent, ms."""
        # Nobody could show a beat while Redis was away: that time says nothing about anybody.
        passed_ms = 0 if self._looked_ms is None else round(now_ms - self._looked_ms)
        silent_ms = {name: self._silence(name, seen, passed_ms) for name, seen in beats.items()}
        self._numbers = {name: seen.number for name, seen in beats.items()}
        self._silent_ms, self._looked_ms = silent_ms, now_ms
        return dict(silent_ms)

    def missed(self) -> None:
        """Redis could not be read."""
        self._looked_ms = None

    # Private.

    def _silence(self, name: str, seen: BeatSeen, passed_ms: int) -> int:
        if name not in self._numbers:
            return seen.age_ms
        if self._numbers[name] != seen.number:
            return min(seen.age_ms, passed_ms)
        return self._silent_ms[name] + passed_ms
