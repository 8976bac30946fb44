"""The session is replaced: what counts against it, what for it, and that nothing is said twice."""

from __future__ import annotations

from brain.sequencer import Reason, SlotState, inputs, replace
from brain.sequencer.actions import ReplaceSession, SendCreate
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token


def fail(desk: Desk, times: int) -> None:
    """Responses that fail, one after the other, to an operator's wish."""
    sent = desk.wish(Reason.OPERATOR, "Say it.")
    for number in range(times):
        desk.created(f"f{number}", token(sent))
        desk.done(f"f{number}", "failed", "server_error")
        sent = desk.at(desk.core.next_deadline_ms() or 0)


def test_a_second_create_that_nobody_answers_costs_the_session() -> None:
    """Within 6 s of the first."""
    desk = Desk()
    desk.wish(Reason.OPERATOR, "Say it.")
    desk.at(2_750)
    desk.at(3_000)
    assert only(ReplaceSession, desk.log) == []

    actions = desk.at(5_750)

    assert only(ReplaceSession, actions) == [ReplaceSession(cause="create_unanswered")]
    assert journaled(actions, "error")[-1] == {"what": "session_replaced", "cause": "create_unanswered"}


def test_any_word_of_the_server_is_a_sign_of_life() -> None:
    """An event that has nothing to do with the create; a delta too."""
    for speak in (True, False):
        desk = Desk()
        desk.wish(Reason.OPERATOR, "Say it.")
        desk.at(2_750)
        desk.at(3_000)
        if speak:
            desk.audio("alien", "i", 20)
        else:
            desk.give(inputs.ItemAdded(item_id="u1"))
        desk.at(5_750)

        assert only(ReplaceSession, desk.log) == []


def test_a_word_that_comes_late_to_a_busy_loop_counts_as_well() -> None:
    """It was there before the wait was looked at."""
    desk = Desk()
    desk.wish(Reason.OPERATOR, "Say it.")
    desk.at(2_750)
    desk.at(3_000)
    desk.now_ms = 6_000

    assert only(ReplaceSession, desk.give(inputs.ItemAdded(item_id="u1"))) == []


def test_a_turn_that_is_not_answered_counts_like_a_create() -> None:
    """Nothing came in answer to it, and nothing to our create: 5.75 s after the caller stopped."""
    desk = Desk()
    desk.speech()
    desk.speech_over()
    assert creates(desk.at(3_000)) == [Reason.TURN]

    assert only(ReplaceSession, desk.at(5_750))


def test_a_done_that_is_missing_after_a_cancel_costs_the_session_while_sound_is_owed() -> None:
    """Within 6 s: here 3."""
    desk = Desk()
    desk.said("r1", "i1", 5_000, done=False)
    desk.wish(Reason.OPERATOR, "Listen.", force=True)
    desk.flushed(1)

    actions = desk.at(3_000)

    assert only(ReplaceSession, actions) == [ReplaceSession(cause="done_missing")]
    assert creates(actions) == []


def test_a_server_that_says_that_nothing_was_active_lives() -> None:
    """Only the `done` was lost: the slot is free, and what is owed is asked for."""
    desk = Desk()
    desk.said("r1", "i1", 5_000, done=False)
    desk.wish(Reason.OPERATOR, "Listen.", force=True)
    active = desk.core.state.active
    assert active is not None
    desk.refused(active.cancel_event_id, "response_cancel_not_active")

    actions = desk.at(1_000)

    assert only(ReplaceSession, actions) == []
    assert creates(actions) == [Reason.OPERATOR]


def test_three_failures_in_a_row_cost_the_session() -> None:
    """Not two."""
    desk = Desk()
    fail(desk, 2)
    assert only(ReplaceSession, desk.log) == []

    desk = Desk()
    fail(desk, 3)
    assert only(ReplaceSession, desk.log) == [ReplaceSession(cause="responses_failed")]


def test_a_response_that_speaks_or_calls_a_tool_begins_the_count_again() -> None:
    """This session works."""
    for speaks in (True, False):
        desk = Desk()
        fail(desk, 2)
        create = desk.core.state.outstanding
        assert create is not None
        desk.created("r1", create.token)
        if speaks:
            desk.audio("r1", "i1", 500)
        else:
            desk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="t", arguments="{}"))
        desk.done("r1")

        assert desk.core.state.asking.silent_ends == 0


def test_nothing_is_asked_of_a_session_that_is_given_up() -> None:
    """Wishes wait for the next one, and each is said there once."""
    desk = Desk()
    desk.wish(Reason.OPERATOR, "Say it.")
    for now_ms in (2_750, 3_000, 5_750):
        desk.at(now_ms)
    waiting = desk.wish(Reason.GREETING, "Hi.")
    assert journaled(waiting, "response_deferred")[0]["gate"] == "session"
    assert creates(desk.at(8_000)) == []

    desk.give(inputs.SessionLost(cause="create_unanswered"))
    sent = desk.give(inputs.SessionConfirmed())

    assert creates(sent) == [Reason.GREETING]
    desk.created("r1", token(sent))
    desk.audio("r1", "i1", 500)
    assert creates(desk.done("r1")) == [Reason.OPERATOR]


def test_a_session_is_given_up_once() -> None:
    """The driver needs a moment; and a late word of the old one is still heard."""
    desk = Desk()
    first = token(desk.wish(Reason.OPERATOR, "Say it."))
    for now_ms in (2_750, 3_000, 5_750):
        desk.at(now_ms)
    desk.created("late", first)
    desk.audio("late", "i1", 500)
    desk.done("late")
    desk.at(20_000)

    assert len(only(ReplaceSession, desk.log)) == 1
    assert len(only(SendCreate, desk.log)) == 2
    assert desk.core.slot is SlotState.FREE


def test_the_next_session_begins_without_a_mark_against_it() -> None:
    """Two creates more, not one."""
    desk = Desk()
    desk.wish(Reason.OPERATOR, "Say it.")
    desk.at(2_750)
    desk.give(inputs.SessionLost(cause="closed_1006"))
    desk.give(inputs.SessionConfirmed())
    desk.at(3_000)

    assert only(ReplaceSession, desk.at(5_750)) == []


def test_only_an_open_session_is_given_up_and_once() -> None:
    """Whoever asks."""
    closed, desk = Desk(confirmed=False), Desk()
    replace.ask(closed.core.state, "x")
    assert closed.core.state.actions == []

    for _ in range(2):
        replace.ask(desk.core.state, "x")

    assert only(ReplaceSession, desk.core.state.actions) == [ReplaceSession(cause="x")]


def test_a_slot_that_is_stuck_costs_the_session() -> None:
    """Four creates in a row meet a response that we know to be over, while sound is owed."""
    desk = Desk()
    sent = desk.wish(Reason.OPERATOR, "Say it.")
    for _ in range(4):
        assert only(ReplaceSession, desk.log) == []
        desk.refused(token(sent))
        sent = desk.at(desk.core.next_deadline_ms() or 0)

    (asked,) = only(ReplaceSession, desk.log)
    assert asked.cause == "slot_stuck"


def test_a_create_that_is_refused_for_another_reason_is_no_sign_of_a_stuck_slot() -> None:
    """The server has no active response: a new session would be told the same."""
    desk = Desk()
    sent = desk.wish(Reason.OPERATOR, "Say it.")
    for _ in range(6):
        desk.refused(token(sent), "rate_limit_exceeded")
        sent = desk.at(desk.core.next_deadline_ms() or 0)

    assert only(ReplaceSession, desk.log) == []
    assert len(creates(desk.log)) == 7
