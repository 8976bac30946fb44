"""The driver of one call: carries out what its core asks for, and feeds it what comes.

Why it exists: the core (egress/delivery.py) knows no Redis. Here its actions become pairs of an `out` entry,
fenced writes and control messages; entries of `reply` and `back` become its inputs.

Owns: the call's pen (Owner), its place in `reply` and in `control`, the clock of the core. Must not know: the
rules; they are in the core. Nothing here awaits.

There is one door to the core for all that comes, `_step`; beside it there is the metronome's `tick`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from egress.actions import Action, Attach, Clear, End, Frames, Mark, Pause, Post, Refill, Save, Sound
from egress.counters import EgressHops, RoleCounters
from egress.delivery import Delivery
from egress.pacing.metronome import SLOT_MS, Metronome, OutBatch
from shared.audio import FRAME_BYTES
from shared.clock import now_ms
from shared.contract import record
from shared.contract.card import CallState, EgressControl, EgressServed
from shared.contract.command import Command
from shared.contract.entry import FIRST, Fields, stamp
from shared.contract.errors import EntryError
from shared.contract.streams import pairs
from shared.contract.streams.control import Audible, Flushed, Heard, Silent, SilentCause
from shared.contract.streams.journal import Kind
from shared.contract.streams.pairs import (
    BackKind,
    Name,
    OutNames,
    read_groups,
    read_playing,
    read_unsent,
    read_way,
)
from shared.contract.streams.reply import ReplyEntry, ReplyKind, read_reply
from shared.contract.views import EgressView
from shared.figures.hops import Hop
from shared.ownership.control_feed import ControlFeed
from shared.ownership.counters import Where
from shared.ownership.guard import CallGuard
from shared.ownership.journal import JournalPen
from shared.ownership.owner import Owner
from shared.store.inbox import Entry, Inbox
from shared.store.writing.writer import Writer

REFILL_COUNT = b"100"
"""Entries read again at once: about 10 s of audio in the model's usual pieces."""

SAVE_EVERY = 10
SERVED_S = 10
"""Of so many saves one is written even if nothing changed: a fenced write is how a quiet call whose end was
missed, or whose card is gone, is let go of."""

JOURNALLED = {Flushed: Kind.FLUSHED, Audible: Kind.AUDIBLE, Silent: Kind.SILENT}
"""Transitions that get a line; `heard` comes once an item and stands in the history anyway."""

Feed = Callable[[float], Iterable[Action]]
"""Tells the core something at a moment; what it then asks for."""


