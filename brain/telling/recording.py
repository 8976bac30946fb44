"""Whether one call is recorded, and whether somebody listens: what the card says of it, what ingress is told.

Why it exists: a caller must have heard that they are recorded before they are, and whoever asked for a pause
must have it at once; both are for the brain to know, and the sound is ingress's. Owns: that state, its steps.
Must not know: sound, who keeps it.

- It begins when the announcement was heard whole; without one of ours, when it is known who answers. A call
  whose announcement was not heard out is not recorded.
- A brain that takes the call goes on as the card says.
- Whoever listens is believed to be there for a while; what a pause hides is hidden from them too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from brain.agents.agent import Agent
from brain.sequencer.inputs import Input, NoticeReady
from brain.sequencer.notice import is_notice, number_of
from brain.telling.teller import Pen
from shared.clock import wall_ms
from shared.contract.card import BrainListened, BrainRecording, TapeState
from shared.contract.streams.control import LISTEN_MS
from shared.contract.streams.journal import Kind
from shared.contract.streams.tape import TapeWish
from shared.contract.views import BrainView

ANNOUNCEMENT = 1
"""Which of the notices it is: the first one."""


@dataclass(slots=True)
class CallRecording:
    """Of one call. `write` puts a record on its card; `tell` says to ingress what is wanted now."""

    write: Callable[[object], None]
    tell: Callable[[TapeWish], None]
    pen: Pen
    state: TapeState
    from_ms: int | None
    listen_until_ms: int
    clock: Callable[[], int] = wall_ms

    def begins(self, agent: Agent, first: Sequence[Input]) -> None:
        """It is known who answers. `first`: what is said first."""
        if self.state is not TapeState.NO:
            self._tell()
            self.write(self.words)  # Redis may have lost it.
        elif agent.recording.announcement is None:
            if agent.recording.record:
                self._become(TapeState.ON)
        elif any(isinstance(each, NoticeReady) for each in first):
            self._become(TapeState.ANNOUNCING)

    def heard(self, item_id: str, *, complete: bool) -> None:
        """The caller has heard an item, `complete`: all of it."""
        if self.state is not TapeState.ANNOUNCING or not complete or not is_notice(item_id):
            return
        if number_of(item_id) == ANNOUNCEMENT:
            self._become(TapeState.ON)

    def pause(self, is_paused: bool) -> None:
        """The model was asked to keep something out of the recording; or it is over. Told though it may be so
        already: what nobody may hear must not hang on what is known here."""
        if is_paused or self.state is TapeState.PAUSED:
            self._become(TapeState.PAUSED if is_paused else TapeState.ON)

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

    def _become(self, state: TapeState) -> None:
        self.state = state
        self._tell()  # First: the sooner, the less is heard of what is to be kept out.
        if state is TapeState.ON and self.from_ms is None:
            self.from_ms = self.clock()
        self.write(self.words)
        self.pen.note(Kind.TAPED, what=state.value)

    def _tell(self) -> None:
        self.tell(TapeWish(recording=self.state, listen_ms=self._listen_ms))


def make_recording(
    card: BrainView,
    known: BrainRecording | None,
    write: Callable[[object], None],
    tell: Callable[[TapeWish], None],
    pen: Pen,
) -> CallRecording:
    """Of the call that `card` describes. `known`: what this process knows of it from before Redis lost it."""
    state, from_ms = card.tape, card.taped_from_ms
    if state is None and known is not None:
        state, from_ms = known.tape, known.taped_from_ms
    return CallRecording(write, tell, pen, state or TapeState.NO, from_ms, card.listen_until_ms or 0)
