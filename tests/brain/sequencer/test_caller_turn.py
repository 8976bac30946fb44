"""The caller speaks, pauses and has spoken: what ends with it, what stands back, what is answered."""

from __future__ import annotations

from brain.sequencer import Reason, SequencerConfig, SlotState, inputs
from brain.sequencer.actions import SendCancel, SendCreate, Skip
from brain.sequencer.debts import Owed
from shared.contract.owed import DebtCause
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token


def test_barge_in_drops_waiting_idle_prompts() -> None:
    """The caller is not idle."""
    desk = Desk()
    desk.created("r1")
    desk.wish(Reason.IDLE_PROMPT)

    (line,) = journaled(desk.speech(), "response_superseded")
    assert (line["reason"], line["cause"]) == ("idle_prompt", "speech")


def test_speech_that_never_stops_ends_after_a_minute_and_is_answered() -> None:
    """The gate opens again; the caller is owed an answer from then on, and we ask for it if the server does
    not."""
    desk = Desk()
    desk.speech()

    assert desk.core.next_deadline_ms() == 60_000
    assert journaled(desk.at(60_000), "error")[0]["what"] == "speech_never_stopped"
    assert not desk.core.state.caller.speaking
    assert desk.core.owed == Owed(1, DebtCause.TURN, 60_000)
    assert creates(desk.at(63_000)) == [Reason.TURN]


def test_in_brain_mode_a_committed_turn_is_answered_once() -> None:
    """One create for an item, however often it is reported."""
    desk = Desk("brain")
    desk.speech()
    desk.speech_over()

    first = desk.give(inputs.TurnCommitted(item_id="u1"))
    again = desk.give(inputs.TurnCommitted(item_id="u1"))

    assert (creates(first), creates(again)) == ([Reason.TURN], [])


def test_in_server_mode_a_committed_turn_is_the_servers_business() -> None:
    """No create of ours competes with it."""
    desk = Desk()

    assert creates(desk.give(inputs.TurnCommitted(item_id="u1"))) == []
    assert desk.core.slot is SlotState.FREE


def talked_on() -> Desk:
    """The caller ended a turn and spoke again before its answer was created."""
    desk = Desk()
    desk.speech()
    desk.speech_over()
    desk.speech()
    return desk


def test_an_answer_to_a_caller_who_has_talked_on_is_never_heard() -> None:
    """It is interrupted before its first word: the open turn will be answered with the one before."""
    desk = talked_on()

    actions = desk.created("r1")
    verdict = desk.audio("r1", "i1", 200)

    assert [cancel.response_id for cancel in only(SendCancel, actions)] == ["r1"]
    assert journaled(actions, "response_superseded") == [{"reason": "turn", "wish": "0", "cause": "speech"}]
    assert verdict.skip is Skip.RETIRED
    assert desk.core.state.caller.speaking


def test_the_answer_to_what_they_said_last_is_heard() -> None:
    """One interrupted answer does not cost the next."""
    desk = talked_on()
    desk.created("r1")
    desk.done("r1", "cancelled", "client_cancelled")
    desk.speech_over()

    desk.created("r2")

    assert desk.audio("r2", "i2", 200).skip is None


def test_a_second_answer_says_that_the_caller_has_stopped() -> None:
    """A pause that was never reported does not silence the model for a minute."""
    desk = talked_on()
    desk.created("r1")
    desk.done("r1", "cancelled", "client_cancelled")

    desk.created("r2")

    assert desk.audio("r2", "i2", 200).skip is None
    assert not desk.core.state.caller.speaking


def test_a_wish_outlives_an_answer_that_was_talked_over() -> None:
    """What nobody hears answers nothing: the outputs of a tool still wait for a response."""
    desk = Desk()
    desk.speech()
    desk.speech_over()
    desk.wish(Reason.OPERATOR, "One moment.")
    desk.speech()
    desk.created("r1")
    desk.done("r1", "cancelled", "client_cancelled")

    assert [wish.reason for wish in desk.core.state.deferred.values()] == [Reason.OPERATOR]


def test_a_caller_has_waited_since_before_the_model_noticed_their_pause() -> None:
    """It listens to half a second of silence first: that is part of the silence they hear."""
    desk = Desk(config=SequencerConfig(listens_ms=500.0))
    desk.now_ms = 1_000
    desk.speech()
    desk.now_ms = 3_000
    desk.speech_over()

    assert desk.core.owed == Owed(1, DebtCause.TURN, 2_500)


def test_a_turn_begins_the_rounds_of_tools_from_the_first() -> None:
    """All of them are there for it."""
    desk = Desk(config=SequencerConfig(tool_rounds=2))
    desk.created("r0")
    desk.give(inputs.ServerToolOpened(response_id="r0", item_id="mcp0"))
    desk.give(inputs.ServerToolFinished(item_id="mcp0"))
    desk.created("r1", token(desk.done("r0")))
    desk.speech()
    desk.done("r1", "cancelled")
    desk.speech_over()
    desk.created("r2")
    desk.give(inputs.ServerToolOpened(response_id="r2", item_id="mcp1"))
    desk.give(inputs.ServerToolFinished(item_id="mcp1"))

    (create,) = only(SendCreate, desk.done("r2"))

    assert not create.without_tools
