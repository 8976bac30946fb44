"""The session begins and ends."""

from __future__ import annotations

from brain.sequencer import Reason, SlotState, inputs
from brain.sequencer.actions import EndItem
from tests.brain.sequencer.desk import Desk, creates, journaled, only


def test_a_lost_session_closes_what_was_open() -> None:
    """What is in `reply` is still heard, so its item must have an end."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)

    actions = desk.give(inputs.SessionLost(cause="1006"))

    assert [end.item_id for end in only(EndItem, actions)] == ["i1"]
    assert desk.core.slot is SlotState.CLOSED


def test_wishes_wait_for_the_next_session() -> None:
    """The create went down with the socket; the wish did not."""
    desk = Desk()
    desk.wish(Reason.OPERATOR, "news")
    desk.give(inputs.SessionLost(cause="1006"))

    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.OPERATOR]


def test_wishes_that_see_no_new_session_expire() -> None:
    """With a line each."""
    desk = Desk()
    desk.wish(Reason.TURN)
    desk.give(inputs.SessionLost(cause="1006"))

    assert journaled(desk.at(10_000), "response_expired")[0]["reason"] == "turn"
    assert desk.core.next_deadline_ms() is None


def test_the_server_is_not_listened_to_without_a_session() -> None:
    """Late events of the old socket change nothing."""
    desk = Desk(confirmed=False)

    assert desk.created("r1") == []
    assert desk.speech() == []
    assert desk.core.slot is SlotState.CLOSED
