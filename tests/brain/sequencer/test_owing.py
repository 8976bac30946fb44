"""Who raises a debt, what pays it, what takes it back."""

from __future__ import annotations

import pytest

from brain.sequencer import Reason, Sequencer, SequencerConfig, inputs
from brain.sequencer.actions import EndResponse, SendCreate
from brain.sequencer.debts import Owed
from brain.sequencer.inputs import Input
from shared.contract.owed import DebtCause
from tests.brain.sequencer.desk import Desk, only, token


def owed(desk: Desk) -> tuple[int, DebtCause] | None:
    """The number and the cause of what stands."""
    stands = desk.core.owed
    return None if stands is None else (stands.number, stands.cause)


def turn(desk: Desk) -> None:
    desk.speech()
    desk.speech_over()


def tool(desk: Desk, response_id: str = "r1", call_id: str = "c1") -> None:
    desk.give(inputs.ToolCalled(response_id=response_id, call_id=call_id, name="t", arguments="{}"))


@pytest.mark.parametrize(
    ("wanted", "cause"),
    [
        (inputs.WishToSpeak(reason=Reason.GREETING, text="Hi."), DebtCause.GREETING),
        (inputs.WishToSpeak(reason=Reason.OPERATOR, text="Say it."), DebtCause.OPERATOR),
        (inputs.CallerWrote(text="1"), DebtCause.KEYS),
        (inputs.HangUpWished(cause="agent", farewell="Bye."), DebtCause.FAREWELL),
    ],
)
def test_who_is_to_be_answered_is_owed_sound(wanted: Input, cause: DebtCause) -> None:
    """From the wish on, whatever becomes of it."""
    desk = Desk()
    desk.now_ms = 50

    desk.give(wanted)

    assert desk.core.owed == Owed(1, cause, 50)


@pytest.mark.parametrize("by", ["server", "brain"])
def test_the_end_of_a_turn_is_owed_an_answer(by: str) -> None:
    """In both modes; while they speak they are owed nothing."""
    desk = Desk("server" if by == "server" else "brain")
    desk.speech()
    assert owed(desk) is None

    desk.speech_over()

    assert owed(desk) == (1, DebtCause.TURN)


def test_nobody_is_owed_an_idle_prompt() -> None:
    """The silence before it is the caller's own."""
    desk = Desk()

    desk.wish(Reason.IDLE_PROMPT, "There?")

    assert owed(desk) is None


def test_a_turn_during_the_farewell_is_owed_nothing_more() -> None:
    """The call ends: what is owed is the farewell."""
    desk = Desk()
    desk.give(inputs.HangUpWished(cause="agent", farewell="Bye."))

    turn(desk)
    desk.give(inputs.CallerWrote(text="1"))

    assert owed(desk) == (1, DebtCause.FAREWELL)


def test_only_what_is_audible_pays() -> None:
    """Not its create, not its end, not that its audio entered a stream."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 1_000)
    assert owed(desk) == (1, DebtCause.TURN)

    desk.audible("r1", "i1")

    assert owed(desk) is None


def test_a_report_of_an_old_cut_pays_nothing() -> None:
    """That sound was flushed."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 1_000)
    desk.give(inputs.Audible(cut=-1, response_id="r1", item_id="i1"))

    assert owed(desk) == (1, DebtCause.TURN)


@pytest.mark.parametrize("kind", ["heard", "played"])
def test_what_was_heard_was_audible(kind: str) -> None:
    """A word of egress that was lost does not leave a debt behind for ever."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 1_000)

    (desk.heard if kind == "heard" else desk.played)("r1", "i1", 1_000)

    assert owed(desk) is None


def test_a_report_about_a_response_without_sound_pays_nothing() -> None:
    """Silence is never counted as spoken."""
    desk = Desk()
    turn(desk)
    desk.created("r1")

    desk.audible("r1", "")

    assert owed(desk) == (1, DebtCause.TURN)


def test_a_response_pays_what_was_owed_when_it_was_made() -> None:
    """What came later needs another one; the number goes along with its audio."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    desk.wish(Reason.OPERATOR, "One more thing.")
    verdict = desk.audio("r1", "i1", 500)
    ends = only(EndResponse, desk.done("r1"))
    desk.audible("r1", "i1")

    assert (verdict.debt, [end.debt for end in ends]) == (1, [1])
    assert owed(desk) == (2, DebtCause.OPERATOR)


