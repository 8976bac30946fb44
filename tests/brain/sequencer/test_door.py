"""One door for creates: gates, deferring, coalescing, refusals, expiry."""

from __future__ import annotations

import pytest

from brain.sequencer import Reason, SequencerConfig, SlotState, inputs
from brain.sequencer.actions import ReplaceSession, SendCancel, SendCreate
from brain.sequencer.door import MAX_ABANDONED
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token


def test_a_wish_with_open_gates_is_sent_at_once() -> None:
    """The create carries a token, and the slot is taken when it is sent."""
    desk = Desk()

    (create,) = only(SendCreate, desk.wish(Reason.GREETING, "hello"))

    assert (create.reason, create.text) == (Reason.GREETING, "hello")
    assert create.token
    assert desk.core.slot is SlotState.REQUESTED


def test_a_greeting_waits_for_the_session() -> None:
    """Gate 1: nothing is created before the session is confirmed."""
    desk = Desk(confirmed=False)

    deferred = desk.wish(Reason.GREETING)

    assert journaled(deferred, "response_deferred")[0]["gate"] == "session"
    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.GREETING]


def test_a_second_confirmation_greets_nobody_again() -> None:
    """`session.updated` comes again at each later update."""
    desk = Desk(confirmed=False)
    desk.wish(Reason.GREETING)
    desk.give(inputs.SessionConfirmed())

    assert desk.give(inputs.SessionConfirmed()) == []


def test_a_wish_waits_while_the_caller_speaks_and_a_greeting_does_not() -> None:
    """Gate 3: the caller's speech holds all but the greeting."""
    desk = Desk()
    desk.speech()

    assert creates(desk.wish(Reason.OPERATOR, "news")) == []
    assert creates(desk.wish(Reason.GREETING)) == [Reason.GREETING]


def test_after_the_caller_stopped_our_creates_stand_back_for_the_servers_answer() -> None:
    """Server mode: the turn's own response is due now; ours would only collide with it."""
    desk = Desk()
    desk.speech()
    desk.wish(Reason.OPERATOR, "news")
    desk.now_ms = 1_000

    desk.speech_over()

    assert desk.core.next_deadline_ms() == 1_500
    assert creates(desk.at(1_499)) == []
    assert creates(desk.at(1_500)) == [Reason.OPERATOR]


def test_a_taken_slot_defers_until_done() -> None:
    """Gate 4: one response at a time, and no wish is lost."""
    desk = Desk()
    desk.created("r1")

    assert creates(desk.wish(Reason.OPERATOR, "news")) == []
    assert creates(desk.done("r1")) == [Reason.OPERATOR]


def test_wishes_of_one_reason_coalesce() -> None:
    """Two texts that waited are one create."""
    desk = Desk()
    desk.created("r1")
    desk.wish(Reason.OPERATOR, "one")
    desk.wish(Reason.OPERATOR, "two")

    (create,) = only(SendCreate, desk.done("r1"))

    assert create.text == "one\ntwo"


def test_waiting_wishes_are_served_by_rank_one_response_each() -> None:
    """The slot holds back the second until the first is done."""
    desk = Desk()
    desk.created("r1")
    desk.wish(Reason.TURN)
    desk.wish(Reason.OPERATOR, "news")

    first = desk.done("r1")
    desk.created("r2", token(first))
    second = desk.done("r2")

    assert (creates(first), creates(second)) == ([Reason.OPERATOR], [Reason.TURN])


def test_a_deferred_wish_expires_with_a_line() -> None:
    """A prompt that was meant for now is not said 3 s later."""
    desk = Desk()
    desk.created("r1")
    desk.wish(Reason.IDLE_PROMPT)

    assert desk.core.next_deadline_ms() == 3_000
    assert journaled(desk.at(3_000), "response_expired")[0]["reason"] == "idle_prompt"
    assert creates(desk.done("r1")) == []


