"""The model is asked again for what it did not say, until it is heard; and that is bounded."""

from __future__ import annotations

import pytest

from brain.sequencer import Reason, SlotState, inputs
from brain.sequencer.actions import Flush, HangUp, ReplaceSession, SendCreate
from brain.sequencer.ask_again import GO_ON
from shared.contract.owed import DebtCause
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token


def turn(desk: Desk) -> None:
    desk.speech()
    desk.speech_over()


def failed(desk: Desk, response_id: str, retry_after_ms: float = 0.0) -> None:
    desk.give(inputs.ResponseDone(response_id=response_id, status="failed", retry_after_ms=retry_after_ms))


# A turn that nobody answers.


def test_a_turn_that_the_server_does_not_answer_is_answered_by_us() -> None:
    """3 s after its end, not before: its own response is usually there within 100 ms."""
    desk = Desk()
    turn(desk)
    assert creates(desk.at(600)) == []
    assert creates(desk.at(2_999)) == []

    actions = desk.at(3_000)

    assert creates(actions) == [Reason.TURN]
    assert journaled(actions, "error")[0]["what"] == "turn_unanswered"


def test_a_turn_of_which_the_brain_never_hears_again_is_answered_too() -> None:
    """Brain mode: the commit was lost."""
    desk = Desk("brain")
    turn(desk)

    assert creates(desk.at(3_000)) == [Reason.TURN]


def test_a_turn_that_is_answered_is_not_asked_about() -> None:
    """By whoever: the server, or a create of ours that sees it."""
    desk = Desk()
    turn(desk)
    desk.now_ms = 100
    desk.said("r1", "i1", 500)
    desk.played("r1", "i1", 500)

    assert creates(desk.at(10_000)) == []
    assert desk.core.next_deadline_ms() is None


def test_a_caller_who_goes_on_is_not_answered_in_between() -> None:
    """Three seconds count from the end of the last words."""
    desk = Desk()
    turn(desk)
    desk.now_ms = 1_000
    desk.speech()
    desk.now_ms = 4_000
    desk.speech_over()

    assert creates(desk.at(6_999)) == []
    assert creates(desk.at(7_000)) == [Reason.TURN]


def test_a_turn_that_is_asked_for_already_is_not_asked_for_twice() -> None:
    """A create under way, or one that waits, will answer it."""
    desk = Desk("brain")
    turn(desk)
    desk.give(inputs.TurnCommitted(item_id="u1"))
    desk.at(2_750)

    assert creates(desk.at(3_000)) == [Reason.TURN]
    assert journaled(desk.log, "error")[-1]["what"] == "create_unanswered"
    assert len(creates(desk.log)) == 2


# A response that ends without a sound.


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_a_silent_answer_of_the_server_is_asked_for_by_us(status: str) -> None:
    """After a pause that doubles."""
    desk = Desk()
    turn(desk)
    desk.now_ms = 100
    desk.created("r1")
    desk.done("r1", status)

    assert creates(desk.at(349)) == []
    sent = desk.at(350)
    assert creates(sent) == [Reason.TURN]
    desk.created("r2", token(sent))
    desk.done("r2", status)
    assert creates(desk.at(849)) == []
    assert creates(desk.at(850)) == [Reason.TURN]


@pytest.mark.parametrize(("reason", "text"), [(Reason.GREETING, "Greet."), (Reason.OPERATOR, "Say it.")])
def test_a_silent_answer_to_a_wish_is_wished_again_in_its_own_words(reason: Reason, text: str) -> None:
    """A greeting stays a greeting."""
    desk = Desk()
    desk.created("r1", token(desk.wish(reason, text)))
    desk.done("r1")

    (create,) = only(SendCreate, desk.at(250))

    assert (create.reason, create.text) == (reason, text)


def test_a_silent_answer_to_tools_is_asked_for_again() -> None:
    """Their outputs are in the conversation; what they say was never told."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="t", arguments="{}"))
    desk.done("r1")
    desk.created("r2", token(desk.give(inputs.ToolFinished(call_id="c1", output="{}"))))
    desk.done("r2")

    assert creates(desk.at(600)) == [Reason.TOOL_OUTPUTS]


def test_a_response_that_only_calls_tools_is_not_a_silent_one() -> None:
    """They are answered by a create of their own."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="t", arguments="{}"))

    actions = desk.done("r1")

    assert journaled(actions, "response_deferred") == []
    assert creates(desk.at(5_000)) == []


