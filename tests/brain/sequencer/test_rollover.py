"""A session is replaced at a moment that nobody notices, or at the last one."""

from __future__ import annotations

import pytest

from brain.sequencer import Reason, inputs
from brain.sequencer.actions import Action, RollOver
from tests.brain.sequencer.desk import Desk, journaled, only, token


def due(desk: Desk, force_at_ms: float = 60_000, settle_at_ms: float = 59_000) -> list[Action]:
    return desk.give(inputs.RolloverDue(settle_at_ms=settle_at_ms, force_at_ms=force_at_ms))


def rolls(actions: list[Action]) -> int:
    return len(only(RollOver, actions))


def test_a_quiet_call_is_rolled_over_at_once() -> None:
    """Nobody has spoken yet."""
    desk = Desk()
    actions = due(desk)

    assert rolls(actions) == 1
    assert journaled(actions, "rollover_due")[0]["force_in_ms"] == "60000"
    assert rolls(desk.at(1_000)) == 0


def test_not_before_what_was_said_is_heard() -> None:
    """Generating, waiting to be played, playing: none of them is quiet."""
    desk = Desk()
    desk.created("r1")
    assert rolls(due(desk)) == 0
    desk.audio("r1", "i1", 1_000)
    assert rolls(desk.done("r1")) == 0
    assert rolls(desk.audible("r1", "i1")) == 0

    assert rolls(desk.played("r1", "i1", 1_000)) == 1


def test_the_caller_must_have_been_silent_for_a_moment_and_been_answered() -> None:
    """300 ms after the voice; while an answer is owed, not at all."""
    desk = Desk()
    due_soon = desk.speech()
    assert rolls(due_soon) == 0
    assert rolls(due(desk)) == 0
    desk.now_ms = 1_000
    assert rolls(desk.speech_over()) == 0
    assert rolls(desk.at(2_000)) == 0

    desk.said("r1", "i1", 500)
    assert rolls(desk.played("r1", "i1", 500)) == 1


def answered_in_a_word() -> Desk:
    """The caller's voice ended at 1,000 ms; at 1,100 all of the answer is heard."""
    desk = Desk()
    desk.speech()
    desk.now_ms = 1_000
    desk.speech_over()
    desk.said("r1", "i1", 90)
    desk.now_ms = 1_100
    desk.played("r1", "i1", 90)
    return desk


def test_the_moment_of_silence_is_waited_for() -> None:
    """An answer of one word, right after the voice."""
    desk = answered_in_a_word()
    assert rolls(due(desk)) == 0

    assert desk.core.next_deadline_ms() == 1_300
    assert rolls(desk.at(1_299)) == 0
    assert rolls(desk.at(1_300)) == 1


@pytest.mark.parametrize("what", ["create", "tool", "wish", "cut", "move"])
def test_whatever_is_under_way_is_waited_for(what: str) -> None:
    """A create, a tool, a wish that waits, truncations that wait for their figures, a caller who is away."""
    desk = Desk()
    match what:
        case "create":
            desk.wish(Reason.OPERATOR, "x")
        case "tool":
            desk.created("r1")
            desk.give(inputs.ToolCalled(response_id="r1", call_id="c", name="t", arguments=""))
            desk.done("r1")
        case "wish":
            desk.created("r1")
            desk.wish(Reason.OPERATOR, "x")
        case "move":
            desk.created("r1")
            desk.give(inputs.ToolCalled(response_id="r1", call_id="c", name="t", arguments=""))
            desk.give(inputs.MoveWished(kind="dial", argument="1", call_id="c", response_id="r1"))
            desk.done("r1")
            desk.give(inputs.ToolFinished(call_id="c", output="{}", reply=False))
        case _:
            desk.said("r1", "i1", 1_000)
            desk.audible("r1", "i1")
            desk.wish(Reason.OPERATOR, "x", force=True)

    assert rolls(due(desk)) == 0
    assert desk.core.is_busy


def test_when_time_is_short_playback_goes_on_over_the_change() -> None:
    """A long reply that is all generated: what is in `reply` is heard whichever session is there."""
    desk = Desk()
    desk.said("r1", "i1", 30_000)
    desk.audible("r1", "i1")
    due(desk, 9_000, settle_at_ms=3_000)

    assert desk.core.next_deadline_ms() == 3_000
    assert rolls(desk.at(2_999)) == 0
    assert rolls(desk.at(3_000)) == 1


def test_what_is_still_generated_is_never_settled() -> None:
    """The rest of it would be lost with its session."""
    desk = Desk()
    desk.said("r1", "i1", 30_000, done=False)
    desk.audible("r1", "i1")
    due(desk, 9_000, settle_at_ms=3_000)

    assert rolls(desk.at(3_000)) == 0
    desk.now_ms = 4_000
    assert rolls(desk.done("r1")) == 1


