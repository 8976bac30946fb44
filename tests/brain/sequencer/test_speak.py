"""Wishes from outside, and what force means."""

from __future__ import annotations

from brain.sequencer import Reason
from brain.sequencer.actions import SendCancel
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token


def test_force_flushes_cancels_and_waits_for_done() -> None:
    """Force does not bypass the slot: cancel, await done, create."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)

    forced = desk.wish(Reason.OPERATOR, "now", force=True)

    assert [action.response_id for action in only(SendCancel, forced)] == ["r1"]
    assert creates(forced) == []
    assert creates(desk.done("r1", "cancelled")) == [Reason.OPERATOR]


def test_force_speaks_over_the_caller() -> None:
    """An operator who forces means now."""
    desk = Desk()
    desk.speech()

    assert creates(desk.wish(Reason.OPERATOR, "now", force=True)) == [Reason.OPERATOR]


def test_a_forced_create_ends_waiting_for_an_unanswered_one() -> None:
    """A create in flight cannot be recalled: it is cancelled at its created, then the forced one goes."""
    desk = Desk()
    turn = token(desk.wish(Reason.TURN))
    desk.wish(Reason.OPERATOR, "now", force=True)

    cancelled = desk.created("r1", turn)

    assert [cancel.response_id for cancel in only(SendCancel, cancelled)] == ["r1"]
    assert creates(desk.done("r1", "cancelled")) == [Reason.OPERATOR]
    assert journaled(desk.log, "response_superseded")[0]["reason"] == "turn"