@dataclass(eq=False, slots=True, kw_only=True)
class EgressCall:
    """One call that this process owns. Compared by identity: it stands in sets."""

    call_sid: str
    lane: int
    delivery: Delivery
    owner: Owner
    control: ControlFeed
    outbox: Writer
    inbox: Inbox
    nudge: Callable[[], None]
    """Ends the read under way of the inbox."""
    journal: JournalPen
    guard: CallGuard
    batch: OutBatch
    metronome: Metronome
    claims: int
    """How often the role had been claimed when we got it: one more, and nobody was between."""
    counters: RoleCounters
    hops: EgressHops
    model_to_egress: Hop
    slot: int = -1
    reply_position: str = FIRST
    is_over: bool = False
    """The call is not ours any more: an answer that comes now leads to nothing."""
    absent_since_ms: float | None = None
    """Since when Redis has no card of it: ingress will write it again."""
    _names: OutNames = field(init=False)
    _flush_stamp: bytes = b""
    """Of the entry that is being read, if it is a flush of our host: a clear carries it to ingress."""
    _first_stamp_ms: float | None = None
    """Of the audio being read that found nothing waiting before it, if it was written on our host."""
    _pair_frames: int = 1
    """Most frames that the ingress of this stream takes as one pair; one, until it has said so."""
    _saved: Save | None = None
    _saved_position: str = ""
    _unsaved: int = 0
    """Saves left out since the last one that was written."""
    _seconds: int = 0
    """That it is ours."""

    def __post_init__(self) -> None:
        self._names = OutNames(self.call_sid)

    # What comes.

    def begin(self) -> None:
        """The call is ours from now on: asks how far the owner before us came, reads its reply and what it
        was told."""
        self._step(lambda _now: self.delivery.begin())
        self.watch_reply(nudge=True)
        self.control.ring()

    def go_on(self, epoch: int, card: EgressView) -> None:
        """The call is ours again, under a higher epoch, and nobody had it between: goes on with what it has.
        Streams are read from where a next owner would begin: Redis may have lost what we know of them, and
        what comes twice is dropped."""
        self.claims, self.absent_since_ms, self._saved = card.claims, None, None
        self.owner.claimed_again(epoch)
        self._step(self.delivery.on_claimed_again)
        if card.leg > self.delivery.leg:
            self.follow_stream(card.leg, card.ingress, was_open=False)
        if card.state is CallState.DETACHED:
            self.detach(card.leg)
        self.inbox.unwatch(self.owner.keys.reply(self.call_sid))
        self.reply_position = FIRST
        self.watch_reply(nudge=True)
        self.control.begin_at(card.control_pos or FIRST)
        self.control.ring()

    def receive_reply(self, entries: list[Entry]) -> None:
        """The sink of the call's `reply`."""
        sent_before = self.delivery.counters.frames_sent
        self._step(lambda now: self._read_entries(entries, now))
        if self._first_stamp_ms is not None and self.delivery.counters.frames_sent > sent_before:
            self.hops.model_to_frame_ms.observe(max(0.0, now_ms() - self._first_stamp_ms))

    def receive_report(self, name: Name, value: bytes) -> None:
        """A pair of `back`. Raises EntryError."""
        delivery = self.delivery
        if name.kind == BackKind.FORWARDED:
            unsent_bytes = read_unsent(value)
            self._step(lambda now: delivery.on_forwarded(name.leg, name.n, unsent_bytes, now))
        elif name.kind == BackKind.ECHO:
            mark = value.decode(errors="replace")
            self._step(lambda now: delivery.on_echo(mark, now))
        elif name.kind == BackKind.ATTACHED:
            playing_ms = read_playing(value)
            self._step(
                lambda now: delivery.on_attached(name.leg, name.n, now, cut=name.cut, playing_ms=playing_ms)
            )
        elif name.kind == BackKind.WAY and name.leg == delivery.leg:
            delivery.ledger.know_way(read_way(value))
        elif name.kind == BackKind.GROUPS and name.leg == delivery.leg:
            self._pair_frames = read_groups(value)
        elif name.kind == BackKind.PAUSES and name.leg == delivery.leg:
            delivery.can_pause = True

    def follow_stream(self, leg: int, ingress: str, *, was_open: bool) -> None:
        """The call has a new media stream; see Delivery.on_stream."""
        if leg > self.delivery.leg:
            self._pair_frames = 1
        self._step(lambda now: self.delivery.on_stream(leg, ingress, now, was_open=was_open))

    def detach(self, leg: int, *, word_ago_ms: float | None = None) -> None:
        """The media stream of a leg is gone; see Delivery.on_detached."""
        self._step(lambda now: self.delivery.on_detached(leg, now, word_ago_ms=word_ago_ms))

    def tick(self, now: float) -> bool:
        """See metronome.Ticking.

        The only way to the core beside `_step`, and the only one whose clock another has read: the metronome
        serves many calls at one moment, and sends what all of them have for an ingress worker as one entry,
        which need not be urgent.
        """
        delivery = self.delivery
        actions = delivery.tick(now)
        if actions:
            self._perform(actions)
        return delivery.is_busy

    def next_due_ms(self) -> float | None:
        """See metronome.Ticking."""
        return self.delivery.next_due_ms

    # The reply, once a second, the end.

    def watch_reply(self, *, nudge: bool) -> None:
        """Reads the reply from where it was left. `nudge`: ends the read under way, which does not name this
        stream; a ring has ended it already."""
        key = self.owner.keys.reply(self.call_sid)
        if not self.inbox.is_watched(key):
            self.delivery.intake.watch(now_ms())
            sink = self.guard.wrap(Where.REPLY, self.call_sid, self.receive_reply)
            self.inbox.watch(key, self.reply_position, sink)
            if nudge:
                self.nudge()

    def rest(self) -> None:
        """Stops reading a reply that is quiet, until its doorbell rings."""
        if self.delivery.intake.is_quiet(now_ms()):
            self.inbox.unwatch(self.owner.keys.reply(self.call_sid))

    def save(self) -> None:
        """Once a second, and when a response was heard out: positions and figures, and the trim of what was
        heard."""
        action = self.delivery.save(now_ms())
        self._unsaved += 1
        has_changed = action != self._saved or self.control.position != self._saved_position
        if has_changed or self._unsaved >= SAVE_EVERY:
            self._save(action)

    def second_passed(self) -> None:
        """It is ours for a second more: after ten it is not this call that ends its owners."""
        self._seconds += 1
        if self._seconds == SERVED_S:
            self.owner.card(EgressServed(egress_attempts=0))

    def end(self) -> None:
        """The call has ended: nothing is sent any more. Nothing is told either; its card refuses all."""
        self.delivery.on_ended(now_ms())

    def let_go(self) -> None:
        """The call is not ours any more: what is under way for it leads to nothing."""
        self.is_over = True
        self.control.stop()
        self.metronome.leave(self)
        self.inbox.unwatch(self.owner.keys.reply(self.call_sid))

    # Private.

    def _step(self, feed: Feed) -> None:
        """The door to the core: reads the clock, tells it something, carries out what it asks for and what is
        due with it, sets its next tick. First frames of a spurt, marks and clears go at once; what stood in a
        slot before, and has only just become due, leaves there, with what others have in it."""
        now = now_ms()
        patience_ms = SLOT_MS if self.slot >= 0 and self.delivery.has_frames else 0.0
        self._perform(feed(now))
        self._perform(self.delivery.tick(now, patience_ms))
        if self.delivery.is_busy:
            if self.slot < 0 or self.delivery.next_due_ms is not None:
                self.metronome.enter(self, now)
        else:
            self.metronome.leave(self)
        self.batch.send(urgent=True)

    def _read_entries(self, entries: list[Entry], now: float) -> Iterator[Action]:
        """What the core asks for, entry by entry."""
        delivery, host = self.delivery, self.model_to_egress.host
        self._first_stamp_ms = None
        for entry_id, fields in entries:
            self.reply_position = entry_id.decode()
            entry = self._read(fields)
            if entry is None:
                delivery.on_unreadable(self.reply_position)
                continue
            self.model_to_egress.took(entry_id, entry.host, entry.t_ms, now)
            is_ours = entry.host == host
            is_flush = entry.kind is ReplyKind.FLUSH
            self._flush_stamp = stamp(entry.t_ms) if is_ours and is_flush else b""
            if is_ours and entry.audio and not delivery.backlog.unsent:
                self._first_stamp_ms = entry.t_ms
            yield from delivery.on_reply(self.reply_position, entry, now)

    def _read(self, fields: Fields) -> ReplyEntry | None:
        try:
            return read_reply(fields)
        except EntryError:
            self.counters.unreadable += 1
            return None

    def _perform(self, actions: Iterable[Action]) -> None:
        """Carries out actions in order. Frames first: they are nearly all."""
        delivery, batch, epoch = self.delivery, self.batch, self.owner.epoch
        for action in actions:
            between = self._names.between(delivery.leg, epoch, delivery.ledger.cut)
            if isinstance(action, Frames):
                self._send_frames(between, action.n, action.audio)
            elif isinstance(action, Mark):
                batch.add(delivery.ingress, pairs.mark(between, action.n, action.name))
            elif isinstance(action, Sound):
                batch.add(delivery.ingress, pairs.sound(between, action.n, action.debt))
            elif isinstance(action, End):
                batch.add(delivery.ingress, pairs.sound_end(between, action.n, action.debt))
            elif isinstance(action, Clear):
                batch.add(delivery.ingress, pairs.clear(between, action.n, self._flush_stamp))
                batch.is_urgent = True
            elif isinstance(action, Pause):
                batch.add(delivery.ingress, pairs.pause(between, action.n, action.mark))
                batch.is_urgent = True
            elif isinstance(action, Attach):
                batch.add(delivery.ingress, pairs.attach(between, action.n))
                batch.is_urgent = True
            elif isinstance(action, Post):
                self._post(action.message)
            elif isinstance(action, Save):
                self._save(action)
            elif isinstance(action, Refill):
                self._refill(action.after_id)

    def _send_frames(self, between: bytes, last_n: int, audio: bytes) -> None:
        """One pair, or as many as the ingress of this stream wants made of it."""
        ingress, most_bytes = self.delivery.ingress, self._pair_frames * FRAME_BYTES
        if len(audio) <= most_bytes:
            self.batch.add(ingress, pairs.frames(between, last_n, audio))
            return
        n = last_n - pairs.frames_in(audio)
        for at in range(0, len(audio), most_bytes):
            part = audio[at : at + most_bytes]
            n += pairs.frames_in(part)
            self.batch.add(ingress, pairs.frames(between, n, part))

    def _post(self, message: Audible | Heard | Silent | Flushed) -> None:
        self.owner.tell(message, wake="brain")
        kind = JOURNALLED.get(type(message))
        if kind is not None:
            self.journal.note(self.call_sid, kind, **record.write(message))
        if isinstance(message, Silent) and message.cause == SilentCause.PLAYED:
            # The length of `reply` is what was not heard: it does not wait for the next second.
            self._save(self.delivery.save(now_ms()))

    def _save(self, action: Save) -> None:
        self._saved, self._saved_position, self._unsaved = action, self.control.position, 0
        position = EgressControl(control_pos_egress=self._saved_position)
        self.owner.trim_reply(action.keep_from, action.figures, position)

    def _refill(self, after_id: str) -> None:
        def answered(reply: object) -> None:
            if self.is_over:
                return
            if not isinstance(reply, list):
                # Refused, or the outbox is full: the core asks again at its next check.
                self.counters.store_errors += 1
                self.delivery.intake.fail_refill()
                return
            found: list[tuple[str, ReplyEntry]] = []
            for entry_id, fields in reply:
                entry = self._read(fields)
                if entry is not None:
                    found.append((entry_id.decode(), entry))
            self._step(lambda now: self.delivery.on_refill(after_id, found, now))

        key = self.owner.keys.reply(self.call_sid).encode()
        words = (b"XRANGE", key, b"(" + after_id.encode(), b"+", b"COUNT", REFILL_COUNT)
        guarded = self.guard.wrap(Where.ANSWER, self.call_sid, answered)
        self.outbox.send(Command(self.lane, words), on_reply=guarded)
