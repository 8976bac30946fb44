"""Whether one call is recorded, and whether somebody listens: what the card says of it, what ingress is told.

Why it exists: a caller must have heard that they are recorded before they are, and whoever asked for a pause
must have it at once; both are for the brain to know, and the sound is ingress's. Owns: that state, its steps,
that an announcement which was cut off is said again. Must not know: sound, who keeps it.

    it is        then                                                        it is
    NO           it is known who answers, and they announce it               ANNOUNCING
    NO           it is known who answers, and callers know already           ON
    ANNOUNCING   egress has said that the announcement was heard, all of it  ON
    ANNOUNCING   it was cut off, TIMES_MOST times; or nobody has it any more NO

- Nothing else leads to ON. A pause lies above these and changes none of them: where it ends, the call is what
  it would be without it.
- An announcement that was cut off is said again as soon as nothing is said, asked for or waited for.
- A brain that takes the call goes on as the card says.
- Whoever listens is believed to be there for a while; what a pause hides is hidden from them too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from brain.agents.agent import Agent
from brain.sequencer.inputs import Input, NoticeReady
from brain.sequencer.notice import is_notice, notice_id, number_of
from brain.sound.kinds import Notice
from brain.telling.teller import Pen
from shared.clock import wall_ms
from shared.contract.card import BrainListened, BrainRecording, TapeState
from shared.contract.streams.control import LISTEN_MS
from shared.contract.streams.journal import Kind
from shared.contract.streams.tape import TapeWish
from shared.contract.views import BrainView

ANNOUNCEMENT = 1
"""Which of the notices it is: the first one."""

TIMES_MOST = 3
"""An announcement is said so often at most. Where it is cut off each time, or nothing is known of what is
heard, the caller would hear nothing else."""


@dataclass(slots=True)
class CallRecording:
    """Of one call. `write` puts a record on its card; `tell` says to ingress what is wanted now."""

    write: Callable[[object], None]
    tell: Callable[[TapeWish], None]
    pen: Pen
    reached: TapeState
    """What it is but for a pause: never PAUSED."""
    is_paused: bool
    from_ms: int | None
    """When the caller knew; None: they have not been told. By it another brain knows what a pause lies on."""
    listen_until_ms: int
    clock: Callable[[], int] = wall_ms
    announcement: Notice | None = field(default=None, init=False)
    """Of the agent that answered the call, whoever has been handed it since."""
    _is_due: bool = field(default=False, init=False)
    """The announcement was not heard whole, and is not on its way to the caller."""
    _times: int = field(default=1, init=False)
    """How often it was said, as far as is known here."""

    @property
    def state(self) -> TapeState:
        """What it is."""
        return TapeState.PAUSED if self.is_paused else self.reached

    def begins(self, agent: Agent, first: Sequence[Input], unheard: Collection[str] = ()) -> None:
        """It is known who answers. `first`: what is said first; `unheard`: the items that are in `reply`
        already, and that the caller may still hear."""
        recorded = agent.recording
        self.announcement = recorded.announcement if recorded.record else None
        said = [each.item_id for each in first if isinstance(each, NoticeReady)]
        if self.reached is not TapeState.NO:
            is_unheard = self.reached is TapeState.ANNOUNCING
            self._is_due = is_unheard and not any(_is_announcement(each) for each in [*unheard, *said])
            self._tell()
            self.write(self.words)  # Redis may have lost it.
        elif recorded.record and self.announcement is None:
            self._reach(TapeState.ON)
        elif recorded.record and said:
            self._reach(TapeState.ANNOUNCING)

    def heard(self, item_id: str, *, heard_out: bool) -> None:
        """It is known what the caller has heard of an item. `heard_out`: all of it, as egress has said."""
        if self.reached is not TapeState.ANNOUNCING or not _is_announcement(item_id):
            return
        self._is_due = not heard_out
        if heard_out:
            self._reach(TapeState.ON)

    def again(self) -> NoticeReady | None:
        """Asked where nothing is said, asked for or waited for: the announcement, if it is to be said once
        more."""
        if not self._is_due:
            return None
        self._is_due = False
        notice = self.announcement
        if notice is None or self._times >= TIMES_MOST:
            self._reach(TapeState.NO)
            return None
        self._times += 1
        item_id = notice_id(ANNOUNCEMENT, interruptible=False, again=self.clock())
        return NoticeReady(item_id=item_id, n_bytes=len(notice.audio), text=notice.text)

    def pause(self, is_paused: bool) -> None:
        """The model was asked to keep something out of the recording; or it is over. Told though it may be so
        already: what nobody may hear must not hang on what is known here."""
        if is_paused or self.is_paused:
            self.is_paused = is_paused
            self._changed()

    def listened(self) -> None:
        """Somebody listens, and will for a while."""
        is_new = not self._listen_ms
        self.listen_until_ms = self.clock() + LISTEN_MS
        self.write(BrainListened(listen_until_ms=self.listen_until_ms))
        self._tell()
        if is_new:
            self.pen.note(Kind.LISTENED)

    @property
    def words(self) -> BrainRecording:
        """As it stands on the card."""
        return BrainRecording(tape=self.state, taped_from_ms=self.from_ms)

    def wish(self) -> TapeWish | None:
        """What ingress is told every second; None: it need not be."""
        listen_ms = self._listen_ms
        if self.state is TapeState.NO and not listen_ms:
            return None
        return TapeWish(recording=self.state, listen_ms=listen_ms)

    # Private.

    @property
    def _listen_ms(self) -> int:
        return max(0, self.listen_until_ms - self.clock())

    def _reach(self, state: TapeState) -> None:
        self.reached = state
        if state is TapeState.ON and self.from_ms is None:
            self.from_ms = self.clock()
        self._changed()

    def _changed(self) -> None:
        self._tell()  # First: the sooner, the less is heard of what is to be kept out.
        self.write(self.words)
        self.pen.note(Kind.TAPED, what=self.state.value or "no")

    def _tell(self) -> None:
        self.tell(TapeWish(recording=self.state, listen_ms=self._listen_ms))


def make_recording(
    card: BrainView,
    known: BrainRecording | None,
    write: Callable[[object], None],
    tell: Callable[[TapeWish], None],
    pen: Pen,
    clock: Callable[[], int] = wall_ms,
) -> CallRecording:
    """Of the call that `card` describes. `known`: what this process knows of it from before Redis lost it."""
    state, from_ms = card.tape, card.taped_from_ms
    if state is None and known is not None:
        state, from_ms = known.tape, known.taped_from_ms
    reached = state or TapeState.NO
    is_paused = reached is TapeState.PAUSED
    if is_paused:  # Before the caller knew there was nothing to be recorded: they are told then.
        reached = TapeState.ANNOUNCING if from_ms is None else TapeState.ON
    return CallRecording(write, tell, pen, reached, is_paused, from_ms, card.listen_until_ms or 0, clock)


# Private.


def _is_announcement(item_id: str) -> bool:
    return is_notice(item_id) and number_of(item_id) == ANNOUNCEMENT
