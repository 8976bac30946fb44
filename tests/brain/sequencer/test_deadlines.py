"""The next deadline is the earliest, and firing always ends or moves it."""

from __future__ import annotations

from brain.sequencer import Reason
from tests.brain.sequencer.desk import Desk


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