def test_a_silent_response_that_nobody_waits_for_is_left_alone() -> None:
    """An idle prompt without a sound, an answer while another one waits to be heard."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.IDLE_PROMPT, "There?")))
    desk.done("r1")
    turn(desk)
    desk.said("r2", "i2", 500)
    desk.created("r3")
    desk.done("r3")

    assert creates(desk.log) == [Reason.IDLE_PROMPT]


def test_an_answer_that_the_server_cancels_unspoken_leaves_a_debt_that_is_asked_for() -> None:
    """It heard a voice, it says; when no turn follows, somebody still waits."""
    desk = Desk()
    turn(desk)
    desk.now_ms = 1_000
    desk.created("r1")
    desk.done("r1", "cancelled")

    assert creates(desk.at(1_249)) == []
    actions = desk.at(1_250)
    assert creates(actions) == [Reason.TURN]
    assert journaled(actions, "error") == [{"what": "answer_forgotten", "cause": "turn"}]


def test_a_response_that_fell_silent_is_asked_for_again_in_its_own_words() -> None:
    """Created, and not a word for 8 s: cancelled, and wished again."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.GREETING, "Greet.")))
    desk.at(8_000)
    desk.done("r1", "cancelled")

    (create,) = only(SendCreate, desk.at(8_250))

    assert create.text == "Greet."


def test_an_answer_of_which_only_the_end_was_seen_is_asked_for_again() -> None:
    """Created and done, unheard and unseen."""
    desk = Desk()
    ours = token(desk.wish(Reason.OPERATOR, "Say it."))
    desk.give(inputs.ResponseDone(response_id="r1", status="completed", token=ours))

    assert creates(desk.at(250)) == [Reason.OPERATOR]


# A response that fails.


def test_a_failed_response_is_asked_for_at_the_time_that_the_error_names() -> None:
    """Sooner would feed the limit."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    failed(desk, "r1", 1_200)

    assert creates(desk.at(1_199)) == []
    assert creates(desk.at(1_200)) == [Reason.TURN]


def test_a_wish_that_was_told_to_wait_does_not_expire_before() -> None:
    """The server named 18 s; a turn is kept for 16."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.TURN)))
    failed(desk, "r1", 18_000)

    assert creates(desk.at(18_000)) == [Reason.TURN]


def test_a_failed_response_that_nobody_wished_for_is_asked_about_where_somebody_waits() -> None:
    """The server's own, always; in brain mode one of unknown origin only while sound is owed."""
    for by, is_owed, asked in (("server", False, True), ("brain", False, False), ("brain", True, True)):
        desk = Desk("server" if by == "server" else "brain")
        if is_owed:
            turn(desk)
        desk.now_ms = 100
        desk.created("r1")
        failed(desk, "r1")

        assert bool(creates(desk.at(350))) is asked, (by, is_owed)

    desk = Desk("brain")
    desk.created("r1", token(desk.wish(Reason.IDLE_PROMPT, "There?")))
    failed(desk, "r1")
    assert creates(desk.at(250)) == [Reason.IDLE_PROMPT]


def test_an_error_without_a_name_ends_no_debt() -> None:
    """A rate limit that the server tells of beside everything: what is owed is asked for all the same."""
    desk = Desk()
    turn(desk)
    desk.now_ms = 50
    desk.refused("", "rate_limit_exceeded")

    assert desk.core.owed is not None
    assert creates(desk.at(3_000)) == [Reason.TURN]


def test_a_wish_for_what_is_owed_outlives_the_apology() -> None:
    """Ingress speaks at 12 s; until then somebody asks."""
    desk = Desk(confirmed=False)
    desk.wish(Reason.GREETING, "Greet.")

    assert journaled(desk.at(15_999), "response_expired") == []
    assert len(journaled(desk.at(16_000), "response_expired")) == 1


# A response that stops in mid-sentence.


