"""What echoes are worth after playback was stopped: Twilio has forgotten what it had, and gets it again.

Why it exists: Twilio sends back the marks of what it forgets as if they had been played. They are of the
present leg and cut, and have the names of those that are sent with the same audio again. So a mark of its own
goes behind the stop: what comes back before it may be of either, what comes after it was played.

Owns: that mark, and how far each item had been sent by then. Pure. Must not know: when playback is stopped
(egress/pacing/standstill.py), what an echo proves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from egress.heard.accounts import PlayedItem
from egress.heard.marks import MARK_DEADLINE_MS, mark_name

STOP = "=stop"
"""Stands in the mark's name in place of an item."""


@dataclass(slots=True)
class Stops:
    """Of one call: the last one."""

    _mark: str = ""
    _until_ms: float = 0.0
    """Carriers lose echoes: then nothing of what was forgotten comes back any more."""
    _sent_ms: dict[str, int] = field(default_factory=dict)
    """By item: up to there an echo may be of what was forgotten."""

    def begin(self, leg: int, cut: int, items: Iterable[PlayedItem], now_ms: float) -> str:
        """Playback is stopped now. Returns the name of the mark that goes behind that."""
        self._mark = mark_name(leg, cut, STOP, round(now_ms))
        self._until_ms = now_ms + MARK_DEADLINE_MS
        self._sent_ms = {item.item_id: item.sent_ms for item in items}
        return self._mark

    def echoed(self, name: str) -> None:
        """A mark came back. If it is that one, whatever comes now was played."""
        if name == self._mark:
            self.forget()

    def voids(self, item: PlayedItem, ms: int, now_ms: float) -> bool:
        """Whether an echo of this place may be of what was forgotten."""
        return now_ms < self._until_ms and ms <= self._sent_ms.get(item.item_id, -1)

    def forget(self) -> None:
        """What was sent before has another leg or cut than what is sent from now on."""
        self._mark, self._until_ms = "", 0.0
        self._sent_ms.clear()
