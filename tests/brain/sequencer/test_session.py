"""The session begins and ends."""

from __future__ import annotations

from brain.sequencer import Reason, SlotState, inputs
from brain.sequencer.actions import (
    EndItem,
    Flush,
    Rewrite,
    SendCreate,
    SendDelete,
    SendToolOutput,
    SendTruncate,
)
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token


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


def test_a_wish_whose_response_said_nothing_waits_for_the_next_session() -> None:
    """It was cancelled for its silence; before its `done` the session is lost."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.OPERATOR, "news")))
    desk.at(10_000)
    assert desk.core.slot is SlotState.CANCELLING
    desk.give(inputs.SessionLost(cause="1006"))

    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.OPERATOR]


def test_wishes_that_see_no_new_session_expire() -> None:
    """With a line each."""
    desk = Desk()
    desk.wish(Reason.TURN)
    desk.give(inputs.SessionLost(cause="1006"))

    assert journaled(desk.at(16_000), "response_expired")[0]["reason"] == "turn"
    assert desk.core.next_deadline_ms() is None


def test_the_server_is_not_listened_to_without_a_session() -> None:
    """Late events of the old socket change nothing."""
    desk = Desk(confirmed=False)

    assert desk.created("r1") == []
    assert desk.speech() == []
    assert desk.core.slot is SlotState.CLOSED


def test_a_reply_that_was_cut_off_is_owed_to_the_next_session() -> None:
    """What came is heard; the rest is a turn of the next session."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 1_000)
    lost = desk.give(inputs.SessionLost(cause="closed_1006"))

    assert [end.item_id for end in only(EndItem, lost)] == ["i1"]
    assert journaled(lost, "response_deferred")[0]["gate"] == "session"
    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.TURN]


def test_a_wish_that_was_not_yet_spoken_is_the_one_that_is_owed() -> None:
    """An operator's words, lost before their first sound."""
    desk = Desk()
    sent = desk.wish(Reason.OPERATOR, "hello")
    desk.created("r1", token(sent))
    desk.give(inputs.SessionLost(cause="closed_1006"))

    (create,) = only(SendCreate, desk.give(inputs.SessionConfirmed()))
    assert (create.reason, create.text) == (Reason.OPERATOR, "hello")


def test_a_turn_that_nobody_answered_is_owed() -> None:
    """The caller had spoken, and no response had been created."""
    desk = Desk()
    desk.speech()
    desk.speech_over()
    desk.give(inputs.SessionLost(cause="closed_1006"))

    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.TURN]


def test_a_turn_that_is_said_again_is_answered_by_its_own() -> None:
    """Nothing is owed for it, whatever was under way."""
    for speaking in (False, True):
        desk = Desk()
        desk.speech()
        desk.speech_over()
        if speaking:
            desk.created("r1")
            desk.audio("r1", "i1", 500)
        desk.give(inputs.SessionLost(cause="closed_1006", turn_replayed=True))

        assert creates(desk.give(inputs.SessionConfirmed())) == []


def test_an_interrupted_reply_is_not_owed() -> None:
    """The caller did not want to hear the rest."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 500)
    desk.speech()
    desk.give(inputs.SessionLost(cause="closed_1006", turn_replayed=True))

    assert creates(desk.give(inputs.SessionConfirmed())) == []


def test_tools_are_answered_by_their_own_create_in_the_next_session() -> None:
    """The response that called them is gone: no turn besides, and the call is told with its output."""
    desk = Desk()
    desk.created("r1")
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c", name="t", arguments="[]"))
    desk.give(inputs.SessionLost(cause="closed_1006"))
    confirmed = desk.give(inputs.SessionConfirmed())
    actions = desk.give(inputs.ToolFinished(call_id="c", output="{}"))

    assert creates(confirmed) == []
    (output,) = only(SendToolOutput, actions)
    assert (output.name, output.arguments) == ("t", "[]")
    assert creates(actions) == [Reason.TOOL_OUTPUTS]


def test_a_tool_that_ends_between_two_sessions_is_told_with_the_past() -> None:
    """Nothing is posted; the create waits for the session."""
    desk = Desk()
    desk.created("r1")
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c", name="t", arguments="[]"))
    desk.give(inputs.SessionLost(cause="closed_1006"))
    between = desk.give(inputs.ToolFinished(call_id="c", output="{}"))

    assert only(SendToolOutput, between) == []
    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.TOOL_OUTPUTS]


def test_an_item_of_an_earlier_session_is_rewritten_not_truncated() -> None:
    """The present session knows it as text, which has no audio to cut."""
    desk = Desk()
    desk.said("r1", "i1", 4_000)
    desk.audible("r1", "i1")
    desk.give(inputs.SessionLost(cause="rollover"))
    desk.give(inputs.SessionConfirmed())
    flush = desk.speech()
    actions = desk.flushed(1, i1=1_500)

    assert [f.item_id for f in only(Flush, flush)] == ["i1"]
    assert only(Rewrite, actions) == [Rewrite(item_id="i1", heard_ms=1_500)]
    assert (only(SendTruncate, actions), only(SendDelete, actions)) == ([], [])


def test_a_loss_without_a_session_is_nothing() -> None:
    """It was told already."""
    desk = Desk()
    desk.give(inputs.SessionLost(cause="closed_1006"))

    assert desk.give(inputs.SessionLost(cause="closed_1006")) == []


def test_words_that_were_begun_are_not_begun_again() -> None:
    """An operator's text was heard in part: the next session finishes the turn, in its own words."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.OPERATOR, "hello")))
    desk.audio("r1", "i1", 500)
    desk.give(inputs.SessionLost(cause="closed_1006"))

    (create,) = only(SendCreate, desk.give(inputs.SessionConfirmed()))
    assert (create.reason, create.text) == (Reason.TURN, "")


