"""The four verbs of the sequencer: handle an input, judge a delta, name the next deadline, hold still.

Owns: the order inside one step: overdue deadlines first, then the input by its row, then whatever gate
that opened, then the hang-up.
"""

from __future__ import annotations

from brain.sequencer import deadlines, door, hang_up, move, responses, rollover
from brain.sequencer.actions import Action, AudioVerdict
from brain.sequencer.inputs import Input
from brain.sequencer.state import SequencerConfig, SlotState, State
from brain.sequencer.transitions import TRANSITIONS


class Sequencer:
    """One call's sequencer. Not thread-safe; a driver calls it from one task at a time.

    `now_ms` is monotonic and never falls from one call of a verb to the next.
    """

    __slots__ = ("_state",)

    def __init__(self, config: SequencerConfig) -> None:
        self._state = State(config=config, cut=config.first_cut)

    @property
    def state(self) -> State:
        """The state, to read: for the card, for diagnosis and for tests."""
        return self._state

    def restore(self, state: State) -> None:
        """Go on from a state of another sequencer (tests walk them)."""
        self._state = state

    @property
    def slot(self) -> SlotState:
        return self._state.slot

    @property
    def cut(self) -> int:
        return self._state.cut

    @property
    def audible_response_id(self) -> str:
        """The response the caller hears now, empty for none: "the AI is speaking"."""
        speaking = self._state.speaking
        return "" if speaking is None else speaking.response_id

    @property
    def is_busy(self) -> bool:
        """Whether anything is said, asked for, waited for or run: no time for an idle prompt."""
        s = self._state
        return (
            s.slot not in (SlotState.FREE, SlotState.ENDED)
            or bool(s.deferred or s.batches)
            or s.speaking is not None
            or s.pending_cut is not None
            or s.move is not None
            or s.hang_up is not None
            or s.caller.speaking
            or s.caller.answer_due_until_ms is not None
            or s.unheard_bytes > 0
        )

    @property
    def open_tool_calls(self) -> frozenset[str]:
        """The tool calls under way."""
        return frozenset(
            call_id for batch in self._state.batches.values() for call_id in batch.open_tool_calls
        )

    def handle(self, input_: Input, now_ms: float) -> list[Action]:
        """Take one input; the actions are to be done now, in this order."""
        s = self._state
        deadlines.fire(s, now_ms)
        row = TRANSITIONS[(s.slot, type(input_))]
        if row.handler is not None:
            row.handler(s, input_, now_ms)
        return self._settled(now_ms)

    def admit_audio(self, response_id: str, item_id: str, n_bytes: int, now_ms: float) -> AudioVerdict:
        """Judge one audio delta of `n_bytes` µ-law; cheap, synchronous, no input object."""
        return responses.admit_audio(self._state, response_id, item_id, n_bytes, now_ms)

    def next_deadline_ms(self) -> float | None:
        """When `handle(Tick())` is due at the latest, None when nothing waits."""
        return deadlines.next_ms(self._state)

    def _settled(self, now_ms: float) -> list[Action]:
        s = self._state
        door.expire(s, now_ms)  # Also a wish that has just come back, out of time, from a create in flight.
        door.dispatch(s, now_ms)
        move.check(s, now_ms)
        hang_up.check(s, now_ms)
        rollover.check(s, now_ms)
        actions = s.actions
        s.actions = []
        return actions
