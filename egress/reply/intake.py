"""Judges and receives the entries of one call's `reply`: order, items, gaps, the bound on what is held.

Why it exists: what comes may be of an interrupted reply, of a brain that has lost the call, come twice
after an unknown write, or be more than one process should hold. That is decided here, before anything is
sent or counted as heard.

Owns: the brain epoch, the item that is open, what of the reply was only looked at. Pure. Must not know:
schedules, ingress, what an action is.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from egress.heard.ledger import Ledger
from egress.reply.backlog import Backlog, Base, Stretch
from shared.audio import BYTES_PER_MS, FRAME_MS
from shared.contract.entry import FIRST, order
from shared.contract.streams.reply import ReplyEntry, ReplyKind

HELD_MOST_BYTES = 30_000 * BYTES_PER_MS
HELD_LESS_BYTES = 15_000 * BYTES_PER_MS
"""What one call holds of its reply: receiving stops above the first and goes on below the second. Redis is
the store; 100 calls at the bound are 24 MB. Entries beyond are only searched for a flush."""

QUIET_AFTER_MS = 3000.0
DEAD_AFTER_MS = 30_000.0
"""When the reply need not be watched: nothing came for this long after a response's end, or inside one."""


class Judgement(enum.Enum):
    """What an entry is, seen from what stood before it."""

    DROP = enum.auto()
    TAKE = enum.auto()
    FLUSH = enum.auto()
    """Of a higher cut: all that stood before it is void. Then it is taken."""
    LATER = enum.auto()
    """Beyond what is held: it will be read again."""


@dataclass(slots=True)
class IntakeCounters:
    """What came that was not simply received, since this process has the call."""

    entries_old_cut: int = 0
    entries_old_epoch: int = 0
    bytes_duplicated: int = 0
    bytes_missing: int = 0
    """In gaps: counted and accepted."""
    bytes_behind_end: int = 0
    fillings: int = 0
    """Times that HELD_MOST_BYTES was reached."""


