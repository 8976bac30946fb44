"""The caller's open turn, and what of their voice a next session must be told.

Why it exists: a session may go at any moment, and with it what the caller said that it had not answered, and
what it may not have received at all. Of what the model got, `turn` keeps an open turn whole and else the last
moments; what is older is forgotten.

Owns: when a turn is open, where in the caller's voice it begins, whether it may be cut. Pure. Positions are
ms of the server's clock, as in the ids of entries. Must not know: Redis, the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.contract.streams.caller import TURN_MOST_MS

SETTLE_WITHIN_MS = 20_000.0
"""A turn that was neither answered nor transcribed within this of its end is not waited for: longer than
whoever is owed an answer waits for the apology."""

KEPT_BEFORE_PROOF_MS = 2_000
"""Of what the model certainly received this much is kept: the server tells of speech 300 ms and its own delay
after the first sound of it."""

KEPT_BEFORE_STOP_MS = 300
"""The server tells of a turn's end after half a second of silence, and meanwhile the next one may have
begun: this much of what was received by then belongs to the next turn."""


@dataclass(slots=True)
class Turns:
    """The turns of one call. A turn is over when its text is in history or when its answer has sound,
    whichever comes first: then the next session is told of it, or need not answer it."""

    speaking: bool = False
    _unsettled: dict[str, float] = field(default_factory=dict)
    """Items of the open turn, neither answered nor in history → when that is no longer waited for."""
    _speaking_item: str = ""
    _is_open: bool = False
    """The caller said something that the next session must hear."""
    _stopped_ms: int = 0
    """The position at which the server told of the last pause."""
    _keep_ms: int = 0
    """What lies before it is forgotten; it never goes back."""

    def is_waiting(self, item_id: str) -> bool:
        """Whether an item is part of the open turn, neither answered nor in history as text."""
        return item_id in self._unsettled

    def inherit(self, item_ids: Iterable[str], now_ms: float) -> None:
        """Another brain had the call. `item_ids`: what the caller has said that was neither answered nor
        written down; their sound is in `turn`, and is said again."""
        self._unsettled = dict.fromkeys(item_ids, now_ms + SETTLE_WITHIN_MS)
        self._is_open = bool(self._unsettled)

    def told(self, position_ms: int) -> None:
        """What was said up to here stands in the past that the next session is told."""
        self._keep_ms = max(self._keep_ms, position_ms + 1)

    def may_be_cut(self, now_ms: float, force_at_ms: float) -> bool:
        """Whether the session may be replaced now. A turn whose answer is still under way would be said
        twice, to the old session and, out of `turn`, to the new one. From `force_at_ms` on that is the lesser
        evil."""
        return not self._is_open or now_ms >= force_at_ms

    def speech_started(self, item_id: str, proven_ms: int) -> None:
        """A turn opens, or goes on; what lies shortly before `proven_ms` holds its first sounds."""
        self.keep_from(proven_ms, proven_ms)
        self.speaking = True
        self._speaking_item = item_id
        self._unsettled[item_id] = float("inf")
        self._is_open = True

    def speech_stopped(self, now_ms: float, position_ms: int) -> None:
        """The caller is silent; an answer and the text of what they said may come."""
        self._stop(now_ms)
        self._stopped_ms = max(self._stopped_ms, position_ms)

    def settled(self, item_id: str) -> None:
        """The text of an item is in history, or will never be."""
        self._unsettled.pop(item_id, None)
        self._close_if_over()

    def answered(self) -> None:
        """A response has sound: what the caller has said so far is not to be answered again. What they are
        saying now is."""
        still = self._unsettled.get(self._speaking_item) if self.speaking else None
        self._unsettled.clear()
        if still is not None:
            self._unsettled[self._speaking_item] = still
        self._close_if_over()

    def session_lost(self, now_ms: float) -> bool:
        """The session is gone, its items with it. True: the open turn is to be said to the next one.

        What it heard of that turn it reports under an id of its own; the old ids are waited for no longer
        than an answer would be.
        """
        self._stop(now_ms)
        return self._is_open

    def expire(self, now_ms: float) -> None:
        """What is overdue is no longer waited for. Twice a second."""
        for item_id, deadline_ms in list(self._unsettled.items()):
            if deadline_ms <= now_ms:
                del self._unsettled[item_id]
        self._close_if_over()

    def keep_from(self, proven_ms: int, newest_ms: int) -> int:
        """The position from which a next session must hear the caller: from the open turn's beginning on,
        else from shortly before what the model certainly received; in no case more than the bound of `turn`
        before the newest."""
        if not self._is_open:
            self._keep_ms = max(self._keep_ms, proven_ms - KEPT_BEFORE_PROOF_MS)
        self._keep_ms = max(self._keep_ms, newest_ms - TURN_MOST_MS)
        return self._keep_ms

    # Private.

    def _stop(self, now_ms: float) -> None:
        self.speaking = False
        for item_id, deadline_ms in self._unsettled.items():
            self._unsettled[item_id] = min(deadline_ms, now_ms + SETTLE_WITHIN_MS)

    def _close_if_over(self) -> None:
        if self._is_open and not self.speaking and not self._unsettled:
            self._is_open = False
            self._keep_ms = max(self._keep_ms, self._stopped_ms - KEPT_BEFORE_STOP_MS)
