"""How long what is wrong must stand before something is done. Pure.

Why it exists: between two steps of a call everything looks wrong for a moment, and a janitor that was away
himself has seen nothing. Owns: for how long each wrong was seen, in a row, on the observer's awake clock.
Must not know: what is wrong, what is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Wrong(Protocol):
    """Something that is wrong; two looks at the same thing are equal."""

    @property
    def after_s(self) -> float:
        """For how long it must have been seen."""


W = TypeVar("W", bound=Wrong)


@dataclass(slots=True)
class Patience(Generic[W]):
    """Of one lane. Two looks in a row count if they are less than `gap_ms` apart: after a longer time nobody
    knows what was in between, and everything has its whole time again."""

    gap_ms: float
    _since_ms: dict[W, float] = field(default_factory=dict)
    _looked_ms: float | None = None

    def look(self, wrongs: Iterable[W], awake_ms: float) -> list[W]:
        """Those that have stood long enough. Each is told once, and has its whole time again then."""
        if self._looked_ms is None or awake_ms - self._looked_ms > self.gap_ms:
            self._since_ms.clear()
        self._looked_ms = awake_ms
        before, self._since_ms = self._since_ms, {}
        ripe: list[W] = []
        for wrong in wrongs:
            since_ms = before.get(wrong, awake_ms)
            if awake_ms - since_ms >= wrong.after_s * 1000:
                ripe.append(wrong)
                since_ms = awake_ms
            self._since_ms[wrong] = since_ms
        return ripe

    def forget(self) -> None:
        """What was seen before does not count: Redis is another one, or another janitor had the lane."""
        self._looked_ms = None

    @property
    def waiting(self) -> int:
        """How much is seen to be wrong, and not for long enough."""
        return len(self._since_ms)
