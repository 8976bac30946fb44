"""The caller's open turn, and how far the caller's stream may be forgotten.

Why it exists: a new brain must be able to say again to its new session what the caller had said and the
model had not yet answered. Outside a turn, what was appended is done with and trimmed; inside one it is
moved to `turn`, and goes when the turn's text is in history.

Owns: when a turn is open, and whether it may be cut. Pure. The driver does the writing that it names. Must
not know: Redis, the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SETTLE_WITHIN_MS = 10_000.0
"""A transcript that did not come within this of the turn's end is not waited for."""


@dataclass(frozen=True, slots=True)
class Trim:
    """Forget caller audio up to and including this entry."""

    last_id: str


@dataclass(frozen=True, slots=True)
class MoveTurn:
    """Move caller audio up to and including this entry (empty: none yet) into the open turn."""

    last_id: str


@dataclass(frozen=True, slots=True)
class CloseTurn:
    """The turn is in history."""


Upkeep = Trim | MoveTurn | CloseTurn


@dataclass(slots=True)
class Turns:
    """The turns of one call. `transcribed`: a transcript will come for each item."""

    transcribed: bool
    speaking: bool = False
    _unsettled: dict[str, float] = field(default_factory=dict)
    """Items of the open turn without their text in history → when that is no longer waited for."""
    _kept_id: str = ""
    _is_open: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the caller said something that is not yet in history."""
        return self._is_open

    def may_be_cut(self, now_ms: float, force_at_ms: float) -> bool:
        """Whether the session may be replaced now. A turn whose text is still under way would be said twice,
        to the old session and, out of `turn`, to the new one. From `force_at_ms` on that is the lesser
        evil."""
        return not self._is_open or now_ms >= force_at_ms

    def speech_started(self, item_id: str, appended_id: str) -> list[Upkeep]:
        """A turn opens, or goes on; what was appended and not yet trimmed holds its first sounds."""
        self.speaking = True
        self._unsettled[item_id] = float("inf")
        self._is_open = True
        self._kept_id = appended_id
        return [MoveTurn(appended_id)]

    def speech_stopped(self, now_ms: float) -> None:
        """The caller is silent; the text of what they said may come."""
        self.speaking = False
        for unsettled in self._unsettled:
            self._unsettled[unsettled] = min(self._unsettled[unsettled], now_ms + SETTLE_WITHIN_MS)

    def committed(self, item_id: str) -> None:
        """The turn is an item; without transcription there is nothing more to wait for."""
        if not self.transcribed:
            self.settled(item_id)

    def settled(self, item_id: str) -> None:
        """The text of an item is in history, or will never be."""
        self._unsettled.pop(item_id, None)

    def session_lost(self, now_ms: float) -> bool:
        """The session is gone, its items with it. True: the open turn is to be said to the next one.

        What it heard of that turn it reports under an id of its own; the old ids are waited for no longer
        than a transcript would be.
        """
        self.speech_stopped(now_ms)
        return self._is_open

    def upkeep(self, appended_id: str, now_ms: float) -> list[Upkeep]:
        """What to do twice a second."""
        for item_id, deadline_ms in list(self._unsettled.items()):
            if deadline_ms <= now_ms:
                del self._unsettled[item_id]
        done: list[Upkeep] = []
        if self._is_open and not self.speaking and not self._unsettled:
            self._is_open = False
            done.append(CloseTurn())
        if appended_id and appended_id != self._kept_id:
            self._kept_id = appended_id
            done.append(MoveTurn(appended_id) if self._is_open else Trim(appended_id))
        return done
