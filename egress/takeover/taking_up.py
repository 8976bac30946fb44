"""How an owner takes up a call that another had: from which frame on, under which number, heard up to where.

Why it exists: the owner before us may be dead, and its last word on the card a second old. What it has sent
since, ingress knows, which gave it to the socket: so a new owner asks, and reads nothing as long as it waits
for the answer. What was forwarded is passed over, and stands in the account as what it is: partly heard,
partly still to be played.

Where the stream that was asked of is gone, the word that its ingress left on the card stands for the answer.

Owns: the wait for that answer, the frames to pass over, the numbers above all that were used, the cut below
which nothing may be heard. Pure. Must not know: how ingress is asked, what a flush reports.

Frames are counted from where the card says: it is written before the frames that it numbers, and both go the
same way, so whatever ingress has, the card knows of its beginning.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field

from egress.heard.accounts import DeliveryCounters
from egress.heard.ledger import Ledger
from egress.pacing.answers import Answers
from egress.pacing.pacer import AHEAD_MS, Pacer
from egress.reply.backlog import Backlog
from egress.takeover.positions import Start
from shared.audio import FRAME_MS
from shared.contract.streams.reply import ReplyEntry

ATTACH_WAIT_MS = 100.0
"""How long a new owner waits to be told the last frame forwarded (docs/design.md, Ownership)."""

UNANSWERED_MARGIN_FRAMES = 100
"""A new owner that was told nothing may be behind the card's number by the card's age (1 s) and a lead. If
it cannot know which audio those frames were, it leaves twice as many numbers out: numbers need only rise."""

Early = list[tuple[str, ReplyEntry]]


@dataclass(slots=True)
class TakingUp:
    """Of one call. `skip` moves over what ingress has already given to the socket."""

    start: Start
    claimed_at_ms: InitVar[float]
    backlog: Backlog
    ledger: Ledger
    pacer: Pacer
    answers: Answers
    counters: DeliveryCounters
    answer_by_ms: float | None = field(init=False)
    """Until then ingress is waited for; None: no more."""
    void_below: int = field(init=False)
    """What has a lower cut is void: the card or ingress knows more than we have read of `reply`."""
    _follows: bool = field(init=False)
    """The first answer says what an owner before us has sent: that is not void since."""
    _is_answered: bool = field(init=False, default=False)
    _through_n: int = field(init=False, default=0)
    """Frames up to this number were forwarded."""
    _heard: int = field(init=False)
    """So many of the next frames were heard on a stream that is gone: whatever numbers they get."""
    _heard_by_ms: float = field(init=False)
    _plays_out_ms: float | None = field(init=False, default=None)
    """When that frame will have played, by ingress's word; None: nobody said it."""
    _early: Early = field(init=False, default_factory=list)
    """What was read before ingress answered."""

    def __post_init__(self, claimed_at_ms: float) -> None:
        self.answer_by_ms = claimed_at_ms + ATTACH_WAIT_MS
        self.void_below = self.start.cut
        self._follows = not self.start.is_first
        self.ledger.know_behind(self.start.behind_ms)
        self._heard = self.start.heard_frames
        # As with the base: how late the ear was is taken off their number.
        self._heard_by_ms = claimed_at_ms - self.start.behind_ms

    # The wait.

    def keeps(self, entry_id: str, entry: ReplyEntry) -> bool:
        """Whether an entry of `reply` waits for ingress's answer too: a flush in it is answered by what was
        sent, be it by another."""
        if self.answer_by_ms is None or not self._follows:
            return False
        self._early.append((entry_id, entry))
        return True

    def take_early(self) -> Early:
        """What has waited, in order."""
        early, self._early = self._early, []
        return early

    def stop_waiting(self) -> None:
        """There is another stream, or none: what ingress will answer is of no use any more."""
        self.answer_by_ms = None
        self._follows = False

    def give_up(self, now_ms: float) -> None:
        """Nobody answers: the card's number stands, and ingress drops what it had."""
        asked_at_ms, self.answer_by_ms = now_ms - ATTACH_WAIT_MS, None
        if self.start.is_of_leg:
            self._through_n = max(self._through_n, self.start.frame_n)
            # At the latest: whoever sent them is gone since, and was so much ahead.
            self._plays_out_ms = asked_at_ms + self.pacer.lead_ms + AHEAD_MS
        else:
            self.renumber()

    def answered(self, n: int, cut: int, now_ms: float, playing_ms: float | None) -> bool:
        """Ingress has given the socket all frames up to `n`, has seen this cut, and what it gave plays for so
        long; None: it does not say. True: what still plays is void, and is to be cleared."""
        self.answer_by_ms = None
        self._is_answered = True
        self.void_below = max(self.void_below, cut)
        if not self._follows:
            return False
        self._follows = False
        if not self.start.is_of_leg:
            # It numbered an older stream: what was forwarded there the caller may not have heard. Another
            # ingress had it, and may have the next one: it knows of numbers that this one has never seen.
            known = max(n, self.start.frame_n + UNANSWERED_MARGIN_FRAMES)
            self.backlog.next_n = max(self.backlog.next_n, known + 1)
            return False
        if cut < self.ledger.cut and (playing_ms is None or playing_ms > 0):
            # Its flush was told, its clear did not come to ingress.
            return True
        if playing_ms is not None and not self.counters.frames_sent:  # Else it comes after we gave up.
            self.forwarded(n)
            self._plays_out_ms = now_ms + playing_ms
            self.pacer.follow(now_ms, playing_ms)
        return False

    # Frames and numbers.

    def forwarded(self, n: int) -> None:
        """Frames up to `n` need not be sent."""
        if n >= self.backlog.next_n and n > self._through_n:
            self._through_n, self._plays_out_ms = n, None

    def pass_heard(self) -> None:
        """Moves over frames that were heard on a stream that is gone. Their numbers are left out."""
        backlog = self.backlog
        while self._heard and (stretch := backlog.next_stretch()) is not None:
            n, index = backlog.advance(stretch)
            backlog.confirm(n)
            self.answers.passed(stretch.item.response)
            self.ledger.given(stretch.item, (index + 1) * FRAME_MS, self._heard_by_ms)
            self.counters.frames_skipped += 1
            self._heard -= 1

    def skip(self, now_ms: float) -> None:
        """Moves over frames that ingress has already given to the socket."""
        self.pass_heard()
        backlog, ledger = self.backlog, self.ledger
        # By no word of ingress: those of an owner before us have played, those of a write given up came now.
        playing_ms = FRAME_MS if self.counters.frames_sent else 0.0
        while backlog.next_n <= self._through_n:
            stretch = backlog.next_stretch()
            if stretch is None:
                return
            n, index = backlog.advance(stretch)
            backlog.confirm(n)
            self.answers.passed(stretch.item.response)
            end_ms = (index + 1) * FRAME_MS
            if self._plays_out_ms is None:
                ledger.skipped(stretch.item, end_ms, now_ms, playing_ms)
            else:
                ledger.given(stretch.item, end_ms, self._plays_out_ms - (self._through_n - n) * FRAME_MS)
            self.counters.frames_skipped += 1

    def flushed(self) -> None:
        """What follows is another reply."""
        self._heard = 0
        self.renumber()

    def renumber(self) -> None:
        """The frames to come are others than those that we, or an owner before us, may have sent: they go
        above these numbers."""
        known = max(self._through_n, self.start.frame_n)
        if not self._is_answered and not self.start.is_first:
            known += UNANSWERED_MARGIN_FRAMES
        self.backlog.next_n = max(self.backlog.next_n, known + 1, self.backlog.highest_n + 1)
        self._through_n, self._plays_out_ms = 0, None