@dataclass(slots=True)
class Intake:
    """The reply of one call, as it comes in. `base` is where a new owner begins."""

    backlog: Backlog
    ledger: Ledger
    base: Base | None
    last_entry_at_ms: float
    heard_by_ms: float = 0.0
    """By then the ear was at the base, or further."""
    counters: IntakeCounters = field(default_factory=IntakeCounters)
    brain_epoch: int = field(init=False, default=0)
    _is_refilling: bool = field(init=False, default=False)
    """Entries that were left in Redis are being read again."""
    _response_open: bool = field(init=False, default=False)
    _is_full: bool = field(init=False, default=False)
    _held_id: str = field(init=False, default=FIRST)
    """The last entry that was received or dropped for good."""
    _seen_id: str = field(init=False, default=FIRST)
    """The last entry that was read at all."""
    _seen_epoch: int = field(init=False, default=0)

    def judge(self, entry_id: str, entry: ReplyEntry, now_ms: float) -> Judgement:
        """What to do with an entry that comes in order. It is received (or not) before the next is judged."""
        self.last_entry_at_ms = now_ms
        self._seen_id = entry_id
        self._seen_epoch = max(self._seen_epoch, entry.epoch)
        is_flush = entry.cut > self.ledger.cut and entry.epoch >= self._seen_epoch
        if self._is_full and not is_flush:
            return Judgement.LATER
        self._is_full = self._is_refilling = False
        return self.judge_again(entry_id, entry)

    def judge_again(self, entry_id: str, entry: ReplyEntry) -> Judgement:
        """As `judge`, for an entry that was read again."""
        self._held_id = entry_id
        if entry.epoch < self.brain_epoch:
            self.counters.entries_old_epoch += 1
            self.backlog.note(entry_id)
            return Judgement.DROP
        if entry.cut < self.ledger.cut:
            self.counters.entries_old_cut += 1
            self.backlog.note(entry_id)
            return Judgement.DROP
        return Judgement.FLUSH if entry.cut > self.ledger.cut else Judgement.TAKE

    def receive(self, entry_id: str, entry: ReplyEntry, now_ms: float) -> None:
        """Receives an entry that was judged TAKE, or FLUSH once that is done."""
        if entry.epoch > self.brain_epoch:
            if self.brain_epoch:
                # Its maker is gone: what it left open ends where it is.
                self._close_open(now_ms)
                self.ledger.end_open_responses()
            self.brain_epoch = entry.epoch
        if entry.kind is ReplyKind.AUDIO:
            self._receive_audio(entry_id, entry, now_ms)
        else:
            self.backlog.note(entry_id)
            if entry.kind is ReplyKind.ITEM_END:
                self._end_item(entry, now_ms)
            elif entry.kind is ReplyKind.RESPONSE_END:
                self._end_response(entry, now_ms)
        self._is_full = self._is_full or self.backlog.held_bytes > HELD_MOST_BYTES
        if self._is_full and not self._is_refilling:
            self.counters.fillings += 1

    def flush(self) -> None:
        """What was open is void."""
        self.base, self._response_open = None, False

    # The bound, and after.

    @property
    def is_full(self) -> bool:
        """Whether no more is held for now."""
        return self.backlog.held_bytes > HELD_MOST_BYTES

    @property
    def waits_for_room(self) -> bool:
        """Whether entries were left in Redis because too much was held."""
        return self._is_full

    def refill_after(self) -> str | None:
        """The id behind which to read again, when there is room; None if there is nothing to do.
        Asking counts as reading."""
        if not self._is_full or self._is_refilling or self.backlog.held_bytes > HELD_LESS_BYTES:
            return None
        if order(self._held_id) >= order(self._seen_id):
            self._is_full = False
            return None
        self._is_refilling = True
        return self._held_id

    def is_wanted(self, after_id: str) -> bool:
        """Whether entries read again behind `after_id` are still of use: no flush came in between."""
        return self._is_refilling and after_id == self._held_id

    def end_refill(self, was_empty: bool) -> None:
        """The entries read again are received, as far as there was room."""
        self._is_refilling = False
        caught_up = was_empty or order(self._held_id) >= order(self._seen_id)
        self._is_full = not caught_up or self.is_full

    def fail_refill(self) -> None:
        """They could not be read: the next check asks again."""
        self._is_refilling = False

    def watch(self, now_ms: float) -> None:
        """The reply is watched from now on: it is not quiet yet."""
        self.last_entry_at_ms = now_ms

    def is_quiet(self, now_ms: float) -> bool:
        """Whether the reply need not be watched until the doorbell rings again."""
        if self._is_full:
            return False
        limit_ms = DEAD_AFTER_MS if self._response_open else QUIET_AFTER_MS
        return now_ms - self.last_entry_at_ms > limit_ms

    # Private.

    def _receive_audio(self, entry_id: str, entry: ReplyEntry, now_ms: float) -> None:
        size = len(entry.audio)
        self._response_open = True
        stretch = self.backlog.find(entry.item_id)
        if stretch is None and entry.item_id in self.backlog.finished:
            self.counters.bytes_duplicated += size
            self.backlog.note(entry_id)
            return
        if stretch is not None and stretch.framer.closed:
            behind = min(size, max(0, entry.offset_bytes + size - stretch.framer.received_bytes))
            self.counters.bytes_behind_end += behind
            self.counters.bytes_duplicated += size - behind
            self.backlog.note(entry_id)
            return
        if stretch is None:
            self._close_open(now_ms)
            stretch = self._open(entry, now_ms)
        missing = stretch.framer.missing_before(entry.offset_bytes)
        if missing:
            self.counters.bytes_missing += missing
            self.backlog.close(stretch, ends_item=False)
            stretch = self.backlog.open(stretch.item, entry.offset_bytes)
        new = self.backlog.feed(stretch, entry_id, entry.offset_bytes, entry.audio)
        self.counters.bytes_duplicated += size - new
        stretch.item.response.debt = max(stretch.item.response.debt, entry.debt)
        self.ledger.receive(entry.response_id, entry.item_id, stretch.framer.end_ms, now_ms)
        if self.base is not None:
            self._start_inside(self.base, stretch)

    def _open(self, entry: ReplyEntry, now_ms: float) -> Stretch:
        item = self.ledger.receive(entry.response_id, entry.item_id, 0, now_ms)
        if self.base is None:
            self.counters.bytes_missing += entry.offset_bytes
        # Else: a reply whose head was trimmed begins in the middle of an item, and nothing is missing.
        return self.backlog.open(item, entry.offset_bytes)

    def _start_inside(self, base: Base, stretch: Stretch) -> None:
        """The first audio that a new owner reads: begins where the card says that the old one was."""
        if base.item_id == stretch.item.item_id and base.frame > stretch.framer.first_frame:
            self.backlog.start_at(stretch, base.frame)
            self.ledger.given(stretch.item, stretch.next_frame * FRAME_MS, self.heard_by_ms)
            if stretch.next_frame < base.frame:
                return
        self.base = None

    def _end_item(self, entry: ReplyEntry, now_ms: float) -> None:
        stretch = self.backlog.find(entry.item_id)
        if stretch is None or stretch.ends_item:
            return
        self.counters.bytes_missing += stretch.framer.missing_before(entry.offset_bytes)
        self._close(stretch, now_ms)

    def _end_response(self, entry: ReplyEntry, now_ms: float) -> None:
        self._response_open = False
        last = self.backlog.last
        if last is not None and last.item.response.response_id == entry.response_id:
            self._close_open(now_ms)
        self.ledger.end_response(entry.response_id)

    def _close_open(self, now_ms: float) -> None:
        """Closes the item that was left open: nothing more of it will come."""
        last = self.backlog.last
        if last is not None and not last.ends_item:
            self._close(last, now_ms)

    def _close(self, stretch: Stretch, now_ms: float) -> None:
        self.backlog.close(stretch, ends_item=True)
        self.ledger.end_item(stretch.item, now_ms)
