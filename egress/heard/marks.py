"""Marks under way: where they belong, how they are named, and what becomes of those that never come back.

Why it exists: Twilio says what it has played only by sending marks back, late, sometimes not at all. Owns:
the marks that were sent and have not come back, their places, their names, their deadlines. Pure. Must not
know: what an echo proves of an item or a response (egress/heard/ledger.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from egress.heard.accounts import LedgerCounters, PlayedItem
from shared.audio import FRAME_MS

MARK_EVERY_MS = 500
"""Finer marks cost messages and prove little more: an echo is late by the network anyway."""

FRAMES_A_MARK = MARK_EVERY_MS // FRAME_MS

MARK_DEADLINE_MS = 2000.0
"""How long after its due time a mark may come. Then the clock's word is taken: carriers lose echoes, and a
goodbye must end."""

DOUBT_MS = 500.0
"""A mark that is later than this is missed: is there still an ingress that could bring it?"""


def mark_name(leg: int, cut: int, item_id: str, ms: int) -> str:
    """`leg.cut.item.ms`: a mark that proves, when it comes back, that `ms` of the item were played."""
    return f"{leg}.{cut}.{item_id}.{ms}"


def read_mark(name: str) -> tuple[int, int, str, int] | None:
    """(leg, cut, item, ms) of a mark's name, or None if it is not one of ours."""
    try:
        leg, cut, rest = name.split(".", 2)
        item_id, ms = rest.rsplit(".", 1)
        return int(leg), int(cut), item_id, int(ms)
    except ValueError:
        return None


def frames_to_mark(frame: int) -> int:
    """How many frames stand before the next place of a mark inside an item, from this one on: a group ends
    there."""
    return FRAMES_A_MARK - frame % FRAMES_A_MARK


def mark_due(item: PlayedItem, end_ms: int) -> bool:
    """Whether a mark belongs behind the frame that ends at `end_ms`, inside the item."""
    return end_ms % MARK_EVERY_MS == 0 and end_ms <= item.received_ms and end_ms != item.marked_ms


def end_mark_due(item: PlayedItem) -> bool:
    """Whether the mark of the item's end is still to be sent, all of its frames being out."""
    return item.ended and item.marked_ms != item.received_ms and item.received_ms > 0


@dataclass(slots=True)
class SentMark:
    """A mark that has not come back."""

    item: PlayedItem
    ms: int
    plays_at_ms: float
    """When the clock will have played what stands before it."""
    deadline_ms: float

    @property
    def is_end(self) -> bool:
        """Whether it stands at the end of its item."""
        return self.item.ended and self.ms == self.item.received_ms


@dataclass(slots=True)
class Marks:
    """The marks of one call that are under way, in the order in which they were sent."""

    counters: LedgerCounters
    _sent: deque[SentMark] = field(init=False, default_factory=deque)

    def add(self, item: PlayedItem, ms: int, now_ms: float) -> None:
        """A mark goes behind what was sent of the item."""
        item.marked_ms = ms
        plays_at_ms = max(item.plays_until_ms, now_ms)
        self._sent.append(SentMark(item, ms, plays_at_ms, plays_at_ms + MARK_DEADLINE_MS))
        self.counters.marks_sent += 1

    def echoed(self, item: PlayedItem, ms: int) -> SentMark | None:
        """Takes a mark off the list, and with it all before it, which are lost: echoes come in order. None if
        it was given up already."""
        at = next((i for i, mark in enumerate(self._sent) if mark.item is item and mark.ms == ms), None)
        if at is None:
            return None
        for _ in range(at):
            self._sent.popleft()
            self.counters.marks_lost += 1
        return self._sent.popleft()

    def expire(self, now_ms: float) -> Iterator[SentMark]:
        """Gives up the marks past their deadline, one at a time."""
        while self._sent and self._sent[0].deadline_ms <= now_ms:
            mark = self._sent.popleft()
            self.counters.marks_lost += 1
            if not mark.is_end and mark.ms == mark.item.marked_ms:
                # Should the item turn out to end here, its end has a mark of its own.
                mark.item.marked_ms = -1
            yield mark

    @property
    def next_deadline_ms(self) -> float | None:
        """When `expire` has something to do, if nothing comes back before."""
        return self._sent[0].deadline_ms if self._sent else None

    def are_silent(self, now_ms: float, word_at_ms: float | None) -> bool:
        """Whether the oldest is overdue by DOUBT_MS and the last word came before it was due; without a time
        of that word: False."""
        if not self._sent or word_at_ms is None:
            return False
        plays_at_ms = self._sent[0].plays_at_ms
        return word_at_ms < plays_at_ms and now_ms >= plays_at_ms + DOUBT_MS

    def overdue_ms(self, now_ms: float) -> float:
        """How late the oldest mark under way is: a stalled Twilio shows here first."""
        if not self._sent:
            return 0.0
        return max(0.0, now_ms - (self._sent[0].deadline_ms - MARK_DEADLINE_MS))

    def rewind(self, item: PlayedItem, to_ms: int) -> None:
        """What follows `to_ms` of the item will be sent again, and its marks with it."""
        if item.marked_ms > to_ms or item.acknowledged_ms < item.marked_ms:
            item.marked_ms = -1
        self._sent = deque(mark for mark in self._sent if mark.item is not item or mark.ms <= to_ms)

    def play_later(self, item: PlayedItem, by_ms: float) -> None:
        """What stands before the marks of an item will play later than was thought."""
        for mark in self._sent:
            if mark.item is item:
                mark.plays_at_ms += by_ms

    def wait_from(self, at_ms: float) -> None:
        """A mark cannot come back while nothing moves: each has its whole time again from `at_ms` on."""
        for mark in self._sent:
            mark.deadline_ms = max(mark.deadline_ms, at_ms + MARK_DEADLINE_MS)

    def clear(self) -> None:
        """They will not come back, or are of no use any more."""
        self._sent.clear()
