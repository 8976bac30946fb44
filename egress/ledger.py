"""What the caller has heard: the one account that truncation, hang-up, transcript and "speaking" read.

Why it exists: audio that was made, queued or sent was not heard. Twilio says what it has played only by
echoing marks, late, sometimes not at all, and echoes them at a clear without having played them.

Owns, for each item of the current leg and cut: received, sent, acknowledged and heard milliseconds; the
marks under way; which responses are audible. Pure. Must not know: bytes of audio, schedules, wires.

The playback clock: frames play in real time, one behind the other, from when they were sent. The ear is
later than that: by the way of the frames to Twilio's socket, by the network, by a hole that we do not know
of. How much later, the first confirmation of a talk spurt bounds and each echo says anew; what comes back
took time to come, so that the clock errs to less than was heard, never to more. Only what ingress has
confirmed counts. An echo of a current mark proves more. While ingress is silent or the media stream is gone,
the clock stands (docs/design.md, Framer, pacer, ledger). Why it is so: docs/decisions.md.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from egress.accounts import Cause, Change, Item, ItemReport, Response, mark_name, read_mark
from shared.audio import FRAME_MS

MARK_EVERY_MS = 500
"""Finer marks cost messages and prove little more: an echo is late by the network anyway."""

MARK_DEADLINE_MS = 2000.0
"""How long after its due time a mark may come. Then the clock's word is taken: carriers lose echoes, and a
goodbye must end (docs/lessons-covered.md, rows 12 and 13)."""

QUIET_MS = 3000.0
"""A response whose end never comes is silent when all was heard and nothing came for so long."""


class Echo(enum.Enum):
    """What an echo was worth."""

    PLAYED = enum.auto()
    DUPLICATED = enum.auto()
    """It proves what was proved already."""
    STALE = enum.auto()
    """Of another leg or cut, of an item that is finished or unknown, or of audio that was not sent."""


@dataclass(slots=True)
class _Mark:
    item: Item
    ms: int
    plays_at_ms: float
    """When the clock will have played what stands before it."""
    deadline_ms: float


@dataclass(slots=True)
class LedgerCounters:
    marks_sent: int = 0
    marks_lost: int = 0
    """Passed over by a later echo, or past their deadline."""
    echoes: int = 0
    echoes_duplicated: int = 0
    echoes_stale: int = 0


@dataclass(slots=True)
class Ledger:
    """The account of one call. `now_ms` is monotonic and never goes back."""

    leg: int
    cut: int
    counters: LedgerCounters = field(default_factory=LedgerCounters)
    _items: dict[str, Item] = field(init=False, default_factory=dict)
    _responses: dict[str, Response] = field(init=False, default_factory=dict)
    _marks: deque[_Mark] = field(init=False, default_factory=deque)
    _plays_until_ms: float = field(init=False, default=0.0)
    _held_at_ms: float | None = field(init=False, default=None)
    """While the call has no working way to Twilio the clock stands."""
    _behind_ms: float = field(init=False, default=0.0)
    """How far the ear is behind the clock, at most."""
    _echo_behind_ms: float = field(init=False, default=0.0)
    """The same by the last echo alone: what a new talk spurt begins with."""
    _changes: list[Change] = field(init=False, default_factory=list)

    # ------------------------------------------------------------------------------- what the model gave

    def receive(self, response_id: str, item_id: str, received_ms: int, now_ms: float) -> Item:
        """`received_ms` of the item are there now."""
        item = self._items.get(item_id)
        if item is None:
            response = self._responses.setdefault(response_id, Response(response_id))
            response.open_items += 1
            item = self._items[item_id] = Item(item_id, response)
        item.received_ms = max(item.received_ms, received_ms)
        item.response.last_entry_at_ms = now_ms
        return item

    def find(self, item_id: str) -> Item | None:
        """The account of an item that is not yet wholly heard."""
        return self._items.get(item_id)

    def end_item(self, item: Item, now_ms: float) -> None:
        """No more audio of this item will come."""
        item.ended = True
        item.response.last_entry_at_ms = now_ms
        self._settle(item)

    def end_response(self, response_id: str) -> None:
        """No more items of this response will come. A response without audio is not known here."""
        response = self._responses.get(response_id)
        if response is not None:
            response.ended = True
            self._settle_response(response)

    def end_open_responses(self) -> None:
        """Whoever made them is gone: what they have is all there will be."""
        for response in list(self._responses.values()):
            self.end_response(response.response_id)

    # -------------------------------------------------------------------------------------- what was sent

    def sent(self, item: Item, end_ms: int, now_ms: float) -> None:
        """One frame of the item that ends at `end_ms` was written."""
        if now_ms >= self._plays_until_ms:
            self._behind_ms = self._echo_behind_ms
        self._plays_until_ms = max(self._plays_until_ms, now_ms) + FRAME_MS
        item.cursor_ms = end_ms
        item.plays_until_ms = self._plays_until_ms
        if end_ms > item.sent_ms:
            item.sent_ms = end_ms
        if not item.response.audible:
            item.response.audible = True
            self._note("audible", item, 0)

    def skipped(self, item: Item, end_ms: int, now_ms: float, playing_ms: float = 0.0) -> None:
        """The item up to `end_ms` was given to the socket before, by an owner before us or in a write
        that we had given up; `playing_ms` of it only now."""
        item.cursor_ms = item.confirmed_ms = end_ms
        item.sent_ms = max(item.sent_ms, end_ms)
        item.plays_until_ms = self._plays_until_ms = max(self._plays_until_ms, now_ms) + playing_ms
        item.response.audible = True

    def confirm(self, item: Item, end_ms: int, now_ms: float) -> None:
        """Ingress gave the socket the item up to the frame that ends at `end_ms`.

        None of these frames can have begun to play later than now, but by the clock some should have.
        """
        if end_ms > item.confirmed_ms:
            begins_ms = item.plays_until_ms - (item.cursor_ms - item.confirmed_ms)
            self._behind_ms = max(self._behind_ms, now_ms - begins_ms)
            item.confirmed_ms = min(end_ms, item.cursor_ms)

    def mark_due(self, item: Item, end_ms: int) -> bool:
        """Whether a mark belongs behind the frame that ends at `end_ms`, inside the item."""
        return end_ms % MARK_EVERY_MS == 0 and end_ms <= item.received_ms and end_ms != item.marked_ms

    def end_mark_due(self, item: Item) -> bool:
        """Whether the mark of the item's end is still to be sent, all of its frames being out."""
        return item.ended and item.marked_ms != item.received_ms and item.received_ms > 0

    def mark(self, item: Item, ms: int, now_ms: float) -> str:
        """Notes a mark behind what was sent and gives its name."""
        item.marked_ms = ms
        due_ms = max(item.plays_until_ms, now_ms)
        self._marks.append(_Mark(item, ms, due_ms, due_ms + MARK_DEADLINE_MS))
        self.counters.marks_sent += 1
        return mark_name(self.leg, self.cut, item.item_id, ms)

    # ------------------------------------------------------------------------------------- what was heard

    def echo(self, name: str, now_ms: float) -> Echo:
        """Takes an echo. It proves playback only of the current leg and cut; a clear echoes old ones."""
        self.counters.echoes += 1
        read = read_mark(name)
        item = None if read is None else self._items.get(read[2])
        if read is None or item is None or read[:2] != (self.leg, self.cut):
            self.counters.echoes_stale += 1
            return Echo.STALE
        ms = read[3]
        if ms <= item.acknowledged_ms:
            self.counters.echoes_duplicated += 1
            return Echo.DUPLICATED
        if ms > min(item.sent_ms, item.received_ms):
            self.counters.echoes_stale += 1
            return Echo.STALE
        self._pass_marks(item, ms, now_ms)
        item.acknowledged_ms = ms
        item.confirmed_ms = max(item.confirmed_ms, min(ms, item.cursor_ms))
        self._settle(item)
        return Echo.PLAYED

    def heard_ms(self, item: Item, now_ms: float) -> float:
        """What the caller has heard of the item: real audio, never less than was said before."""
        at_ms = now_ms if self._held_at_ms is None else min(now_ms, self._held_at_ms)
        heard = item.proved_ms(at_ms - self._behind_ms)
        heard = min(heard, item.received_ms)  # The last frame may be padded.
        item.highest_ms = max(item.highest_ms, heard)
        return item.highest_ms

    def settled_ms(self, item_id: str, now_ms: float, unconfirmed_since_ms: float | None) -> float:
        """What of the item will never be needed again; infinite for a finished or unknown item.

        From the moment from which ingress says nothing about our frames it may be dead, and the socket
        with it: the clock is not believed beyond it. This is "last frame forwarded minus lead".
        """
        item = self._items.get(item_id)
        if item is None:
            return float("inf")
        standing_ms = now_ms if self._held_at_ms is None else min(now_ms, self._held_at_ms)
        if unconfirmed_since_ms is not None:
            standing_ms = min(standing_ms, unconfirmed_since_ms)
        return max(0.0, min(item.proved_ms(standing_ms - self._behind_ms), item.sent_ms))

    @property
    def audible_response(self) -> str:
        """The response that the caller hears now, the oldest if there are several; '' for none."""
        return next((r.response_id for r in self._responses.values() if r.audible), "")

    @property
    def playhead(self) -> Item | None:
        """The item that is playing or will play next."""
        return next(iter(self._items.values()), None)

    def overdue_ms(self, now_ms: float) -> float:
        """How late the oldest mark under way is: a stalled Twilio shows here first."""
        if not self._marks:
            return 0.0
        return max(0.0, now_ms - (self._marks[0].deadline_ms - MARK_DEADLINE_MS))

    def flush(self, cut: int, now_ms: float) -> list[ItemReport]:
        """Everything not heard is void from here on. Gives the figures of each item not wholly heard."""
        reports = [
            ItemReport(
                item_id=item.item_id,
                response_id=item.response.response_id,
                received_ms=item.received_ms,
                sent_ms=item.sent_ms,
                heard_ms=int(self.heard_ms(item, now_ms)),
            )
            for item in self._items.values()
        ]
        self._silence(Cause.FLUSHED, now_ms)
        self.cut = cut
        self._items.clear()
        self._responses.clear()
        self._marks.clear()
        self._plays_until_ms = now_ms
        return reports

    @property
    def items(self) -> tuple[Item, ...]:
        """Those not yet wholly heard, in the order of the reply."""
        return tuple(self._items.values())

    def end(self, now_ms: float) -> None:
        """The call is over: what was audible is silent."""
        self._silence(Cause.ENDED, now_ms)

    # ------------------------------------------------------------------------ stops, new legs, deadlines

    def hold(self, at_ms: float) -> None:
        """Stops the clock: Twilio gets nothing, or there is no Twilio."""
        if self._held_at_ms is None:
            for item in self._items.values():
                self.heard_ms(item, at_ms)
            self._held_at_ms = at_ms

    def rewind(self, item: Item, to_ms: int) -> None:
        """What follows `to_ms` of the item will be sent again; its marks too."""
        again_ms = max(0, item.cursor_ms - to_ms)
        item.cursor_ms -= again_ms
        item.plays_until_ms -= again_ms
        self._plays_until_ms -= again_ms
        item.confirmed_ms = min(item.confirmed_ms, item.cursor_ms)
        if item.marked_ms > to_ms or item.acknowledged_ms < item.marked_ms:
            item.marked_ms = -1
        self._marks = deque(m for m in self._marks if m.item is not item or m.ms <= to_ms)

    def resume(self, now_ms: float, *, playing_ms: float = 0.0) -> None:
        """Lets the clock run again; `playing_ms` of what was sent before are only now at Twilio."""
        self._held_at_ms = None
        plays_until_ms = now_ms + playing_ms
        # From here on the clock itself is where the ear was.
        moved_ms = self._behind_ms - self._echo_behind_ms
        self._behind_ms = self._echo_behind_ms
        self._plays_until_ms = max(self._plays_until_ms + moved_ms, plays_until_ms)
        for item in self._items.values():
            if item.cursor_ms > item.highest_ms:
                self._plays_later(item, max(item.plays_until_ms + moved_ms, plays_until_ms))
        for mark in self._marks:
            # A mark cannot come while nothing moves: its wait begins anew.
            mark.deadline_ms = max(mark.deadline_ms, plays_until_ms + MARK_DEADLINE_MS)

    def play_from(self, now_ms: float) -> None:
        """Lets the clock run on a fresh socket: nothing of what was sent before plays any more."""
        self._held_at_ms = None
        self._plays_until_ms = now_ms
        for item in self._items.values():
            item.plays_until_ms = min(item.plays_until_ms, now_ms)

    def new_leg(self, leg: int) -> None:
        """The marks of the old leg are gone with its socket, and so is what they said of its way."""
        self.leg = leg
        self._behind_ms = self._echo_behind_ms = 0.0
        self._marks.clear()

    @property
    def next_deadline_ms(self) -> float | None:
        """When `expire` has something to do, if nothing comes before."""
        if self._held_at_ms is not None:
            return None
        deadlines = [self._marks[0].deadline_ms] if self._marks else []
        deadlines += [self._quiet_at(response) for response in self._responses.values() if response.audible]
        return min(deadlines, default=None)

    def expire(self, now_ms: float) -> None:
        """Gives up the marks past their deadline, and responses whose end never came."""
        if self._held_at_ms is not None:
            return
        while self._marks and self._marks[0].deadline_ms <= now_ms:
            mark = self._marks.popleft()
            self.counters.marks_lost += 1
            if mark.item.ended and mark.ms == mark.item.received_ms:
                mark.item.end_mark_lost = True
                self._settle(mark.item)
            elif mark.ms == mark.item.marked_ms:
                # Should the item turn out to end here, its end has a mark of its own.
                mark.item.marked_ms = -1
        for response in self._responses.values():
            if response.audible and self._quiet_at(response) <= now_ms:
                self._fall_silent(response, Cause.PLAYED, now_ms)

    def take_changes(self) -> list[Change]:
        """The transitions since the last call, in order."""
        changes, self._changes = self._changes, []
        return changes

    @property
    def has_changes(self) -> bool:
        return bool(self._changes)

    # ------------------------------------------------------------------------------------------- private

    def _quiet_at(self, response: Response) -> float:
        """When an audible response that gets nothing more is taken for silent."""
        latest = response.last_entry_at_ms
        for item in self._of(response):
            waits_for_mark = item.ended or item.cursor_ms + FRAME_MS <= item.received_ms
            latest = max(latest, float("inf") if waits_for_mark else item.plays_until_ms)
        return latest + QUIET_MS

    def _of(self, response: Response) -> Iterator[Item]:
        return (item for item in self._items.values() if item.response is response)

    def _plays_later(self, item: Item, until_ms: float) -> None:
        for mark in self._marks:
            if mark.item is item:
                mark.plays_at_ms += until_ms - item.plays_until_ms
        item.plays_until_ms = until_ms

    def _pass_marks(self, item: Item, ms: int, now_ms: float) -> None:
        """Takes the echoed mark off the list, and with it all before it: echoes come in order."""
        at = next((i for i, m in enumerate(self._marks) if m.item is item and m.ms == ms), None)
        if at is None:
            return  # Given up already: it came after its deadline, and proves playback all the same.
        for _ in range(at):
            self._marks.popleft()
            self.counters.marks_lost += 1
        plays_at_ms = self._marks.popleft().plays_at_ms
        self._behind_ms = self._echo_behind_ms = max(0.0, now_ms - plays_at_ms)
        for earlier in list(self._items.values()):
            if earlier is item:
                break
            # Played strictly in order: what stands before a played mark was played.
            earlier.acknowledged_ms = max(earlier.acknowledged_ms, min(earlier.sent_ms, earlier.received_ms))
            self._settle(earlier)

    def _settle(self, item: Item) -> None:
        """Finishes an item that was wholly heard."""
        if not item.ended or item.item_id not in self._items:
            return
        if item.acknowledged_ms < item.received_ms and not item.end_mark_lost:
            return
        del self._items[item.item_id]
        response = item.response
        response.open_items -= 1
        response.last_item_id, response.last_heard_ms = item.item_id, item.received_ms
        if item.received_ms > 0:
            self._note("heard", item, item.received_ms)
        self._settle_response(response)

    def _settle_response(self, response: Response) -> None:
        if response.ended and response.open_items == 0:
            self._responses.pop(response.response_id, None)
            if response.audible:
                self._fall_silent(response, Cause.PLAYED, 0.0)

    def _silence(self, cause: Cause, now_ms: float) -> None:
        for response in self._responses.values():
            if response.audible:
                self._fall_silent(response, cause, now_ms)

    def _fall_silent(self, response: Response, cause: Cause, now_ms: float) -> None:
        response.audible = False
        for item in self._of(response):
            if item.sent_ms:
                response.last_item_id = item.item_id
                response.last_heard_ms = int(self.heard_ms(item, now_ms))
        self._changes.append(
            Change(
                kind="silent",
                response_id=response.response_id,
                item_id=response.last_item_id,
                heard_ms=response.last_heard_ms,
                cause=cause,
            )
        )

    def _note(self, kind: str, item: Item, heard_ms: int) -> None:
        self._changes.append(
            Change(
                kind=kind,
                response_id=item.response.response_id,
                item_id=item.item_id,
                heard_ms=heard_ms,
            )
        )