def test_an_interrupted_answer_pays_nothing() -> None:
    """The caller's turn raises the next debt, and its answer pays both."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 1_000, done=False)
    turn(desk)
    desk.done("r1", "cancelled")
    assert owed(desk) == (2, DebtCause.TURN)

    desk.said("r2", "i2", 1_000)
    desk.audible("r2", "i2", cut=1)

    assert owed(desk) is None


def test_a_pause_that_is_told_of_after_its_answer_began_is_owed_nothing() -> None:
    """The response that is under way is the answer."""
    desk = Desk()
    desk.speech()
    desk.created("r1")

    desk.speech_over()

    assert owed(desk) is None


def test_a_tool_is_owed_an_answer_of_its_own() -> None:
    """Once a batch; what the response says before it pays for the turn alone."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 500, done=False)
    tool(desk)
    tool(desk, call_id="c2")
    desk.audible("r1", "i1")

    assert owed(desk) == (2, DebtCause.TOOL)


def test_tools_that_want_no_answer_take_the_debt_back() -> None:
    """The caller said "one moment": nothing need be said, and that was decided."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    tool(desk)
    desk.done("r1")

    desk.give(inputs.ToolFinished(call_id="c1", output="{}", reply=False))

    assert owed(desk) is None


def test_what_was_said_beside_such_a_tool_is_still_owed_until_it_is_heard() -> None:
    """Its audio is on its way."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 500, done=False)
    tool(desk)
    desk.done("r1")

    desk.give(inputs.ToolFinished(call_id="c1", output="{}", reply=False))

    assert owed(desk) == (1, DebtCause.TURN)


def test_a_caller_who_goes_elsewhere_is_owed_nothing_until_they_are_back() -> None:
    """Neither what stood nor what is wished meanwhile."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    tool(desk)
    desk.give(inputs.MoveWished(kind="dial", argument="+15550001", call_id="c1", response_id="r1"))
    desk.done("r1")
    desk.wish(Reason.OPERATOR, "Hello?")
    assert owed(desk) is None

    desk.give(inputs.MoveEnded(output="{}"))

    assert owed(desk) == (3, DebtCause.RESUME)


def test_the_end_of_the_call_takes_all_debts_back() -> None:
    """Nobody waits any more."""
    desk = Desk()
    turn(desk)

    desk.give(inputs.HangUpWished(cause="operator"))

    assert owed(desk) is None


def test_an_answer_that_a_lost_session_cuts_off_is_owed_its_rest() -> None:
    """Its beginning was paid for when it was heard."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 2_000, done=False)
    desk.audible("r1", "i1")
    assert owed(desk) is None

    desk.give(inputs.SessionLost(cause="closed_1006"))

    assert owed(desk) == (2, DebtCause.TURN)


def test_a_new_brain_counts_on() -> None:
    """Numbers rise over the call; what the brain before owed is not known here."""
    core = Sequencer(SequencerConfig(first_debt=41))
    assert core.owed is None

    core.handle(inputs.WishToSpeak(reason=Reason.GREETING, text="Hi."), 0)

    assert core.owed == Owed(42, DebtCause.GREETING, 0)


def test_a_call_that_owes_sound_is_busy() -> None:
    """Nobody who waits for an answer is asked whether they are still there."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    desk.done("r1", "cancelled")

    assert desk.core.is_busy


def test_all_that_waits_to_be_heard_stays_owed_when_a_tool_takes_its_debt_back() -> None:
    """Two answers stand in `reply`: each pays for its own."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 500)
    desk.created("r2", token(desk.wish(Reason.OPERATOR, "Say it.")))
    desk.audio("r2", "i2", 500)
    tool(desk, "r2")
    desk.done("r2")

    desk.give(inputs.ToolFinished(call_id="c1", output="{}", reply=False))

    assert list(desk.core.state.debts.standing) == [1, 2]


