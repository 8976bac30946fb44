"""Of many refusals for one reason, which get a line in the log: the first, and one when it is over. Pure.

Why it exists: a process that refuses two hundred calls a second would fill its log with them, and what an
operator wants to know is since when, why, and how many. Owns: when an episode begins and ends. Must not know:
why a call is refused, how a line is written. Each refusal is counted all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

QUIET_MS: Final = 10_000.0
"""Without a refusal for so long, an episode is over."""


@dataclass(frozen=True, slots=True)
class EpisodeOver:
    """An episode that is over."""

    reason: str
    refused: int
    lasted_ms: float
    """From its first refusal to its last."""


@dataclass(slots=True)
class _Episode:
    began_ms: float
    last_ms: float
    refused: int = 1


@dataclass(slots=True)
class RefusedCalls:
    """Of one process."""

    _open: dict[str, _Episode] = field(default_factory=dict)

    def refused(self, reason: str, now_ms: float) -> bool:
        """A call was refused. Whether that begins an episode."""
        episode = self._open.get(reason)
        if episode is None:
            self._open[reason] = _Episode(now_ms, now_ms)
            return True
        episode.last_ms = now_ms
        episode.refused += 1
        return False

    def over(self, now_ms: float) -> list[EpisodeOver]:
        """Those that are over by now; each is told once."""
        found = []
        for reason, episode in list(self._open.items()):
            if now_ms - episode.last_ms >= QUIET_MS:
                del self._open[reason]
                found.append(EpisodeOver(reason, episode.refused, episode.last_ms - episode.began_ms))
        return found
