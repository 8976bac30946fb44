"""The verbs of the sequencer: take an input, judge a delta, name the next moment at which a wait is over.

Why it exists: a driver has one door, and each step goes through it in one order. Waits that are over first;
then the input, by its row; then the waits again, since what it began may be over already (a wish that came
back out of time); then a doubt that has nothing to be about any more, whatever gate is open by now, and who
was only kept to hear something out.

Owns: that order. Must not know: any rule.
"""

from __future__ import annotations

from brain.sequencer import (
    ask_again,
    confirm,
    door,
    hang_up,
    inherit,
    move,
    replace,
    responses,
    rollover,
    waits,
)
from brain.sequencer.actions import Action, AudioVerdict
from brain.sequencer.config import SequencerConfig
from brain.sequencer.debts import Debts, Owed
from brain.sequencer.inherit import Left
from brain.sequencer.inputs import FROM_SERVER, Input
from brain.sequencer.state import Phase, SlotState, State
from brain.sequencer.transitions import TRANSITIONS


class Sequencer:
    """One call's sequencer. Not thread-safe; a driver calls it from one task at a time.

    `now_ms` is monotonic and never falls from one call of a verb to the next.
    """

    __slots__ = ("_state",)

    def __init__(self, config: SequencerConfig, state: State | None = None) -> None:
        """A fresh one; with `state`, one that goes on where another stood."""
        self._state = _fresh(config) if state is None else state

    @property
    def state(self) -> State:
        """The state, to read: for the card, for diagnosis and for tests."""
        return self._state

    @property
    def slot(self) -> SlotState:
        """Who holds the slot."""
        return self._state.slot

    @property
    def cut(self) -> int:
        """The number of the present cut."""
        return self._state.cut

    @property
    def audible_response_id(self) -> str:
        """The response the caller hears now, empty for none: "the AI is speaking"."""
        speaking = self._state.speaking
        return "" if speaking is None else speaking.response_id

    @property
    def owed(self) -> Owed | None:
        """The sound that the caller waits for; None: nothing is owed."""
        return self._state.debts.owed

    @property
    def is_busy(self) -> bool:
        """Whether anything is said, asked for, waited for or run: no time for an idle prompt."""
        s = self._state
        is_owed = s.debts.owed is not None
        return (
            s.phase is not Phase.OPEN or s.hang_up is not None or is_owed or s.is_working() or s.is_playing()
        )

    @property
    def open_tool_calls(self) -> frozenset[str]:
        """The ids of the tool calls under way."""
        batches = self._state.batches.values()
        return frozenset(call_id for batch in batches for call_id in batch.open_tool_calls)

    @property
    def runs_tools(self) -> bool:
        """Whether one of them still runs; the others wait for a session that takes their result."""
        batches = self._state.batches.values()
        return any(call.result is None for batch in batches for call in batch.open_tool_calls.values())

    def handle(self, input_: Input, now_ms: float) -> list[Action]:
        """Takes one input; the actions are to be done now, in this order."""
        s = self._state
        if isinstance(input_, FROM_SERVER):
            replace.heard_from(s)
        waits.fire(s, now_ms)
        row = TRANSITIONS[(s.slot, type(input_))]
        if row.handler is not None:
            row.handler(s, input_, now_ms)
        waits.fire(s, now_ms)
        confirm.settle(s, now_ms)
        door.dispatch(s, now_ms)
        move.depart_if_heard(s, now_ms)
        hang_up.end_if_heard(s)
        ask_again.watch(s, now_ms)
        return self._take_actions()

    def inherit(self, left: Left, now_ms: float) -> list[Action]:
        """Goes on where another brain's stood; before the first input. The actions are to be done now."""
        inherit.inherit(self._state, left, now_ms)
        return self._take_actions()

    def admit_audio(
        self, response_id: str, item_id: str, n_bytes: int, now_ms: float, *, audible: bool = True
    ) -> AudioVerdict:
        """Judges one audio delta of `n_bytes` µ-law; cheap, synchronous, no input object. `audible`: it is no
        silence."""
        replace.heard_from(self._state)
        return responses.admit_audio(self._state, response_id, item_id, n_bytes, now_ms, audible=audible)

    def is_quiet(self, now_ms: float, *, may_play: bool) -> bool:
        """Whether the call may change hands without anybody's notice; with `may_play` while audio plays."""
        return rollover.is_quiet(self._state, now_ms, may_play=may_play)

    def next_deadline_ms(self) -> float | None:
        """When `handle(Tick())` is due at the latest, None when nothing waits."""
        return waits.next_ms(self._state)

    # Private.

    def _take_actions(self) -> list[Action]:
        actions, self._state.actions = self._state.actions, []
        return actions


def _fresh(config: SequencerConfig) -> State:
    return State(config=config, cut=config.first_cut, debts=Debts(raised=config.first_debt))
