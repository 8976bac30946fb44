"""What the caller has heard: the one account that truncation, hang-up, transcript and "speaking" read.

Why it exists: audio that was made, queued or sent was not heard. Twilio says what it has played only by
echoing marks, late, sometimes not at all, and echoes them at a clear without having played them.

Owns, for each item of the current leg and cut: received, sent, acknowledged and heard milliseconds; which
responses are audible; what an echo proves. The clock is in egress/heard/playback.py, the marks under way are
in egress/heard/marks.py. Pure. Must not know: bytes of audio, schedules, wires.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from egress.heard.accounts import Change, ChangeKind, Echo, LedgerCounters, PlayedItem, PlayedResponse
from egress.heard.marks import Marks, mark_name, read_mark
from egress.heard.playback import Playback
from egress.heard.stops import Stops
from shared.audio import FRAME_MS
from shared.contract.streams.control import FlushedItem, SilentCause

QUIET_MS = 3000.0
"""A response whose end never comes is silent when all was heard and nothing came for this long."""

BROKEN_MOST_MS = 8_000.0
"""A socket that breaks has the carrier come back, or end the call, within this: five tries of a second, a
boot."""

HEARD_OUT_MS = 300.0
"""What the clock has played for this long has left Twilio's buffer, whether its mark came back or not."""


