"""The table is whole, and says of each pair what happens."""

from __future__ import annotations

from brain.sequencer import SlotState
from brain.sequencer.inputs import Input
from brain.sequencer.transitions import TRANSITIONS


def test_every_state_and_input_has_a_row() -> None:
    """No pair is undefined, and no row is for something that does not exist."""
    expected = {(state, kind) for state in SlotState for kind in Input.__args__}

    assert set(TRANSITIONS) == expected


def test_an_ignore_says_why_and_changes_nothing() -> None:
    """A row without a handler is documented and stays where it is."""
    for (state, _), row in TRANSITIONS.items():
        if row.handler is None:
            assert row.why
            assert row.to == {state}


def test_a_handled_row_names_its_next_states() -> None:
    """Nothing comes back from the end of a call."""
    for (state, _), row in TRANSITIONS.items():
        assert row.to
        if state is SlotState.ENDED:
            assert row.to == {SlotState.ENDED}
