"""What is to follow what is being said, as the card says it."""

from __future__ import annotations

from brain.sequencer import SequencerConfig
from brain.sequencer.state import PendingHangUp, PendingMove, Response, State
from brain.takeover.pending import PendingWords
from shared.contract.card import BrainPending, Next


def test_it_is_written_when_it_changes_and_emptied_once() -> None:
    """A move that begins keeps the stream it began from, whatever stream is open later."""
    words, state = PendingWords(), State(config=SequencerConfig(), cut=0)
    assert words.changed(state, 1) is None
    state.move = PendingMove(kind="dial", argument="+1", call_id="t1", response_id="", deadline_ms=0.0)
    assert words.changed(state, 1) == _dial(0)
    assert words.changed(state, 1) is None
    state.move.gone = True
    assert words.changed(state, 1) == _dial(1)
    assert words.changed(state, 2) is None
    state.move = None
    assert words.changed(state, 2) == BrainPending(
        pending=Next.NOTHING, pending_arg="", pending_call="", pending_leg=0, pending_said=False
    )
    assert words.changed(state, 2) is None


def test_a_hang_up_says_its_cause() -> None:
    """And is more than a move."""
    words, state = PendingWords(), State(config=SequencerConfig(), cut=0)
    state.hang_up = PendingHangUp(cause="idle", deadline_ms=0.0)
    told = words.changed(state, 1)
    assert told is not None
    assert (told.pending, told.pending_arg, told.pending_said) == (Next.HANG_UP, "idle", False)
    state.hang_up.response_id = "r"
    farewell = state.responses["r"] = Response(response_id="r", deadline_ms=0.0, confirmed=True, sounded=True)
    assert words.changed(state, 1) is None
    farewell.done = True
    said = words.changed(state, 1)
    assert said is not None
    assert said.pending_said


def _dial(leg: int) -> BrainPending:
    return BrainPending(
        pending=Next.DIAL, pending_arg="+1", pending_call="t1", pending_leg=leg, pending_said=False
    )
