"""The driver of one call: carries out what its core asks for, and feeds it what comes.

Why it exists: the core (egress/delivery.py) knows no Redis. Here its actions become pairs of an `out` entry,
fenced writes and control messages; entries of `reply` and `back` become its inputs.

Owns: the call's pen (Owner), its letter box, its place in `reply`. Must not know: the rules; they are in the
core. Nothing here awaits but the reading of control messages.
"""

from __future__ import annotations

from dataclasses import dataclass

from egress.actions import Action, Attach, Clear, Frame, Mark, Post, Refill, Save
from egress.counters import EgressHops, RoleCounters
from egress.delivery import Call
from egress.metronome import Metronome, OutBatch
from shared.clock import now_ms
from shared.contract.entries import EntryError, Fields, ReplyEntry, ReplyKind, read_reply, stamp
from shared.figures.hops import Hop
from shared.ownership.control import ControlPost, ControlReader
from shared.ownership.owner import Owner
from shared.store.inbox import Entry
from shared.store.outbox import Outbox

REFILL_COUNT = b"100"
"""Entries read again at once: about 10 s of audio in the model's usual pieces."""

SAVE_EVERY = 10
"""Of so many saves one is written even if nothing changed: a fenced write is how a quiet call whose end was
missed, or whose card is gone, is let go of."""

JOURNALLED = frozenset({"flushed", "audible", "silent"})
"""Transitions that get a line; `heard` comes once an item and stands in the history anyway."""