def test_a_refusal_without_a_known_active_response_is_tried_again_with_doubling_pauses() -> None:
    """250 ms, 500 ms, …, each time as a new create."""
    desk = Desk()
    first = token(desk.wish(Reason.OPERATOR, "news"))

    desk.refused(first)
    assert desk.core.next_deadline_ms() == 250
    second = token(desk.at(250))
    desk.refused(second)

    assert desk.core.next_deadline_ms() == 750
    assert token(desk.at(750)) not in (first, second)


def test_each_refused_wish_has_a_pause_of_its_own() -> None:
    """The first that is over is the next moment, and sends its own wish alone."""
    desk = Desk()
    desk.refused(token(desk.wish(Reason.OPERATOR, "news")))
    desk.now_ms = 100
    desk.refused(token(desk.wish(Reason.TURN)))

    assert desk.core.next_deadline_ms() == 250
    sent = desk.at(250)
    assert creates(sent) == [Reason.OPERATOR]
    desk.created("r1", token(sent))
    assert creates(desk.done("r1")) == []
    assert creates(desk.at(350)) == [Reason.TURN]


def test_a_refused_wish_expires_in_the_end() -> None:
    """A server that always refuses costs some journal lines, not a loop without a pause, and its session is
    to be replaced: nothing is asked of it any more."""
    desk = Desk()
    desk.wish(Reason.TURN)
    while desk.now_ms < 16_000:
        create = desk.core.state.outstanding
        if create is not None:
            desk.refused(create.token)
        deadline_ms = desk.core.next_deadline_ms()
        assert deadline_ms is not None
        desk.at(deadline_ms)

    assert journaled(desk.log, "response_expired")[0]["reason"] == "turn"
    assert len(creates(desk.log)) == 4
    assert [asked.cause for asked in only(ReplaceSession, desk.log)] == ["slot_stuck"]


def test_a_refusal_with_a_known_active_response_waits_for_its_done() -> None:
    """The server told us why: the slot is taken."""
    desk = Desk()
    ours = token(desk.wish(Reason.OPERATOR, "news"))
    desk.created("server")

    desk.refused(ours)

    assert desk.core.slot is SlotState.GENERATING
    assert creates(desk.done("server")) == [Reason.OPERATOR]


@pytest.mark.parametrize("event_id", ["", "alien"])
def test_a_refusal_that_does_not_name_our_create_frees_nothing(event_id: str) -> None:
    """An error without `event_id` never frees the slot."""
    desk = Desk()
    desk.wish(Reason.OPERATOR, "news")

    desk.refused(event_id)

    assert desk.core.slot is SlotState.REQUESTED


def test_a_refused_server_create_leaves_the_turn_owed() -> None:
    """The server's VAD met an active response, so nobody would answer the caller: we do."""
    desk = Desk()
    desk.created("r1")

    desk.refused("")

    assert creates(desk.done("r1")) == [Reason.TURN]


def test_a_create_that_is_never_answered_is_wished_again() -> None:
    """Requested and never created: 2.75 s, a pause, then once more."""
    desk = Desk()
    first = token(desk.wish(Reason.OPERATOR, "news"))

    assert desk.core.next_deadline_ms() == 2_750
    assert journaled(desk.at(2_750), "error")[0]["what"] == "create_unanswered"
    assert token(desk.at(3_000)) != first


def test_a_late_created_serves_the_wish_that_still_waits() -> None:
    """The lost create was only slow: it is not said twice."""
    desk = Desk()
    first = token(desk.wish(Reason.OPERATOR, "news"))
    desk.at(2_750)

    desk.created("late", first)
    desk.audio("late", "i1", 500)

    assert desk.core.slot is SlotState.GENERATING
    assert creates(desk.done("late")) == []
    desk.played("late", "i1", 500)
    assert desk.core.next_deadline_ms() is None


