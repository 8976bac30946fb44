"""One call as egress sees it: what came, what is due, what was heard, and what to do now.

Why it exists: framer, backlog, pacer and ledger each know one thing; the rules between them (a flush
overtakes all that waits; a lost socket rewinds to what was heard; a dead brain's item is closed) are here.

Owns: what a flush does, the way to ingress (stopped, detached). Pure. Inputs and `now_ms` come in, actions go
out. Must not know: Redis, sockets, clocks, other calls, what a new owner begins with
(egress/takeover/taking_up.py).

The driver calls `on_*` with what it reads, and `tick` after each input and when `next_due_ms` has come: a
first frame of a talk spurt then leaves at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field

from egress.actions import Action, Attach, Clear, Pause, Post, Refill, Save
from egress.heard.accounts import DeliveryCounters, Echo
from egress.heard.ledger import Ledger
from egress.pacing.answers import Answers
from egress.pacing.pacer import LEAD_MS, Pacer
from egress.pacing.sender import Sender
from egress.pacing.standstill import WORDS, Standstill, is_playing, stood_at_ms
from egress.reply.backlog import Backlog
from egress.reply.framer import frame_in_ms
from egress.reply.intake import Intake, Judgement
from egress.takeover.positions import Start, figures_of
from egress.takeover.taking_up import TakingUp
from shared.audio import FRAME_MS
from shared.contract.streams.control import Flushed
from shared.contract.streams.reply import ReplyEntry

PROBE_MS = 500.0
"""How often a stopped call asks ingress for a sign of life."""


@dataclass(slots=True)
class Delivery:
    """The core of one call."""

    start: Start
    claimed_at_ms: InitVar[float]
    lead_ms: float = LEAD_MS
    counters: DeliveryCounters = field(default_factory=DeliveryCounters)
    leg: int = field(init=False)
    ingress: str = field(init=False)
    unsent_bytes: int = field(init=False, default=0)
    """What ingress's socket had not taken, by its last word."""
    pacer: Pacer = field(init=False)
    ledger: Ledger = field(init=False)
    backlog: Backlog = field(init=False)
    intake: Intake = field(init=False)
    answers: Answers = field(init=False, default_factory=Answers)
    taking_up: TakingUp = field(init=False)
    sender: Sender = field(init=False)
    standstill: Standstill = field(init=False, default_factory=Standstill)
    can_pause: bool = field(init=False, default=False)
    """By its own word the ingress of this stream knows how to pause."""
    detached: bool = field(init=False)
    ended: bool = field(init=False, default=False)
    _detached_at_ms: float = field(init=False, default=0.0)
    _probe_at_ms: float = field(init=False, default=0.0)
    _check_at_ms: float = field(init=False, default=0.0)

    def __post_init__(self, claimed_at_ms: float) -> None:
        start = self.start
        self.leg, self.ingress = start.leg, start.ingress
        self.detached = not start.connected
        self.pacer = Pacer(self.lead_ms)
        self.ledger = Ledger(start.leg, start.base.cut)
        self.backlog = Backlog(start.base.n + 1)
        # Before all that may be taken off the clock: the base says how late the ear was.
        heard_by_ms = claimed_at_ms - start.behind_ms
        self.intake = Intake(self.backlog, self.ledger, start.base, claimed_at_ms, heard_by_ms)
        self.taking_up = TakingUp(
            start, claimed_at_ms, self.backlog, self.ledger, self.pacer, self.answers, self.counters
        )
        self.sender = Sender(self.backlog, self.pacer, self.ledger, self.answers, self.counters)
        self.ledger.hear_from(claimed_at_ms)
        if self.detached:
            self.taking_up.stop_waiting()
            self.ledger.hold(claimed_at_ms)

    @property
    def cut(self) -> int:
        """The number of the reply that is now good."""
        return self.ledger.cut

    def begin(self) -> list[Action]:
        """The first action: asks ingress how far the owner before us came."""
        return [] if self.detached else [Attach(n=self.start.frame_n)]

    # The reply.

    def on_reply(self, entry_id: str, entry: ReplyEntry, now_ms: float) -> list[Action]:
        """An entry of `reply`, in order; of a new owner it may wait for ingress's answer."""
        if self.taking_up.keeps(entry_id, entry):
            return []
        judgement = self.intake.judge(entry_id, entry, now_ms)
        actions = self._follow(judgement, entry_id, entry, now_ms)
        if entry.kind in WORDS and judgement is not Judgement.DROP:
            self.standstill.told(entry, now_ms)
        return actions

    def on_refill(self, after_id: str, entries: list[tuple[str, ReplyEntry]], now_ms: float) -> list[Action]:
        """What was read again behind `after_id`; an answer that comes after a flush is dropped."""
        intake = self.intake
        if not intake.is_wanted(after_id):
            return []
        actions: list[Action] = []
        for entry_id, entry in entries:
            actions += self._follow(intake.judge_again(entry_id, entry), entry_id, entry, now_ms)
            if intake.is_full:
                break
        intake.end_refill(not entries)
        return actions

    def on_unreadable(self, entry_id: str) -> None:
        """An entry that says nothing to us: it is trimmed in its turn."""
        self.backlog.note(entry_id)

    # Sending.

    def tick(self, now_ms: float, patience_ms: float = 0.0) -> list[Action]:
        """What is due now. Calling it early, late or twice does no harm. `patience_ms`: frames that have been
        due for less wait for the next call."""
        actions: list[Action] = []
        answer_by_ms = self.taking_up.answer_by_ms
        if answer_by_ms is not None and now_ms >= answer_by_ms:
            self.taking_up.give_up(now_ms)
            actions += self._read_early(now_ms)
        if self.standstill.is_due(now_ms) and self.taking_up.answer_by_ms is None:
            actions += self._stop(now_ms) if self.standstill.turn(now_ms) else []
        if self.is_sending:
            if self.pacer.is_overdue(now_ms):
                self.ledger.hold(self.pacer.unconfirmed_since_ms or now_ms)
                self.pacer.stop()
                actions.append(self._probe(now_ms))
            else:
                self._send(now_ms, patience_ms, actions)
        elif self.detached:
            self.taking_up.pass_heard()
        elif self.pacer.stopped and now_ms >= self._probe_at_ms:
            actions.append(self._probe(now_ms))
        if now_ms >= self._check_at_ms:
            # Deadlines of marks and of quiet responses are seconds long: no need to check at each tick.
            self._check_at_ms = now_ms + 100.0
            self.ledger.expire(now_ms)
            if self.ledger.is_doubtful(now_ms) and not self.detached and now_ms >= self._probe_at_ms:
                actions.append(self._probe(now_ms))
            if self.intake.waits_for_room:
                self._refill(now_ms, actions)
        return actions + self._posts() if self.ledger.has_changes else actions

    @property
    def is_sending(self) -> bool:
        """Whether there is a way to Twilio that answers, and what is here is not void."""
        return not (
            self.pacer.stopped
            or self.detached
            or self.ended
            or self.standstill.is_still
            or self.taking_up.answer_by_ms is not None
            or self.ledger.cut < self.taking_up.void_below
        )

    @property
    def is_busy(self) -> bool:
        """Whether `tick` has, or will soon have, something to do without another input."""
        return not self.ended and (
            self.backlog.unsent > 0
            or self.taking_up.answer_by_ms is not None
            or self.pacer.stopped
            or self.pacer.unconfirmed_since_ms is not None
            or self.ledger.next_deadline_ms is not None
            or self.intake.waits_for_room
            or self.standstill.is_busy
        )

    @property
    def next_due_ms(self) -> float | None:
        """When the next frame should leave, or ingress's answer is not waited for any more; for choosing a
        slot of the metronome. None in silence."""
        if self.taking_up.answer_by_ms is not None:
            return self.taking_up.answer_by_ms
        return self.pacer.next_due_ms if self.has_frames else None

    @property
    def has_frames(self) -> bool:
        """Whether frames are here that may leave, in their time."""
        return self.backlog.unsent > 0 and self.is_sending

    # The way to ingress and back.

    def on_attached(
        self, leg: int, n: int, now_ms: float, *, cut: int = 0, playing_ms: float | None = None
    ) -> list[Action]:
        """Ingress answers: `n` was the last frame that it gave the socket, 0 for none, and `cut` the highest
        that it has seen. `playing_ms`: see TakingUp.answered."""
        if leg != self.leg or self.ended:
            return []
        actions: list[Action] = []
        if self.taking_up.answered(n, cut, now_ms, playing_ms):
            actions.append(Clear(n=self.backlog.next_n - 1))
        self._confirm(n, now_ms)
        return [*actions, *self._read_early(now_ms), *self._posts()]

    def on_forwarded(self, leg: int, n: int, unsent_bytes: int, now_ms: float) -> list[Action]:
        """Ingress has given the socket all frames up to `n`; `unsent_bytes` wait in its socket."""
        if leg != self.leg or self.ended:
            return []
        self.unsent_bytes = unsent_bytes
        self._confirm(n, now_ms)
        return self._posts()

    def on_echo(self, name: str, now_ms: float) -> list[Action]:
        """Twilio has echoed a mark; an ingress that stood still tells so seconds later."""
        is_late = self.detached or self.pacer.is_waking(now_ms)
        if self.ended or self.ledger.echo(name, now_ms, is_late=is_late) is not Echo.PLAYED:
            return []
        for stretch in self.backlog.stretches:
            if stretch.unsent and self.ledger.find(stretch.item.item_id) is None:
                self.backlog.pass_over(stretch.item.item_id)
        return self._posts()

    def on_stream(self, leg: int, ingress: str, now_ms: float, *, was_open: bool = False) -> list[Action]:
        """The call has a new media stream: goes on from what was heard on the old one. `was_open`: the old
        one's socket stayed open until it was given up, whatever became of its ingress."""
        if leg <= self.leg or self.ended:
            return []
        self.taking_up.stop_waiting()
        early = self._read_early(now_ms)
        if was_open or (self.ledger.was_open(now_ms) and not self.detached):
            self.pacer.restart()
            # What its ingress gave the socket after that, having stood still, nobody heard.
            self.ledger.end_stream(self._detached_at_ms if self.detached else now_ms)
        settled_ms = self._settled(now_ms)
        self.taking_up.renumber()
        moved = self.backlog.rewind_to(settled_ms)
        self.leg, self.ingress = leg, ingress
        self.ledger.new_leg(leg, now_ms)
        for item, to_ms in moved:
            self.ledger.rewind(item, to_ms)
        self.detached = self.can_pause = False
        self.unsent_bytes = 0
        self.pacer.restart()
        self.answers.restart()
        self.ledger.play_from(now_ms)
        return [*early, Attach(n=self.backlog.next_n - 1), self.save(now_ms), *self.tick(now_ms)]

    def on_detached(self, leg: int, now_ms: float, *, word_ago_ms: float | None = None) -> list[Action]:
        """The media stream is gone: nothing is sent until there is a new one. `word_ago_ms`: so long ago it
        was still there, whatever was said of it last; None: nobody can say."""
        if leg != self.leg or self.detached:
            return self._posts()
        self.detached, self._detached_at_ms = True, now_ms
        if word_ago_ms is None:
            self.ledger.hold(now_ms)
        else:
            self.pacer.restart()  # Nor do frames that nothing was said of make it doubtful.
            self.ledger.end_stream(now_ms - word_ago_ms)
        self.taking_up.stop_waiting()
        # Should we be gone when there is a new stream: it goes on from here.
        return [*self._read_early(now_ms), *self._posts(), self.save(now_ms)]

    def on_claimed_again(self, now_ms: float) -> list[Action]:
        """The call is ours under a higher epoch. Ingress may have dropped what we sent under the old one:
        goes on behind the last frame that it forwarded."""
        if self.ended or self.detached:
            return []
        since_ms = self.pacer.unconfirmed_since_ms
        self.ledger.hold(now_ms if since_ms is None else since_ms)
        self.pacer.pause()
        return [self._probe(now_ms)]

    def on_ended(self, now_ms: float) -> list[Action]:
        """The call is over."""
        if self.ended:
            return []
        self.ended = True
        self.standstill.forget()
        self.ledger.end(now_ms)
        return self._posts()

    # Positions and figures.

    def save(self, now_ms: float) -> Save:
        """Positions and figures for the card, and how far the reply may be trimmed. Once a second."""
        settled_ms = self._settled(now_ms)
        self.backlog.release(settled_ms)
        base = self.backlog.base(self.cut, settled_ms)
        figures = figures_of(
            base, self.leg, self.ledger, self.backlog, self.pacer, self.intake, self.counters, now_ms
        )
        return Save(keep_from=self.backlog.keep_from, figures=figures)

    # Private.

    def _follow(self, judgement: Judgement, entry_id: str, entry: ReplyEntry, now_ms: float) -> list[Action]:
        if judgement is Judgement.FLUSH:
            actions = self._flush(entry.cut, now_ms)
            self.intake.receive(entry_id, entry, now_ms)
            return [*actions, *self._posts(), self.save(now_ms)]
        if judgement is Judgement.TAKE:
            self.intake.receive(entry_id, entry, now_ms)
        return self._posts() if self.ledger.has_changes else []

    def _flush(self, cut: int, now_ms: float) -> list[Action]:
        """A higher cut: what waits is void, Twilio forgets what it has (if anything), and the brain is
        told."""
        self.taking_up.skip(now_ms)
        is_heard = not self.backlog.unsent and self.ledger.only_waits_for_marks(now_ms)
        reports = self.ledger.flush(cut, now_ms)
        self.counters.flushes += 1
        self.counters.frames_flushed += self.backlog.clear()
        self.intake.flush()
        self.pacer.restart()
        self.answers.restart()
        self.standstill.forget()
        if not self.detached:
            self.ledger.play_from(now_ms)
        self.taking_up.flushed()
        actions: list[Action] = [] if self.detached or is_heard else [Clear(n=self.backlog.next_n - 1)]
        actions.append(Post(message=Flushed.of(cut, reports)))
        return actions

    def _stop(self, now_ms: float) -> list[Action]:
        """Nothing more leaves. What Twilio holds is forgotten there, and will be sent again from the frame in
        which the ear stands now. Where ingress cannot have that done, it plays on to its end."""
        self.taking_up.skip(now_ms)
        if not self.can_pause or self.detached or not is_playing(self.ledger, now_ms):
            self.pacer.rest()
            return []
        name, unsent = self.ledger.stop(now_ms), self.backlog.unsent
        self.taking_up.renumber()
        for item, to_ms in self.backlog.rewind_to(stood_at_ms(self.ledger), frame_in_ms):
            self.ledger.rewind(item, to_ms)
        self.ledger.play_from(now_ms)
        self.pacer.restart()
        if self.backlog.unsent > unsent:
            self.answers.restart()
        actions: list[Action] = [Pause(n=self.backlog.next_n - 1, mark=name)]
        self.sender.mark_ends(now_ms, actions)
        return [*actions, self.save(now_ms)]

    def _send(self, now_ms: float, patience_ms: float, actions: list[Action]) -> None:
        self.taking_up.skip(now_ms)
        if self.sender.send(now_ms, patience_ms, actions):
            # Should the caller leave within the second, the card says that this was not yet heard.
            actions.append(self.save(now_ms))

    def _read_early(self, now_ms: float) -> list[Action]:
        """What came before ingress had answered."""
        return [action for entry in self.taking_up.take_early() for action in self.on_reply(*entry, now_ms)]

    def _confirm(self, n: int, now_ms: float) -> None:
        self.ledger.hear_from(now_ms)
        self.pacer.confirm(n)
        confirmed = 0
        for item, end_ms, count in self.backlog.confirm(n):
            self.ledger.confirm(item, end_ms, now_ms)
            confirmed += count
        self.taking_up.forwarded(n)
        if self.pacer.stopped and not self.detached:
            # A sign of life: on behind the last frame forwarded, with the old numbers: ingress drops repeats.
            playing_ms = confirmed * FRAME_MS
            unsent = self.backlog.unsent
            for item, to_ms in self.backlog.rewind_to_confirmed():
                self.ledger.rewind(item, to_ms)
            self.pacer.resume(now_ms, self.backlog.unsent - unsent, playing_ms)
            self.ledger.resume(now_ms, playing_ms=playing_ms)
            self.answers.restart()

    def _probe(self, now_ms: float) -> Attach:
        self._probe_at_ms = now_ms + PROBE_MS
        return Attach(n=self.backlog.next_n - 1)

    def _settled(self, now_ms: float) -> Callable[[str], float]:
        """What of each item will never be needed again."""
        since_ms = self.pacer.unconfirmed_since_ms
        return lambda item_id: self.ledger.settled_ms(item_id, now_ms, since_ms)

    def _posts(self) -> list[Action]:
        """Transitions of responses, as control messages."""
        waiting = self.backlog.unsent
        return [Post(message=change.message(self.cut, waiting)) for change in self.ledger.take_changes()]

    def _refill(self, now_ms: float, actions: list[Action]) -> None:
        """Reads on when enough of what is held was heard."""
        self.backlog.release(self._settled(now_ms))
        if (after_id := self.intake.refill_after()) is not None:
            actions.append(Refill(after_id=after_id))