@dataclass(eq=False, slots=True)
class HeldCall:
    """One call that this process owns. Compared by identity: it stands in sets."""

    call_sid: str
    call: Call
    owner: Owner
    letters: ControlPost
    control: ControlReader
    outbox: Outbox
    batch: OutBatch
    metronome: Metronome
    counters: RoleCounters
    hops: EgressHops
    model_to_egress: Hop
    lane: int
    phase: int = -1
    reply_position: str = "0"
    is_reading_control: bool = False
    has_more_control: bool = False
    _suffix: bytes = b""
    """`:call:leg:epoch:cut:` of names in `out`, for the leg and cut below."""
    _suffix_of: tuple[int, int] = (-1, -1)
    _flush_stamp: bytes = b""
    """Of the flush that is being taken, if it was written on our host: a clear carries it to ingress."""
    _schedule: int = 0
    _saved: Save | None = None
    _unsaved: int = 0
    """Saves left out since the last one that was written."""
    is_over: bool = False
    """The call is no longer ours: an answer that comes now leads to nothing."""

    # ---------------------------------------------------------------------------------------- Ticking

    def tick(self, now: float) -> bool:
        """See metronome.Ticking."""
        call = self.call
        actions = call.tick(now)
        if actions:
            self.perform(actions)
        if not call.is_busy:
            return False
        counters = call.pacer.counters
        schedule = counters.spurts + counters.underruns + counters.stops
        if schedule != self._schedule:
            # The schedule was anchored anew: another phase may fit it better.
            self._schedule = schedule
            self.metronome.enter(self, now)
        return True

    def next_due_ms(self) -> float | None:
        """See metronome.Ticking."""
        return self.call.next_due_ms

    # ------------------------------------------------------------------------------------------ inputs

    def take_reply(self, entries: list[Entry]) -> None:
        """The sink of the call's `reply`."""
        now, call = now_ms(), self.call
        stamp_ms: float | None = None
        sent_before = call.counters.frames_sent
        for entry_id, fields in entries:
            self.reply_position = entry_id.decode()
            entry = self._read(fields)
            if entry is None:
                call.on_unreadable(self.reply_position)
                continue
            self.model_to_egress.took(entry_id, entry.host, entry.t_ms, now)
            is_ours = entry.host == self.model_to_egress.host
            if is_ours and entry.kind is ReplyKind.FLUSH:
                self._flush_stamp = stamp(entry.t_ms)
            elif is_ours and entry.audio and not call.backlog.unsent:
                stamp_ms = entry.t_ms
            self.perform(call.on_reply(self.reply_position, entry, now))
        self.go_on(now)
        self._flush_stamp = b""
        if stamp_ms is not None and call.counters.frames_sent > sent_before:
            self.hops.model_to_frame_ms.observe(max(0.0, now_ms() - stamp_ms))

    def take(self, actions: list[Action], now: float) -> None:
        """Carries out what an input gave, and what is due with it."""
        if actions:
            self.perform(actions)
        self.go_on(now)

    def go_on(self, now: float) -> None:
        """After an input: first frames of a spurt, marks and clears go at once."""
        self.perform(self.call.tick(now))
        if self.call.is_busy:
            if self.phase < 0 or self.call.next_due_ms is not None:
                self.metronome.enter(self, now)
        else:
            self.metronome.leave(self)
        self.counters.out_entries += self.batch.send(urgent=True)

    def _read(self, fields: Fields) -> ReplyEntry | None:
        try:
            return read_reply(fields)
        except EntryError:
            self.counters.unreadable += 1
            return None

    # ----------------------------------------------------------------------------------------- actions

    def perform(self, actions: list[Action]) -> None:
        """Carries out actions in order. Frames first: they are nearly all."""
        call, batch = self.call, self.batch
        ingress = call.ingress
        for action in actions:
            if isinstance(action, Frame):
                batch.add(ingress, (b"frame%b%d" % (self._names(), action.n), action.audio))
            elif isinstance(action, Mark):
                batch.add(ingress, (b"mark%b%d" % (self._names(), action.n), action.name.encode()))
            elif isinstance(action, Clear):
                batch.add(ingress, (b"clear%b%d" % (self._names(), action.n), self._flush_stamp))
                batch.is_urgent = True
            elif isinstance(action, Attach):
                batch.add(ingress, (b"attach%b%d" % (self._names(), action.n), b""))
                batch.is_urgent = True
            elif isinstance(action, Post):
                self._post(action)
            elif isinstance(action, Save):
                self._save(action)
            elif isinstance(action, Refill):
                self._refill(action.after_id)

    def save(self, now: float) -> None:
        """Once a second: positions and figures, and the trim of what was heard."""
        action = self.call.save(now)
        self._unsaved += 1
        if action != self._saved or self._unsaved >= SAVE_EVERY:
            self._save(action)

    def _names(self) -> bytes:
        """What a name has between its kind and its frame number."""
        call = self.call
        of = (call.leg, call.cut)
        if of != self._suffix_of:
            self._suffix_of = of
            sid = self.call_sid.encode()
            self._suffix = b":%b:%d:%d:%d:" % (sid, call.leg, self.owner.epoch, call.cut)
        return self._suffix

    def _post(self, action: Post) -> None:
        self.letters.send(action.kind, wake="brain", **action.fields)
        if action.kind in JOURNALLED:
            self.outbox.journal(self.call_sid, action.kind, **action.fields)

    def _save(self, action: Save) -> None:
        self._saved, self._unsaved = action, 0
        self.owner.trim(
            "reply", action.keep_from, {**action.figures, "egress_control": self.control.position}
        )

    def _refill(self, after_id: str) -> None:
        def answered(reply: object) -> None:
            if self.is_over:
                return
            if not isinstance(reply, list):
                # Refused, or the outbox is full: the core asks again at its next look.
                self.counters.store_errors += 1
                self.call.intake.refilling = False
                return
            found: list[tuple[str, ReplyEntry]] = []
            for entry_id, fields in reply:
                entry = self._read(fields)
                if entry is not None:
                    found.append((entry_id.decode(), entry))
            now = now_ms()
            self.take(self.call.on_refill(after_id, found, now), now)

        key = self.owner.keys.reply(self.call_sid).encode()
        args = [b"XRANGE", key, b"(" + after_id.encode(), b"+", b"COUNT", REFILL_COUNT]
        self.outbox.command(self.lane, args, on_reply=answered)