def test_a_late_created_makes_the_repeated_create_superfluous() -> None:
    """The second create is refused or cancelled at its created, never heard."""
    desk = Desk()
    first = token(desk.wish(Reason.OPERATOR, "news"))
    desk.at(2_750)
    second = token(desk.at(3_000))
    desk.created("late", first)
    desk.audio("late", "i1", 500)
    desk.done("late")

    actions = desk.created("again", second)

    assert [cancel.response_id for cancel in only(SendCancel, actions)] == ["again"]
    assert desk.audio("again", "i", 20).skip is not None


def test_a_server_made_response_supersedes_what_it_answers() -> None:
    """Turn, idle prompt and greeting; an operator's words and a farewell are kept."""
    desk = Desk()
    desk.speech()
    for reason in (Reason.TURN, Reason.IDLE_PROMPT, Reason.OPERATOR):
        desk.wish(reason, "x")

    actions = desk.created("server")

    superseded = [line["reason"] for line in journaled(actions, "response_superseded")]
    assert superseded == ["turn", "idle_prompt"]
    assert creates(desk.done("server")) == [Reason.OPERATOR]


def test_a_superseded_create_that_is_created_after_all_is_cancelled() -> None:
    """Two answers to one turn are never heard."""
    desk = Desk()
    greeting = token(desk.wish(Reason.GREETING))
    desk.created("server")
    desk.done("server")

    actions = desk.created("ours", greeting)

    assert [cancel.response_id for cancel in only(SendCancel, actions)] == ["ours"]


def test_a_cancel_wished_before_created_is_sent_at_created() -> None:
    """The caller spoke before our create was answered."""
    desk = Desk("brain")
    ours = token(desk.wish(Reason.TURN))

    assert only(SendCancel, desk.speech()) == []
    assert [cancel.response_id for cancel in only(SendCancel, desk.created("r1", ours))] == ["r1"]
    assert desk.audio("r1", "i1", 20).skip is not None


def test_an_operators_words_withdrawn_by_speech_are_said_later() -> None:
    """What only this wish can say is not lost to an interruption before its first sound."""
    desk = Desk("brain")
    ours = token(desk.wish(Reason.OPERATOR, "news"))
    desk.speech()
    desk.created("r1", ours)
    desk.done("r1", "cancelled")

    assert creates(desk.speech_over()) == [Reason.OPERATOR]


def test_turn_and_tool_outputs_are_answered_by_one_create() -> None:
    """Both are in the conversation before the create: one response answers both."""
    desk = Desk("brain")
    desk.created("r1")
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="t", arguments="{}"))
    desk.give(inputs.ToolFinished(call_id="c1", output="{}"))
    desk.give(inputs.TurnCommitted(item_id="u1"))

    actions = desk.done("r1")

    assert creates(actions) == [Reason.TOOL_OUTPUTS]
    assert creates(desk.done("r1")) == []
    assert not desk.core.state.deferred


def test_lost_creates_are_remembered_up_to_a_bound() -> None:
    """The oldest is forgotten first; a late `created` of one that is remembered is still ours."""
    desk = Desk()
    sent: list[str] = []
    for number in range(MAX_ABANDONED + 2):
        desk.now_ms = number * 40_000.0
        sent.append(token(desk.wish(Reason.IDLE_PROMPT)))
        desk.at(desk.now_ms + 10_000.0)
        desk.give(inputs.ItemAdded(item_id="a sign of life"))

    assert list(desk.core.state.abandoned) == sent[2:]


def test_the_line_of_a_create_says_what_it_comes_on_top_of() -> None:
    """Why, after which response, what the caller hears, and what waits: at egress, and unheard in all."""
    desk = Desk()
    desk.said("r1", "i1", 5_000)
    desk.give(inputs.Audible(cut=0, response_id="r1", item_id="i1", heard_ms=1_000, frames_waiting=40))

    (line,) = journaled(desk.wish(Reason.OPERATOR, "news"), "response_create")

    expected = {"reason": "operator", "previous": "r1", "audible": "r1", "frames_waiting": "40"}
    assert expected.items() <= line.items()
    assert line["reply_waiting_ms"] == "4000"