def test_an_answer_that_had_not_begun_is_owed() -> None:
    """The server's own: it was created, and then nothing more of that session."""
    desk = Desk()
    desk.created("r1")
    desk.give(inputs.SessionLost(cause="closed_1006"))

    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.TURN]


def test_a_reply_that_was_stopped_for_its_length_is_not_owed() -> None:
    """Ten minutes of it wait to be heard already."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 599_990)
    desk.audio("r1", "i1", 20)
    desk.give(inputs.SessionLost(cause="closed_1006"))

    assert creates(desk.give(inputs.SessionConfirmed())) == []


def test_a_tool_that_was_faster_than_its_response_is_answered_in_the_next_session() -> None:
    """With the session it is certain that no more calls come."""
    desk = Desk()
    desk.created("r1")
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c", name="t", arguments="{}"))
    desk.give(inputs.ToolFinished(call_id="c", output="{}"))
    desk.give(inputs.SessionLost(cause="closed_1006"))

    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.TOOL_OUTPUTS]


def test_a_turn_that_is_said_again_is_not_asked_for_as_well() -> None:
    """Neither one that waits, nor one under way, nor the answer that had said nothing."""
    for how in ("waiting", "sent", "answering"):
        desk = Desk("brain")
        desk.speech()
        desk.speech_over()
        sent = desk.give(inputs.TurnCommitted(item_id="u1"))
        if how != "sent":
            desk.created("r1", token(sent))
        if how == "waiting":
            desk.done("r1", "failed")
        desk.give(inputs.SessionLost(cause="closed_1006", turn_replayed=True))
        desk.give(inputs.SessionConfirmed())
        desk.speech()
        desk.speech_over()

        assert creates(desk.give(inputs.TurnCommitted(item_id="v1"))) == [Reason.TURN], how
        assert len(creates(desk.log)) == 2, how


def test_keys_that_wait_for_an_answer_are_answered_though_the_turn_is_said_again() -> None:
    """They are in the past that the next session is told, and no voice asks for them."""
    desk = Desk()
    desk.created("r1")
    desk.give(inputs.CallerWrote(text="1 2"))
    desk.give(inputs.SessionLost(cause="closed_1006", turn_replayed=True))

    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.TURN]


def test_a_turn_that_is_said_again_and_not_heard_is_asked_for() -> None:
    """3 s after the next session is there."""
    desk = Desk()
    desk.speech()
    desk.speech_over()
    desk.give(inputs.SessionLost(cause="closed_1006", turn_replayed=True))
    desk.now_ms = 1_000
    desk.give(inputs.SessionConfirmed())

    assert creates(desk.at(3_999)) == []
    assert creates(desk.at(4_000)) == [Reason.TURN]


def test_a_turn_whose_answer_was_heard_is_not_answered_twice() -> None:
    """It is closed: nothing is said again, and nothing is asked for."""
    desk = Desk()
    desk.speech()
    desk.speech_over()
    desk.said("r1", "i1", 500)
    desk.played("r1", "i1", 500)
    desk.give(inputs.SessionLost(cause="closed_1006"))
    desk.give(inputs.SessionConfirmed())

    assert creates(desk.at(10_000)) == []


def test_no_wish_is_noted_for_a_turn_that_is_said_again() -> None:
    """The journal tells of wishes that somebody had; an answer that is cut off here leaves none."""
    desk = Desk()
    desk.speech()
    desk.speech_over()
    desk.said("r1", "i1", 500, done=False)

    lost = desk.give(inputs.SessionLost(cause="closed_1006", turn_replayed=True))

    assert journaled(lost, "response_deferred") == []
    assert journaled(lost, "response_superseded") == []
