"""When the calls of a process that ends are moved: each at a quiet moment, one after the other.

Why it exists: a stream that is closed comes back in another process after most of a second. In the middle of
a word that is heard, in a pause hardly; and all calls of a process at once are a herd of webhooks and starts.
Owns: how long a quiet moment is waited for, the pace. Pure. Must not know: what makes a moment quiet, how a
stream is closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

QUIET_WITHIN_MS = 5_000.0
"""So long each call is waited for. Then the others are moved in the middle of whatever is said."""

SPACING_MS = 60.0
"""Between two calls: a webhook, a handshake and an attachment of each are work for a sibling that has calls
of its own. At 25 ms some of 50 calls were silent for 2.1 s in `make prove-roll`."""

SPREAD_MS = 3_000.0
"""Over which all are spread, however many they are."""

T = TypeVar("T")


@dataclass(slots=True)
class Departures:
    """The calls of one process, from the end of its drain on. `calls`: how many there are then."""

    calls: int
    began_ms: float
    _next_at_ms: float = field(init=False)

    def __post_init__(self) -> None:
        self._next_at_ms = self.began_ms

    @property
    def spacing_ms(self) -> float:
        """Between two of them."""
        return min(SPACING_MS, SPREAD_MS / max(1, self.calls))

    def choose(self, candidates: Iterable[tuple[T, bool]], now_ms: float) -> list[T]:
        """Which of those that are still here go now; each comes with whether it is quiet at this moment."""
        is_late = now_ms >= self.began_ms + QUIET_WITHIN_MS
        ready = [each for each, is_quiet in candidates if is_quiet or is_late]
        chosen: list[T] = []
        for each in ready:
            if self._next_at_ms > now_ms:
                break
            chosen.append(each)
            self._next_at_ms += self.spacing_ms
        # What nobody was quiet for is not made up for: that would be a herd.
        self._next_at_ms = max(self._next_at_ms, now_ms)
        return chosen