def answered_while_a_tool_runs() -> Desk:
    """The caller asks again while a tool runs, and the server answers that; nobody has heard it yet."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    tool(desk)
    desk.done("r1")
    turn(desk)
    desk.said("r2", "i2", 500)
    return desk


def test_a_tool_that_still_runs_is_waited_for_again_once_something_else_was_answered() -> None:
    """ "Are you there?" "Yes": and then the caller waits on."""
    desk = answered_while_a_tool_runs()

    desk.now_ms = 700
    desk.audible("r2", "i2")

    assert desk.core.owed == Owed(4, DebtCause.TOOL, 700)


def test_a_tools_result_is_owed_an_answer_though_all_else_was_answered_before() -> None:
    """A silent response to it is asked for again."""
    desk = answered_while_a_tool_runs()
    desk.played("r2", "i2", 500)

    desk.created("r3", token(desk.give(inputs.ToolFinished(call_id="c1", output="{}"))))
    desk.done("r3")

    assert owed(desk) == (4, DebtCause.TOOL)
    desk.now_ms += 20_000
    assert desk.core.next_deadline_ms() is not None


def test_an_answer_does_not_pay_for_what_waits_behind_it() -> None:
    """In brain mode an operator's words come before the answer to the caller."""
    desk = Desk("brain")
    desk.created("r0", token(desk.wish(Reason.OPERATOR, "News.")))
    turn(desk)
    desk.wish(Reason.OPERATOR, "More news.")
    desk.give(inputs.TurnCommitted(item_id="u1"))
    desk.done("r0", "cancelled")
    (create,) = only(SendCreate, desk.log[-8:])[-1:]
    assert create.reason is Reason.OPERATOR
    desk.created("r1", create.token)
    desk.audio("r1", "i1", 500)

    desk.audible("r1", "i1", desk.core.state.cut)

    stands = owed(desk)
    assert stands is not None
    assert stands[1] is DebtCause.TURN


@pytest.mark.parametrize("kind", ["audible", "heard", "played"])
def test_a_younger_debt_is_waited_for_since_the_older_one_was_paid(kind: str) -> None:
    """Whatever the report that paid: the caller heard something then."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 1_000)
    desk.wish(Reason.OPERATOR, "One more thing.")
    desk.now_ms = 1_000

    match kind:
        case "audible":
            desk.audible("r1", "i1")
        case "heard":
            desk.heard("r1", "i1", 500)
        case _:
            desk.played("r1", "i1", 1_000)

    assert desk.core.owed == Owed(2, DebtCause.OPERATOR, 1_000)


@pytest.mark.parametrize("kind", ["heard", "played"])
def test_a_playhead_pays_only_once_it_has_moved(kind: str) -> None:
    """At the start of an item nothing of it was heard; a millisecond later something was."""
    desk = Desk()
    turn(desk)
    desk.said("r1", "i1", 1_000)
    report = desk.heard if kind == "heard" else desk.played

    report("r1", "i1", 0)
    assert owed(desk) == (1, DebtCause.TURN)
    report("r1", "i1", 1)

    assert owed(desk) is None


def test_a_response_that_came_after_a_tool_call_does_not_pay_for_the_tool() -> None:
    """Whatever the server says of its own accord while the tool runs."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    tool(desk)
    desk.done("r1")
    desk.said("r2", "i2", 500)

    desk.now_ms = 700
    desk.audible("r2", "i2")

    assert desk.core.owed == Owed(3, DebtCause.TOOL, 700)


def test_a_tool_that_wants_no_answer_does_not_silence_another_one() -> None:
    """It takes back what is owed up to its own call; the result of the older tool is owed from when it is
    there."""
    desk = Desk()
    turn(desk)
    desk.created("r1")
    tool(desk)
    desk.done("r1")
    desk.created("r2")
    tool(desk, "r2", "c2")
    desk.done("r2")
    desk.give(inputs.ToolFinished(call_id="c2", output="{}", reply=False))

    desk.now_ms = 900
    desk.give(inputs.ToolFinished(call_id="c1", output="{}"))

    assert desk.core.owed == Owed(4, DebtCause.TOOL, 900)
