"""The table of waits: the next moment is the earliest, and firing always ends or moves it."""

from __future__ import annotations

from dataclasses import fields

import pytest

from brain.sequencer import Reason, SequencerConfig, inputs
from brain.sequencer.actions import HangUp, Move, RollOver
from brain.sequencer.waits import WAITS
from brain.sequencer.wishes import EXPIRY_MS
from tests.brain.sequencer.desk import Desk, journaled, only

TOLERANCES = {"truncate_margin_ms", "played_tolerance_ms", "listens_ms", "confirm_min_ms"}
"""Milliseconds that nothing waits for."""


def test_nothing_waits_in_a_quiet_call() -> None:
    """No timer is needed."""
    assert Desk().core.next_deadline_ms() is None


def test_the_earliest_wait_is_named() -> None:
    """A cut waits 150 ms, the caller's speech a minute, the cancelled response 3 s."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    desk.speech()

    deadlines = []
    for _ in range(3):
        deadline_ms = desk.core.next_deadline_ms()
        assert deadline_ms is not None
        deadlines.append(deadline_ms)
        desk.at(deadline_ms)

    assert deadlines == [150, 3_000, 60_000]


def test_an_overdue_deadline_is_done_before_the_input_that_comes_late() -> None:
    """The clock decides, not the order in which a busy loop hands things over."""
    desk = Desk()
    desk.created("r1")
    desk.wish(Reason.IDLE_PROMPT)
    desk.now_ms = 9_000

    desk.done("r1")

    assert not desk.core.state.deferred
    assert desk.core.state.outstanding is None


def test_every_figure_of_the_configuration_bounds_a_wait() -> None:
    """Or is a tolerance; and each wish has its expiry there."""
    figures = {field.name for field in fields(SequencerConfig) if field.name.endswith("_ms")}

    bounds = {bound for wait in WAITS for bound in wait.bounds}

    assert bounds == (figures - TOLERANCES) | set(EXPIRY_MS)


def test_each_wait_is_named_once() -> None:
    """By its name and by its rule."""
    assert len({wait.name for wait in WAITS}) == len(WAITS)
    assert len({wait.overdue for wait in WAITS}) == len(WAITS)


def test_nothing_is_waited_for_at_first_and_at_the_end() -> None:
    """Neither by a row nor by the table."""
    desk = Desk(confirmed=False)
    assert [wait.name for wait in WAITS if wait.due(desk.core.state) is not None] == []

    desk.give(inputs.HangUpWished(cause="x"))

    assert desk.core.next_deadline_ms() is None


@pytest.mark.parametrize("what", ["farewell", "move", "rollover"])
def test_the_clock_decides_before_a_late_input(what: str) -> None:
    """A farewell, a move and a rollover are waits like the others: what comes too late does not stop them."""
    desk = Desk()
    desk.created("r1")
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="t", arguments="{}"))
    match what:
        case "farewell":
            desk.give(inputs.HangUpWished(cause="agent", farewell="bye"))
        case "move":
            desk.give(inputs.MoveWished(kind="dial", argument="1", call_id="c1", response_id="r1"))
        case _:
            desk.give(inputs.RolloverDue(settle_at_ms=9_000, force_at_ms=9_000))
    desk.now_ms = 9_500

    actions = desk.give(inputs.SpeechStarted(item_id="u1"))

    kinds = [type(action) for action in actions]
    first = {"farewell": HangUp, "move": Move, "rollover": RollOver}[what]
    assert first in kinds
    heard = [number for number, action in enumerate(actions) if journaled([action], "speech_started")]
    assert heard == ([] if what == "farewell" else [kinds.index(first) + 1])


def test_what_an_input_begins_may_be_over_already() -> None:
    """A last moment that has passed: not at the next tick, now."""
    desk = Desk()
    desk.created("r1")
    desk.now_ms = 5_000

    actions = desk.give(inputs.RolloverDue(settle_at_ms=4_000, force_at_ms=4_500))

    assert only(RollOver, actions)
    assert desk.core.next_deadline_ms() == 10_000


def test_a_report_that_leaves_nothing_to_be_heard_ends_an_overdue_playback() -> None:
    """Of a later response: the audible one was heard out, and longer ago than egress may be silent."""
    desk = Desk()
    desk.said("r1", "i1", 30_000)
    desk.said("r2", "i2", 1_000)
    desk.audible("r1", "i1")
    desk.now_ms = 20_000

    desk.heard("r2", "i2", 500)

    assert desk.core.audible_response_id == ""
    assert desk.core.next_deadline_ms() is None