@dataclass(slots=True)
class Ledger:
    """The account of one call. `now_ms` is monotonic and never goes back."""

    leg: int
    cut: int
    counters: LedgerCounters = field(default_factory=LedgerCounters)
    _items: dict[str, PlayedItem] = field(init=False, default_factory=dict)
    _responses: dict[str, PlayedResponse] = field(init=False, default_factory=dict)
    _playback: Playback = field(init=False, default_factory=Playback)
    _stops: Stops = field(init=False, default_factory=Stops)
    _marks: Marks = field(init=False)
    _changes: list[Change] = field(init=False, default_factory=list)
    _word_at_ms: float | None = field(init=False, default=None)
    """When ingress last said something about this leg; None: it is not asked for."""

    def __post_init__(self) -> None:
        self._marks = Marks(self.counters)

    # What the model gave.

    def receive(self, response_id: str, item_id: str, received_ms: int, now_ms: float) -> PlayedItem:
        """`received_ms` of the item are there now."""
        item = self._items.get(item_id)
        if item is None:
            response = self._responses.setdefault(response_id, PlayedResponse(response_id))
            response.open_items += 1
            item = self._items[item_id] = PlayedItem(item_id, response)
        item.received_ms = max(item.received_ms, received_ms)
        item.response.last_entry_at_ms = now_ms
        return item

    def find(self, item_id: str) -> PlayedItem | None:
        """The account of an item that is not yet wholly heard."""
        return self._items.get(item_id)

    @property
    def items(self) -> tuple[PlayedItem, ...]:
        """Those not yet wholly heard, in the order of the reply."""
        return tuple(self._items.values())

    def end_item(self, item: PlayedItem, now_ms: float) -> None:
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

    # What was sent.

    def sent(self, item: PlayedItem, end_ms: int, now_ms: float, frames: int = 1) -> None:
        """So many frames of the item, one behind the other, were written; the last one ends at `end_ms`."""
        self._playback.sent(item, end_ms, now_ms, frames)
        if not item.response.audible:
            item.response.audible = True
            self._note(ChangeKind.AUDIBLE, item, 0)

    def skipped(self, item: PlayedItem, end_ms: int, now_ms: float, playing_ms: float = 0.0) -> None:
        """The item up to `end_ms` was given to the socket before, by an owner before us or in a write
        that we had given up; `playing_ms` of it only now."""
        self._playback.skipped(item, end_ms, now_ms, playing_ms)
        item.response.audible = True

    def given(self, item: PlayedItem, end_ms: int, plays_until_ms: float) -> None:
        """An owner before us has sent the item up to `end_ms`, and it plays until then. That it is audible
        was told: the word of it stood before the frames."""
        self._playback.given(item, end_ms, plays_until_ms)
        item.response.audible = True

    def confirm(self, item: PlayedItem, end_ms: int, now_ms: float) -> None:
        """Ingress gave the socket the item up to the frame that ends at `end_ms`."""
        self._playback.confirm(item, end_ms, now_ms)

    def mark(self, item: PlayedItem, ms: int, now_ms: float) -> str:
        """Notes a mark behind what was sent and returns its name."""
        self._marks.add(item, ms, now_ms)
        return mark_name(self.leg, self.cut, item.item_id, ms)

    # What was heard.

    def echo(self, name: str, now_ms: float, *, is_late: bool = False) -> Echo:
        """Takes an echo. It proves playback only of the current leg and cut; a clear echoes old ones.
        `is_late`: when it comes says nothing of the ear."""
        self.counters.echoes += 1
        self._stops.echoed(name)
        read = read_mark(name)
        item = None if read is None else self._items.get(read[2])
        if read is not None and read[0] == self.leg:
            self.hear_from(now_ms)
        if read is None or item is None or read[:2] != (self.leg, self.cut):
            self.counters.echoes_stale += 1
            return Echo.STALE
        ms = read[3]
        if ms <= item.acknowledged_ms:
            self.counters.echoes_duplicated += 1
            return Echo.DUPLICATED
        if ms > min(item.sent_ms, item.received_ms) or self._stops.voids(item, ms, now_ms):
            self.counters.echoes_stale += 1
            return Echo.STALE
        mark = self._marks.echoed(item, ms)
        if mark is not None:  # Else it came after its deadline, and proves playback all the same.
            if not is_late:
                self._playback.echoed(mark.plays_at_ms, now_ms)
            self._acknowledge_before(item)
        item.acknowledged_ms = ms
        item.confirmed_ms = max(item.confirmed_ms, min(ms, item.cursor_ms))
        self._settle(item)
        return Echo.PLAYED

    def heard_ms(self, item: PlayedItem, now_ms: float) -> float:
        """What the caller has heard of the item: real audio, never less than was said before."""
        return self._playback.heard_ms(item, now_ms)

    def settled_ms(self, item_id: str, now_ms: float, unconfirmed_since_ms: float | None) -> float:
        """What of the item will never be needed again; infinite for a finished or unknown item.

        `unconfirmed_since_ms`: from when on ingress says nothing about our frames. Behind its last word it
        may be dead as well, though it had confirmed them all.
        """
        item = self._items.get(item_id)
        if item is None:
            return float("inf")
        doubts_ms = [at_ms for at_ms in (unconfirmed_since_ms, self._word_at_ms) if at_ms is not None]
        return self._playback.settled_ms(item, now_ms, min(doubts_ms, default=None))

    def hear_from(self, now_ms: float) -> None:
        """Ingress has said something about this leg: its socket was there."""
        self._word_at_ms = now_ms if self._word_at_ms is None else max(self._word_at_ms, now_ms)

    def is_doubtful(self, now_ms: float) -> bool:
        """Whether a mark is overdue and ingress has said nothing since what stands before it should have
        played: it may be gone, and must be asked."""
        return self._marks.are_silent(now_ms, self._word_at_ms)

    @property
    def audible_response(self) -> str:
        """The response that the caller hears now, the oldest if there are several; '' if there is none."""
        return next((r.response_id for r in self._responses.values() if r.audible), "")

    @property
    def playhead(self) -> PlayedItem | None:
        """The item that is playing or will play next."""
        return next(iter(self._items.values()), None)

    def overdue_ms(self, now_ms: float) -> float:
        """How late the oldest mark under way is: a stalled Twilio shows here first."""
        return self._marks.overdue_ms(now_ms)

    def only_waits_for_marks(self, now_ms: float) -> bool:
        """Whether all that was received was heard, and nothing but its marks is missing."""
        items = self._items.values()
        return (
            bool(items)
            and all(0 < item.received_ms <= item.confirmed_ms for item in items)
            and self._playback.is_over(now_ms - HEARD_OUT_MS)
        )

    # Flush and end.

    def flush(self, cut: int, now_ms: float) -> list[FlushedItem]:
        """Everything not heard is void from here on. Returns the figures of each item not wholly heard."""
        items = self._items.values()
        reports = [item.flushed(self._playback.heard_by_clear_ms(item, now_ms)) for item in items]
        self._silence(SilentCause.FLUSHED, now_ms)
        self.cut = cut
        self._items.clear()
        self._responses.clear()
        self._marks.clear()
        self._stops.forget()
        self._playback.flush(now_ms)
        return reports

    def stop(self, now_ms: float) -> str:
        """What Twilio holds is to be forgotten, and sent again. Notes what is heard by then, at the least;
        returns the name of the mark to send behind that."""
        self._playback.stop(self._items.values(), now_ms)
        self._marks.clear()
        return self._stops.begin(self.leg, self.cut, self._items.values(), now_ms)

    def end(self, now_ms: float) -> None:
        """The call is over: what was audible is silent."""
        self._silence(SilentCause.ENDED, now_ms)

    # Stops, new legs, deadlines.

    def hold(self, at_ms: float) -> None:
        """Stops the clock: Twilio gets nothing, or there is no Twilio."""
        self._playback.hold(self._items.values(), at_ms)

    def rewind(self, item: PlayedItem, to_ms: int) -> None:
        """What follows `to_ms` of the item will be sent again; its marks too."""
        self._playback.rewind(item, to_ms)
        self._marks.rewind(item, to_ms)

    def resume(self, now_ms: float, *, playing_ms: float) -> None:
        """Lets the clock run again; `playing_ms` of what was sent before are only now at Twilio."""
        for item, by_ms in self._playback.resume(self._items.values(), now_ms, playing_ms):
            self._marks.play_later(item, by_ms)
        self._marks.wait_from(now_ms + playing_ms)

    def play_from(self, now_ms: float) -> None:
        """Lets the clock run on a fresh socket: nothing of what was sent before plays any more."""
        self._playback.play_from(self._items.values(), now_ms)

    def was_open(self, now_ms: float) -> bool:
        """Whether Twilio's socket must have been open for longer than ingress spoke: it is long ago."""
        return self._word_at_ms is not None and now_ms - self._word_at_ms >= BROKEN_MOST_MS

    def end_stream(self, at_ms: float) -> None:
        """Twilio's socket was open until then, and no longer: whatever became of ingress, what was given to
        it has played. Nobody's clock takes back what ingress said."""
        self.hear_from(at_ms)
        self._playback.play_on()
        self.hold(at_ms if self._word_at_ms is None else max(at_ms, self._word_at_ms))

    def know_behind(self, behind_ms: float) -> None:
        """What echoes told an owner before us: the ear is later than the socket by so much."""
        self._playback.know_behind(behind_ms)

    def know_way(self, way_ms: float) -> None:
        """What ingress has measured: to Twilio's socket and back."""
        self._playback.know_way(way_ms)

    @property
    def way_ms(self) -> float:
        """The same; 0: not known."""
        return self._playback.way_ms

    @property
    def ear_behind_ms(self) -> float:
        """The same, by our own last echo."""
        return self._playback.echo_behind_ms

    def new_leg(self, leg: int, now_ms: float) -> None:
        """The marks of the old leg are gone with its socket, and so is what they said of its way."""
        self.leg = leg
        self.hear_from(now_ms)
        self._playback.forget_way()
        self._stops.forget()
        self._marks.clear()

    @property
    def next_deadline_ms(self) -> float | None:
        """When `expire` has something to do, if nothing comes before."""
        if self._playback.is_held:
            return None
        deadlines = [self._quiet_at_ms(response) for response in self._responses.values() if response.audible]
        mark_deadline_ms = self._marks.next_deadline_ms
        if mark_deadline_ms is not None:
            deadlines.append(mark_deadline_ms)
        return min(deadlines, default=None)

    def expire(self, now_ms: float) -> None:
        """Gives up the marks past their deadline, and responses whose end never came. While ingress may be
        gone neither is known."""
        if self._playback.is_held or self.is_doubtful(now_ms):
            return
        for mark in self._marks.expire(now_ms):
            if mark.is_end:
                mark.item.end_mark_lost = True
                self._settle(mark.item)
        for response in self._responses.values():
            if response.audible and self._quiet_at_ms(response) <= now_ms:
                self._fall_silent(response, SilentCause.PLAYED, now_ms)

    # Transitions.

    def take_changes(self) -> list[Change]:
        """The transitions since the last call, in order."""
        changes, self._changes = self._changes, []
        return changes

    @property
    def has_changes(self) -> bool:
        """Whether `take_changes` has something."""
        return bool(self._changes)

    # Private.

    def _quiet_at_ms(self, response: PlayedResponse) -> float:
        """When an audible response that gets nothing more is taken for silent."""
        latest = response.last_entry_at_ms
        for item in self._of(response):
            waits_for_mark = item.ended or item.cursor_ms + FRAME_MS <= item.received_ms
            latest = max(latest, float("inf") if waits_for_mark else item.plays_until_ms)
        return latest + QUIET_MS

    def _of(self, response: PlayedResponse) -> Iterator[PlayedItem]:
        return (item for item in self._items.values() if item.response is response)

    def _acknowledge_before(self, item: PlayedItem) -> None:
        """Played strictly in order: what stands before a played mark was played."""
        for earlier in list(self._items.values()):
            if earlier is item:
                break
            earlier.acknowledged_ms = max(earlier.acknowledged_ms, min(earlier.sent_ms, earlier.received_ms))
            self._settle(earlier)

    def _settle(self, item: PlayedItem) -> None:
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
            self._note(ChangeKind.HEARD, item, item.received_ms)
        self._settle_response(response)

    def _settle_response(self, response: PlayedResponse) -> None:
        if response.ended and response.open_items == 0:
            self._responses.pop(response.response_id, None)
            if response.audible:
                self._fall_silent(response, SilentCause.PLAYED, 0.0)

    def _silence(self, cause: SilentCause, now_ms: float) -> None:
        for response in self._responses.values():
            if response.audible:
                self._fall_silent(response, cause, now_ms)

    def _fall_silent(self, response: PlayedResponse, cause: SilentCause, now_ms: float) -> None:
        response.audible = False
        for item in self._of(response):
            if item.sent_ms:
                response.last_item_id = item.item_id
                response.last_heard_ms = int(self.heard_ms(item, now_ms))
        self._changes.append(
            Change(
                kind=ChangeKind.SILENT,
                response_id=response.response_id,
                item_id=response.last_item_id,
                heard_ms=response.last_heard_ms,
                cause=cause,
            )
        )

    def _note(self, kind: ChangeKind, item: PlayedItem, heard_ms: int) -> None:
        self._changes.append(
            Change(
                kind=kind,
                response_id=item.response.response_id,
                item_id=item.item_id,
                heard_ms=heard_ms,
            )
        )