def test_after_a_flush_no_frames_wait() -> None:
    """And a report from before it does not bring them back."""
    desk = Desk("brain")
    desk.said("r1", "i1", 5_000)
    late = inputs.Audible(cut=0, response_id="r1", item_id="i1", heard_ms=1_000, frames_waiting=40)
    desk.give(late)
    desk.speech()
    desk.give(late)
    desk.speech_over()

    (line,) = journaled(desk.give(inputs.TurnCommitted(item_id="u1")), "response_create")

    assert (line["frames_waiting"], line["reply_waiting_ms"], line["audible"]) == ("0", "0", "")


def test_a_greeting_does_not_bypass_the_slot() -> None:
    """Neither beside a response, nor beside a create that is not answered: it waits, and is said."""
    beside_a_response, beside_a_create = Desk(), Desk()
    beside_a_response.created("r1")
    ours = token(beside_a_create.wish(Reason.OPERATOR, "news"))

    for desk in (beside_a_response, beside_a_create):
        actions = desk.wish(Reason.GREETING)
        assert creates(actions) == []
        assert journaled(actions, "response_deferred")[0]["gate"] == "slot"

    assert creates(beside_a_response.done("r1")) == [Reason.GREETING]
    beside_a_create.created("r1", ours)
    assert creates(beside_a_create.done("r1")) == [Reason.GREETING]


def test_a_greeting_in_flight_is_not_withdrawn_by_speech() -> None:
    """It may speak over the caller: a caller who says hello first is greeted all the same."""
    desk = Desk()
    ours = token(desk.wish(Reason.GREETING, "hello"))
    desk.speech()

    assert only(SendCancel, desk.created("r1", ours)) == []
    assert desk.audio("r1", "i1", 200).skip is None


def test_a_greeting_in_flight_is_withdrawn_by_whoever_insists() -> None:
    """An operator's words come instead of it."""
    desk = Desk()
    ours = token(desk.wish(Reason.GREETING, "hello"))
    desk.wish(Reason.OPERATOR, "news", force=True)

    assert [cancel.response_id for cancel in only(SendCancel, desk.created("r1", ours))] == ["r1"]


def test_a_withdrawn_create_that_comes_too_late_serves_no_wish() -> None:
    """Its wish, the first of the call, waits for the caller to stop, and is said by another create."""
    desk = Desk()
    ours = token(desk.wish(Reason.OPERATOR, "news"))
    desk.speech()
    desk.at(5_000)

    actions = desk.created("late", ours)

    assert [cancel.response_id for cancel in only(SendCancel, actions)] == ["late"]
    assert [wish.text for wish in desk.core.state.deferred.values()] == ["news"]


def test_a_token_that_is_not_ours_makes_it_a_response_of_the_server() -> None:
    """It may be that of another owner of the call."""
    desk = Desk()

    (line,) = journaled(desk.created("r1", "e7-create-3"), "response_created")

    assert (line["by"], line["wish"]) == ("server", "0")


def test_a_greeting_in_flight_that_keys_may_cut_is_withdrawn_by_them() -> None:
    """Speech alone is greeted all the same."""
    desk = Desk()
    ours = token(desk.wish(Reason.GREETING, "hello"))

    actions = desk.give(inputs.KeyPressed())

    expected = [{"reason": "greeting", "wish": "1", "cause": "keys"}]
    assert journaled(actions, "response_superseded") == expected
    assert [cancel.response_id for cancel in only(SendCancel, desk.created("r1", ours))] == ["r1"]


def test_a_greeting_in_flight_that_must_be_heard_is_withdrawn_by_whoever_insists() -> None:
    """It is the caller who may not cut it; an operator may."""
    desk = Desk(config=SequencerConfig(greeting_interruptible=False))
    ours = token(desk.wish(Reason.GREETING, "hello"))
    desk.wish(Reason.OPERATOR, "news", force=True)

    assert [cancel.response_id for cancel in only(SendCancel, desk.created("r1", ours))] == ["r1"]