def test_without_a_quiet_moment_it_is_forced() -> None:
    """In the middle of a reply, if it has to be."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 60_000)
    due(desk, 5_000)

    assert rolls(desk.at(4_999)) == 0
    assert rolls(desk.at(5_000)) == 1


def test_a_call_that_ends_is_not_rolled_over() -> None:
    """The farewell is shorter than what is left of the session."""
    desk = Desk()
    desk.give(inputs.HangUpWished(cause="agent", farewell="bye"))

    assert rolls(due(desk, 100)) == 0
    assert rolls(desk.at(200)) == 0


def test_a_session_that_is_lost_first_needs_none() -> None:
    """The next one is young."""
    desk = Desk()
    desk.created("r1")
    due(desk, 5_000)
    desk.give(inputs.SessionLost(cause="closed_1006"))
    desk.give(inputs.SessionConfirmed())

    assert rolls(desk.at(6_000)) == 0
    assert desk.core.state.roll_over_by_ms is None


def test_a_later_word_moves_the_last_moment() -> None:
    """The driver asks again when the caller's turn was not in history yet."""
    desk = Desk()
    desk.created("r1")
    due(desk, 5_000)
    again = due(desk, 3_000)

    assert journaled(again, "rollover_due") == []
    assert rolls(desk.at(3_000)) == 1


def test_a_cut_that_waits_for_its_figures_is_waited_for() -> None:
    """A prompt that was superseded begins to speak all the same, is flushed, and ends."""
    desk = Desk()
    prompt = token(desk.wish(Reason.IDLE_PROMPT))
    desk.created("r1")
    desk.done("r1")
    desk.audio("r2", "i2", 1_000)
    desk.created("r2", prompt)
    desk.done("r2", "cancelled")

    assert rolls(due(desk)) == 0
    assert rolls(desk.at(150)) == 1


def test_a_session_that_owes_an_answer_is_not_left_at_a_quiet_moment() -> None:
    """Its answer said nothing: it is asked again first."""
    desk = Desk()
    desk.speech()
    desk.speech_over()
    desk.created("r1")
    desk.done("r1", "cancelled")
    desk.now_ms = 200

    assert rolls(due(desk)) == 0


def test_a_session_that_is_given_up_is_not_rolled_over() -> None:
    """Its successor is on its way."""
    desk = Desk()
    desk.wish(Reason.OPERATOR, "x")
    due(desk, 7_000)
    for now_ms in (2_750, 3_000, 5_750):
        desk.at(now_ms)

    assert rolls(desk.at(7_000)) == 0


def test_a_call_that_ends_is_not_woken_for_it() -> None:
    """The last moment for a rollover passes before the farewell is heard: nothing is due then."""
    desk = Desk()
    desk.created("r1")
    due(desk, 4_000)
    desk.give(inputs.HangUpWished(cause="agent", farewell="bye"))
    desk.done("r1", "cancelled")

    assert desk.core.next_deadline_ms() == 2_750  # The farewell's create must be answered by then.


def test_a_last_moment_that_has_passed_is_now() -> None:
    """The line counts no time below zero."""
    desk = Desk()
    desk.now_ms = 10_000

    assert journaled(due(desk, 9_000), "rollover_due") == [{"force_in_ms": "0"}]


def test_a_greeting_that_was_not_heard_is_owed_by_this_session() -> None:
    """The server cancelled it before its first word, and nothing is under way: no quiet moment."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.GREETING, "Hi.")))
    desk.done("r1", "cancelled")

    assert rolls(due(desk)) == 0


# A moment in which the call may change hands, without a rollover that is due.


def is_quiet(desk: Desk, now_ms: float) -> tuple[bool, bool]:
    """Whether the call may change hands: with nothing playing, and while audio plays."""
    return desk.core.is_quiet(now_ms, may_play=False), desk.core.is_quiet(now_ms, may_play=True)


def test_a_call_in_which_nobody_has_spoken_may_change_hands() -> None:
    """At its very beginning."""
    assert is_quiet(Desk(), 0.0) == (True, True)


def test_not_while_something_is_generated() -> None:
    """Nor while the caller speaks."""
    desk = Desk()
    desk.created("r1")
    assert is_quiet(desk, 5_000.0) == (False, False)
    desk = Desk()
    desk.speech()
    assert is_quiet(desk, 5_000.0) == (False, False)


def test_what_only_plays_may_go_on_over_the_change() -> None:
    """Where whoever takes the call goes on playing."""
    desk = Desk()
    desk.said("r1", "i1", 500)
    desk.audible("r1", "i1")
    assert is_quiet(desk, 100.0) == (False, True)
    desk.played("r1", "i1", 500)
    assert is_quiet(desk, 600.0) == (True, True)


def test_not_right_behind_the_callers_voice() -> None:
    """A moment later, to the millisecond."""
    desk = answered_in_a_word()
    assert is_quiet(desk, 1_299.0) == (False, False)
    assert is_quiet(desk, 1_300.0) == (True, True)


def test_a_call_that_ends_stays_where_it_is() -> None:
    """It waits only for its farewell to be heard."""
    desk = Desk()
    desk.said("r1", "i1", 500)
    desk.audible("r1", "i1")
    desk.give(inputs.HangUpWished(cause="agent", farewell="", response_id="r1"))
    assert desk.core.state.hang_up is not None
    assert is_quiet(desk, 100.0) == (False, False)