@pytest.mark.parametrize("code", ["max_output_tokens", "content_filter"])
def test_an_answer_that_stopped_in_mid_sentence_goes_on_once(code: str) -> None:
    """What stops again would stop for ever."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)

    sent = desk.done("r1", "incomplete", code)

    (create,) = only(SendCreate, sent)
    assert (create.reason, create.text) == (Reason.TURN, GO_ON)
    assert desk.core.owed is not None
    assert desk.core.owed.cause is DebtCause.TURN
    desk.created("r2", create.token)
    desk.audio("r2", "i2", 1_000)
    assert creates(desk.done("r2", "incomplete", code)) == []


def test_a_next_answer_may_go_on_again() -> None:
    """Once in a row, not once a call."""
    desk = Desk()
    for number in range(2):
        desk.said(f"r{number}", f"i{number}", 1_000, done=False)
        sent = desk.done(f"r{number}", "incomplete")
        desk.created(f"g{number}", token(sent))
        desk.audio(f"g{number}", f"j{number}", 500)
        desk.done(f"g{number}")

    assert creates(desk.log) == [Reason.TURN, Reason.TURN]


def test_an_answer_that_failed_in_mid_sentence_goes_on_when_the_server_likes() -> None:
    """The same, at the time that the error names."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    failed(desk, "r1", 900)

    assert creates(desk.at(899)) == []
    (create,) = only(SendCreate, desk.at(900))
    assert create.text == GO_ON


def test_an_answer_that_calls_tools_does_not_go_on() -> None:
    """It is answered by a create of its own; nor does a farewell, for the call ends."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="t", arguments="{}"))
    assert creates(desk.done("r1", "incomplete")) == []

    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    desk.give(inputs.HangUpWished(cause="agent", farewell="bye"))
    assert creates(desk.done("r1", "incomplete")) == [Reason.FAREWELL]


# An answer that nobody hears.


def test_an_answer_that_egress_never_speaks_of_is_flushed_and_asked_for_again() -> None:
    """Longer than it lasts, and 10 s: nobody has heard it."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 2_000)
    assert desk.core.next_deadline_ms() == 12_000
    assert only(Flush, desk.at(11_999)) == []

    flushed = desk.at(12_000)

    assert journaled(flushed, "error")[0]["what"] == "answer_unheard"
    assert [line["cause"] for line in journaled(flushed, "flush")] == ["unheard"]
    assert desk.core.owed is not None
    desk.at(12_150)
    assert creates(desk.at(12_400)) == [Reason.TURN]


def test_an_answer_behind_a_long_reply_is_waited_for() -> None:
    """Each word of egress is a sign that it will come."""
    desk = Desk()
    desk.said("r1", "i1", 30_000)
    desk.audible("r1", "i1")
    desk.created("r2", token(desk.wish(Reason.OPERATOR, "Say it.")))
    desk.audio("r2", "i2", 1_000)
    desk.done("r2")
    desk.now_ms = 30_000
    desk.played("r1", "i1", 30_000)

    assert desk.core.next_deadline_ms() == 41_000
    desk.audible("r2", "i2")
    assert desk.core.owed is None


# The end.


def test_a_call_that_ends_asks_no_more() -> None:
    """Whatever is owed then."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    desk.done("r1", "cancelled")
    desk.give(inputs.HangUpWished(cause="operator"))

    assert only(HangUp, desk.log)
    assert desk.core.next_deadline_ms() is None


def test_a_session_that_says_nothing_is_asked_three_times() -> None:
    """Then another one is; its own count begins again."""
    desk = Desk()
    turn(desk)
    desk.created("r0")
    desk.done("r0")
    for number in (1, 2):
        sent = desk.at(desk.core.next_deadline_ms() or 0)
        desk.created(f"r{number}", token(sent))
        desk.done(f"r{number}")

    assert only(ReplaceSession, desk.log) == [ReplaceSession(cause="nothing_said")]
    assert creates(desk.at(5_000)) == []
    desk.give(inputs.SessionLost(cause="nothing_said"))
    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.TURN]


def test_a_model_that_fails_for_eight_seconds_is_asked_again_in_time() -> None:
    """The pauses double up to 2 s; sessions are replaced meanwhile; the caller hears an answer, no
    apology."""
    desk = Desk()
    turn(desk)
    desk.created("f")
    desk.done("f", "failed")
    asked_at_ms: list[float] = []
    number = 0
    while desk.now_ms < 12_000:
        due_ms = desk.core.next_deadline_ms()
        assert due_ms is not None
        actions = desk.at(due_ms)
        if creates(actions):
            asked_at_ms.append(desk.now_ms)
            number += 1
            desk.created(f"f{number}", token(actions))
            actions = desk.done(f"f{number}", "failed")
        if only(ReplaceSession, actions):
            desk.give(inputs.SessionLost(cause="responses_failed"))
            desk.give(inputs.SessionConfirmed())

    assert asked_at_ms == [250, 750, 1_750, 3_750, 5_750, 7_750, 9_750, 11_750, 13_750][: len(asked_at_ms)]
    assert 9_750 in asked_at_ms
    assert len(only(ReplaceSession, desk.log)) == 3


def test_silence_is_no_answer() -> None:
    """A response of nothing but silence is asked for again, though audio of it came."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    desk.core.admit_audio("r1", "i1", 8_000, desk.now_ms, audible=False)

    desk.done("r1")

    assert desk.core.owed is not None
    desk.at(desk.core.next_deadline_ms() or 0)
    assert desk.core.slot is SlotState.REQUESTED


