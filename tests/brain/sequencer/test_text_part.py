"""The model writes where it should speak."""

from __future__ import annotations

import pytest

from brain.sequencer import Reason, inputs
from brain.sequencer.actions import Action, SendCancel, SendCreate, SendDelete
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token


def writes(desk: Desk, response_id: str = "r1") -> list[Action]:
    return desk.give(inputs.TextPartOpened(response_id=response_id, item_id="t1"))


def test_a_written_answer_is_cancelled_taken_out_and_asked_for_aloud() -> None:
    """The server's own: a turn is owed. The create waits for the `done`."""
    desk = Desk()
    desk.created("r1")
    actions = writes(desk)

    assert [cancel.response_id for cancel in only(SendCancel, actions)] == ["r1"]
    assert [delete.item_id for delete in only(SendDelete, actions)] == ["t1"]
    assert creates(actions) == []
    (create,) = only(SendCreate, desk.done("r1", "cancelled"))
    assert (create.reason, create.audio_only) == (Reason.TURN, True)


def test_the_wish_behind_it_is_the_one_that_is_asked_again() -> None:
    """An operator's words stay an operator's words."""
    desk = Desk()
    sent = desk.wish(Reason.OPERATOR, "hello")
    desk.created("r1", token(sent))
    writes(desk)

    (create,) = only(SendCreate, desk.done("r1", "cancelled"))
    assert (create.reason, create.text, create.audio_only) == (Reason.OPERATOR, "hello", True)


def test_a_second_written_answer_is_given_up() -> None:
    """It was asked for in so many words; asking for ever would not help. A line says what became of the
    wish."""
    desk = Desk()
    desk.created("r1")
    writes(desk)
    again = desk.done("r1", "cancelled")
    desk.created("r2", token(again))
    actions = [*writes(desk, "r2"), *desk.done("r2", "cancelled")]

    assert creates(actions) == []
    wished = journaled(again, "response_create")[0]["wish"]
    assert journaled(actions, "response_expired") == [
        {"reason": "turn", "wish": wished, "cause": "text_again"}
    ]


def test_a_response_that_speaks_may_also_write() -> None:
    """The caller hears it: nothing is wrong."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 500)

    assert writes(desk) == []


def test_each_response_is_cancelled_once() -> None:
    """A second part of the same answer changes nothing."""
    desk = Desk()
    desk.created("r1")
    writes(desk)

    assert writes(desk) == []


def test_a_written_farewell_is_asked_again_and_nothing_else_is() -> None:
    """While the call ends only the farewell passes."""
    desk = Desk()
    sent = desk.give(inputs.HangUpWished(cause="x", farewell="bye"))
    desk.created("r1", token(sent))
    writes(desk)

    (create,) = only(SendCreate, desk.done("r1", "cancelled"))
    assert (create.reason, create.audio_only) == (Reason.FAREWELL, True)


def test_whose_answer_it_is_must_be_known_first() -> None:
    """An unannounced response beside our create in flight: perhaps it is the answer to it."""
    desk = Desk()
    desk.wish(Reason.OPERATOR, "hello")
    actions = writes(desk, "unannounced")

    assert only(SendCancel, actions) == []
    assert desk.core.state.outstanding is not None


def test_a_part_of_a_dead_response_is_nothing() -> None:
    """Late, or out of band."""
    desk = Desk()
    desk.created("r1")
    desk.done("r1")

    assert writes(desk) == []


def test_a_response_that_is_known_to_be_the_servers_is_not_waited_for() -> None:
    """A create of ours in flight beside it changes nothing: it is announced, and not ours."""
    desk = Desk()
    desk.wish(Reason.OPERATOR, "hello")
    desk.created("r1")

    assert [cancel.response_id for cancel in only(SendCancel, writes(desk))] == ["r1"]


def test_a_report_that_it_is_heard_does_not_outlive_it() -> None:
    """Egress named it audible although nothing of it came: a retired response is not speaking."""
    desk = Desk()
    desk.created("r1")
    desk.give(inputs.ItemOpened(response_id="r1", item_id="t1", speaks=True))
    desk.give(inputs.Audible(cut=0, response_id="r1", item_id="t1"))
    assert desk.core.audible_response_id == "r1"

    actions = writes(desk)

    assert desk.core.audible_response_id == ""
    assert journaled(actions, "silent")[0]["cause"] == "retired"


@pytest.mark.parametrize("asked", [False, True])
def test_an_answer_that_is_written_while_the_call_ends_is_not_asked_for_aloud(asked: bool) -> None:
    """Neither the server's own nor an operator's: the farewell follows it."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.OPERATOR, "hello")) if asked else "")
    desk.give(inputs.HangUpWished(cause="agent", farewell="bye"))

    written = writes(desk)

    assert [cancel.response_id for cancel in only(SendCancel, written)] == ["r1"]
    assert journaled(written, "response_deferred") == []
    (create,) = only(SendCreate, desk.done("r1", "cancelled"))
    assert (create.reason, create.audio_only) == (Reason.FAREWELL, False)
