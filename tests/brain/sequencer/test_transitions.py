"""The table is whole, and says of each pair what happens."""

from __future__ import annotations

from brain.sequencer import SlotState
from brain.sequencer.inputs import Input, SpeechStarted, Tick
from brain.sequencer.state import State
from brain.sequencer.transitions import TRANSITIONS, Row, handled, ignored, interrupted, passing, stay

CLOSED, FREE, ENDED = SlotState.CLOSED, SlotState.FREE, SlotState.ENDED


def test_every_state_and_input_has_a_row() -> None:
    """No pair is undefined, and no row is for something that does not exist."""
    expected = {(state, kind) for state in SlotState for kind in Input.__args__}

    assert set(TRANSITIONS) == expected


def test_an_ignore_says_why_and_changes_nothing() -> None:
    """A row without a handler is documented and stays where it is; but waits may end with a tick."""
    for (state, kind), row in TRANSITIONS.items():
        if row.handler is None:
            assert row.why
            assert row.to == {state} or kind is Tick


def test_a_handled_row_names_its_next_states() -> None:
    """Nothing comes back from the end of a call."""
    for (state, _), row in TRANSITIONS.items():
        assert row.to
        if state is SlotState.ENDED:
            assert row.to == {SlotState.ENDED}


def test_an_input_has_a_row_for_each_state_that_is_named() -> None:
    """With its handler and that state's own ways out."""

    def handler(s: State, i: Tick, now_ms: float) -> None:
        """Does nothing."""

    rows = handled(Tick, handler, {FREE: frozenset({ENDED}), CLOSED: frozenset({CLOSED})})

    assert rows == {
        (FREE, Tick): Row(handler, frozenset({ENDED})),  # type: ignore[arg-type]
        (CLOSED, Tick): Row(handler, frozenset({CLOSED})),  # type: ignore[arg-type]
    }


def test_what_is_ignored_stays_in_each_state_for_one_reason() -> None:
    """A row for each input in each state."""
    rows = ignored((Tick, SpeechStarted), frozenset({FREE, ENDED}), "because")

    assert rows == {
        (FREE, Tick): Row(None, frozenset({FREE}), "because"),
        (ENDED, Tick): Row(None, frozenset({ENDED}), "because"),
        (FREE, SpeechStarted): Row(None, frozenset({FREE}), "because"),
        (ENDED, SpeechStarted): Row(None, frozenset({ENDED}), "because"),
    }


def test_a_tick_is_handled_by_nobody() -> None:
    """Its rows say where the waits lead that are over by then."""
    rows = passing({FREE: frozenset({FREE, ENDED}), CLOSED: frozenset({CLOSED})})

    assert {pair: (row.handler, row.to) for pair, row in rows.items()} == {
        (FREE, Tick): (None, {FREE, ENDED}),
        (CLOSED, Tick): (None, {CLOSED}),
    }
    assert {row.why for row in rows.values()} == {
        "waits that are over are ended before every input; a tick brings nothing else"
    }


def test_a_state_may_stay_or_go_where_the_row_says() -> None:
    """Itself and the states beside it."""
    assert stay(frozenset({FREE, CLOSED}), ENDED) == {
        FREE: frozenset({FREE, ENDED}),
        CLOSED: frozenset({CLOSED, ENDED}),
    }


def test_an_interruption_may_cancel_what_generates() -> None:
    """And never the create in flight: that can only be cancelled at its `created`."""
    assert interrupted(ENDED) == {
        FREE: {FREE, ENDED},
        SlotState.REQUESTED: {SlotState.REQUESTED, ENDED},
        SlotState.GENERATING: {SlotState.GENERATING, SlotState.CANCELLING, ENDED},
        SlotState.GENERATING_AND_REQUESTED: {
            SlotState.GENERATING_AND_REQUESTED,
            SlotState.CANCELLING_AND_REQUESTED,
            ENDED,
        },
        SlotState.CANCELLING: {SlotState.CANCELLING, ENDED},
        SlotState.CANCELLING_AND_REQUESTED: {SlotState.CANCELLING_AND_REQUESTED, ENDED},
    }