def test_an_answer_that_ceases_goes_on() -> None:
    """Nobody interrupted it: it is cancelled after 5 s, and the model is asked for the rest."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    desk.audio("r1", "i1", 8_000)
    desk.at(5_000)

    (asked,) = only(SendCreate, desk.done("r1", "cancelled"))

    assert asked.text == GO_ON
    assert desk.core.owed is not None


def test_a_session_is_given_more_time_after_each_silent_end() -> None:
    """A debt that nothing is under way for is asked about after the pause that the next retry would have."""
    desk = Desk()
    turn(desk)
    desk.now_ms = 1_000
    desk.created("r1")
    desk.done("r1")
    desk.created("r2", token(desk.at(1_250)))
    desk.done("r2", "cancelled")

    assert creates(desk.at(1_749)) == []
    assert creates(desk.at(1_750)) == [Reason.TURN]


def test_an_answer_whose_first_sign_is_its_audio_is_not_asked_for() -> None:
    """Nobody announced it, and it came just before we would have asked."""
    desk = Desk()
    turn(desk)
    desk.now_ms = 1_000
    desk.created("r1")
    desk.done("r1", "cancelled")
    assert desk.core.next_deadline_ms() == 1_250
    desk.now_ms = 1_100
    desk.audio("r2", "i2", 500)

    actions = desk.at(1_250) + desk.done("r2")

    assert creates(actions) == []
    assert journaled(actions, "error") == []


def test_an_idle_prompt_without_a_sound_is_not_said_again() -> None:
    """Nobody waits for it."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.IDLE_PROMPT, "There?")))
    desk.done("r1")

    assert desk.core.next_deadline_ms() is None
    assert creates(desk.at(5_000)) == []


# The time that an error names.


def test_an_error_that_names_a_millisecond_is_no_reason_to_ask_at_once() -> None:
    """The server wants a pause: it is given ours, which is the shortest."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    failed(desk, "r1", 1.0)

    assert creates(desk.log) == []
    assert creates(desk.at(249)) == []
    assert creates(desk.at(250)) == [Reason.TURN]


@pytest.mark.parametrize(("retry_after_ms", "asked"), [(0.0, []), (1.0, [Reason.IDLE_PROMPT])])
def test_a_wish_has_more_time_only_where_the_error_names_a_pause(
    retry_after_ms: float, asked: list[Reason]
) -> None:
    """A prompt is true for 3 s; a server that asks us to wait does not make it expire."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.IDLE_PROMPT, "There?")))
    desk.now_ms = 2_900
    failed(desk, "r1", retry_after_ms)

    assert (journaled(desk.at(3_000), "response_expired") == []) is bool(asked)
    assert creates(desk.at(3_150)) == asked


def test_a_wish_that_was_told_to_wait_is_kept_for_two_creates_more() -> None:
    """18 s, and 5.5 s in which one may be lost; the caller speaks for longer."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.TURN)))
    failed(desk, "r1", 18_000)
    desk.now_ms = 17_000
    desk.speech()

    assert journaled(desk.at(23_499), "response_expired") == []
    assert [line["reason"] for line in journaled(desk.at(23_500), "response_expired")] == ["turn"]


def test_a_wish_whose_response_was_not_seen_keeps_its_own_time() -> None:
    """No error named a pause: it ends after its 16 s, and what is owed is asked for by a wish of its own."""
    desk = Desk(confirmed=False)
    desk.wish(Reason.TURN)
    desk.now_ms = 15_800
    ours = token(desk.give(inputs.SessionConfirmed()))
    desk.now_ms = 15_900
    desk.give(inputs.ResponseDone(response_id="r1", status="completed", token=ours))

    assert [line["reason"] for line in journaled(desk.at(16_000), "response_expired")] == ["turn"]
    assert creates(desk.at(16_250)) == [Reason.TURN]
