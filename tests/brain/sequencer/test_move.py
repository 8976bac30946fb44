"""The caller goes elsewhere for a while: when, what waits meanwhile, and how it ends."""

from __future__ import annotations

from brain.sequencer import Reason, inputs
from brain.sequencer.actions import Action, Flush, HangUp, Move, RunTool, SendCancel, SendToolOutput
from brain.sequencer.move import ANOTHER, HANGING_UP, NEVER_BACK, SPOKE
from tests.brain.sequencer.desk import Desk, creates, journaled, only


def asked(desk: Desk, *, said_ms: int = 0, call_id: str = "c1") -> None:
    """A response that says something, perhaps, and calls a tool that moves the caller."""
    desk.created("r1")
    if said_ms:
        desk.give(inputs.ItemOpened(response_id="r1", item_id="i1", speaks=True))
        desk.audio("r1", "i1", said_ms)
        desk.give(inputs.ItemFinished(response_id="r1", item_id="i1", final=True))
    desk.give(inputs.ToolCalled(response_id="r1", call_id=call_id, name="transfer", arguments="{}"))


def wish(desk: Desk, call_id: str = "c1") -> list[Action]:
    return desk.give(inputs.MoveWished(kind="dial", argument="+15550001", call_id=call_id, response_id="r1"))


GONE = [Move(kind="dial", argument="+15550001", call_id="c1")]


def test_what_was_said_is_heard_before_the_caller_goes() -> None:
    """Not while it generates, not while it plays."""
    desk = Desk()
    asked(desk, said_ms=2_000)

    assert only(Move, wish(desk)) == []
    assert only(Move, desk.done("r1")) == []
    desk.audible("r1", "i1")
    actions = desk.played("r1", "i1", 2_000)

    assert only(Move, actions) == GONE
    assert only(Flush, actions) == []


def test_what_was_said_is_heard_though_the_stream_was_away_meanwhile() -> None:
    """For 7 s; the 8 s run anew with the playhead, and not without it."""
    desk = Desk()
    asked(desk, said_ms=4_000)
    wish(desk)
    desk.done("r1")
    desk.audible("r1", "i1")
    desk.heard("r1", "i1", 500)
    desk.now_ms = 7_000
    desk.audible("r1", "i1")
    desk.at(11_000)
    desk.heard("r1", "i1", 1_500)

    assert only(Move, desk.at(21_499)) == []
    assert only(Move, desk.at(21_500)) == GONE


def test_with_nothing_said_the_caller_goes_when_the_response_is_done() -> None:
    """The tool ran faster than the response ended."""
    desk = Desk()
    asked(desk)
    assert only(Move, wish(desk)) == []

    assert only(Move, desk.done("r1")) == GONE


def test_a_caller_who_speaks_before_they_are_gone_stays() -> None:
    """ "No, wait!": the tool is told that it was not done, and their turn is answered."""
    desk = Desk()
    asked(desk, said_ms=2_000)
    desk.done("r1")
    desk.audible("r1", "i1")
    wish(desk)

    actions = desk.speech()

    assert only(Move, actions) == []
    assert only(Flush, actions)
    assert [(o.call_id, o.output) for o in only(SendToolOutput, actions)] == [("c1", SPOKE)]
    assert journaled(actions, "move_dropped") == [{"what": "dial", "call_id": "c1", "cause": "caller"}]
    desk.give(inputs.ItemAdded(item_id="o", answers_id="c1"))
    desk.speech_over()
    desk.said("r2", "i2", 500)
    assert creates(desk.log) == []
    assert desk.core.state.move is None


def test_a_caller_who_spoke_while_the_tool_ran_stays_too() -> None:
    """Its move comes after their words, even after the answer to them."""
    desk = Desk()
    asked(desk)
    desk.done("r1")
    desk.speech()
    desk.speech_over()
    desk.said("r2", "i2", 500)

    actions = wish(desk)

    assert journaled(actions, "move_refused")[0]["cause"] == "caller"
    assert [o.output for o in only(SendToolOutput, actions)] == [SPOKE]


def test_a_key_before_they_are_gone_keeps_a_caller_as_well() -> None:
    """It interrupts as speech would."""
    desk = Desk()
    asked(desk, said_ms=2_000)
    desk.done("r1")
    wish(desk)

    actions = desk.give(inputs.KeyPressed())

    assert only(Move, actions) == []
    assert journaled(actions, "move_dropped")[0]["cause"] == "caller"


def test_a_tool_that_was_called_after_the_words_moves_the_caller() -> None:
    """They asked to be connected."""
    desk = Desk()
    desk.speech()
    desk.speech_over()
    asked(desk)
    desk.done("r1")

    assert only(Move, wish(desk)) == GONE


def test_a_playback_that_nobody_reports_is_not_waited_for_for_ever() -> None:
    """As long as it lasts, and eight seconds; the rest is flushed, so that nobody hears it later."""
    desk = Desk()
    asked(desk, said_ms=2_000)
    desk.done("r1")
    wish(desk)

    assert only(Move, desk.at(9_999)) == []
    actions = desk.at(10_000)

    assert only(Move, actions) == GONE
    assert [line["cause"] for line in journaled(actions, "flush")] == ["move"]


def test_nobody_is_spoken_to_while_away() -> None:
    """Wishes wait behind the gate; a response that the server makes is cancelled."""
    desk = Desk()
    asked(desk)
    wish(desk)
    desk.done("r1")

    waiting = desk.wish(Reason.OPERATOR, "hello")
    made = desk.created("r2")

    assert creates(waiting) == []
    assert journaled(waiting, "response_deferred")[0]["gate"] == "away"
    assert [cancel.response_id for cancel in only(SendCancel, made)] == ["r2"]


def test_when_the_caller_is_back_the_tool_is_answered_by_one_create() -> None:
    """And what waited follows."""
    desk = Desk()
    asked(desk)
    wish(desk)
    desk.done("r1")
    desk.wish(Reason.IDLE_PROMPT)

    actions = desk.give(inputs.MoveEnded(output='{"status":"busy"}'))

    assert [(o.call_id, o.output) for o in only(SendToolOutput, actions)] == [("c1", '{"status":"busy"}')]
    assert creates(actions) == [Reason.TOOL_OUTPUTS]


def test_a_second_move_is_refused_and_its_tool_told() -> None:
    """One at a time."""
    desk = Desk()
    asked(desk)
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c2", name="transfer", arguments="{}"))
    wish(desk)

    actions = wish(desk, "c2")

    assert [(o.call_id, o.output) for o in only(SendToolOutput, actions)] == [("c2", ANOTHER)]
    assert journaled(actions, "move_refused")[0]["cause"] == "moving"


def test_a_move_of_an_unknown_call_is_refused() -> None:
    """Its tool was answered already: moving the caller now would surprise everyone."""
    desk = Desk()
    actions = wish(desk)

    assert journaled(actions, "move_refused")[0]["cause"] == "unknown_call"
    assert desk.core.state.move is None


def test_a_call_that_ends_moves_nobody() -> None:
    """A hang-up wins over a move that has not begun, and over one that is wished after it."""
    desk = Desk()
    asked(desk, said_ms=1_000)
    wish(desk)
    actions = desk.give(inputs.HangUpWished(cause="agent", farewell="bye"))
    assert journaled(actions, "move_dropped")[0]["call_id"] == "c1"
    assert desk.core.state.move is None

    late = wish(desk)
    assert [o.output for o in only(SendToolOutput, late)] == [HANGING_UP]


def test_nobody_says_goodbye_to_somebody_who_is_away() -> None:
    """The farewell would be heard by no one: the call ends at once."""
    desk = Desk()
    asked(desk)
    wish(desk)
    desk.done("r1")

    actions = desk.give(inputs.HangUpWished(cause="operator", farewell="bye"))

    assert only(HangUp, actions) == [HangUp(cause="operator")]
    assert creates(actions) == []


def test_a_caller_who_never_comes_back_is_not_waited_for_for_ever() -> None:
    """The tool is told that nobody knows, and the conversation goes on."""
    desk = Desk()
    desk.now_ms = 1_000
    asked(desk)
    desk.now_ms = 5_000
    wish(desk)
    desk.done("r1")
    assert only(SendToolOutput, desk.at(15_004_999)) == []

    actions = desk.at(15_005_000)

    assert [o.output for o in only(SendToolOutput, actions)] == [NEVER_BACK]
    assert desk.core.state.move is None
    assert creates(actions) == [Reason.TOOL_OUTPUTS]


def test_a_clock_that_is_looked_at_late_tells_of_the_move_all_the_same() -> None:
    """The move's tool is answered by what became of the move, not as one that never ended."""
    desk = Desk()
    asked(desk)
    wish(desk)
    desk.done("r1")

    actions = desk.at(15_000_050)

    assert [o.output for o in only(SendToolOutput, actions)] == [NEVER_BACK]
    assert [line["what"] for line in journaled(actions, "error")] == ["move_never_ended"]
    assert creates(actions) == [Reason.TOOL_OUTPUTS]


def test_a_caller_may_talk_to_the_other_side_for_an_hour() -> None:
    """Nothing is said to nobody meanwhile, and how it went is told when they are back."""
    desk = Desk()
    asked(desk)
    wish(desk)
    desk.done("r1")
    desk.at(3_600_000)
    desk.give(inputs.SessionLost(cause="rollover"))
    desk.give(inputs.SessionConfirmed())
    assert creates(desk.log) == []

    actions = desk.give(inputs.MoveEnded(output='{"status":"completed"}'))

    assert [o.output for o in only(SendToolOutput, actions)] == ['{"status":"completed"}']
    assert creates(actions) == [Reason.TOOL_OUTPUTS]


def test_digits_are_played_within_two_minutes() -> None:
    """Nobody talks to anybody meanwhile."""
    desk = Desk()
    asked(desk)
    desk.give(inputs.MoveWished(kind="digits", argument="1", call_id="c1", response_id="r1"))
    desk.done("r1")

    assert [o.output for o in only(SendToolOutput, desk.at(120_000))] == [NEVER_BACK]


def test_a_move_outlives_its_session() -> None:
    """The answer goes to the next session, with the call that it has not seen."""
    desk = Desk()
    asked(desk)
    wish(desk)
    desk.done("r1")
    desk.give(inputs.SessionLost(cause="closed_1006"))
    desk.give(inputs.SessionConfirmed())

    actions = desk.give(inputs.MoveEnded(output="{}"))

    (output,) = only(SendToolOutput, actions)
    assert (output.call_id, output.name, output.arguments) == ("c1", "transfer", "{}")
    assert creates(actions) == [Reason.TOOL_OUTPUTS]


def test_an_end_without_a_move_is_nothing() -> None:
    """A new stream for another reason."""
    desk = Desk()

    assert desk.give(inputs.MoveEnded(output="{}")) == []
    asked(desk, said_ms=1_000)
    wish(desk)
    assert desk.give(inputs.MoveEnded(output="{}")) == []


def test_a_create_in_flight_is_withdrawn() -> None:
    """It would be heard in the middle of the transfer."""
    desk = Desk()
    asked(desk)
    desk.done("r1")
    desk.wish(Reason.OPERATOR, "hello")

    actions = wish(desk)

    assert only(Move, actions) == GONE
    assert journaled(actions, "response_deferred")[0]["reason"] == "operator"
    assert only(RunTool, desk.log)[0].call_id == "c1"


def test_a_second_move_between_two_sessions_is_refused_to_the_next_one() -> None:
    """The result waits for a session like any other."""
    desk = Desk()
    asked(desk)
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c2", name="transfer", arguments="{}"))
    wish(desk)
    desk.give(inputs.SessionLost(cause="closed_1006"))
    assert only(SendToolOutput, wish(desk, "c2")) == []

    actions = desk.give(inputs.SessionConfirmed())

    assert [(o.call_id, o.output) for o in only(SendToolOutput, actions)] == [("c2", ANOTHER)]


def test_a_caller_whose_tool_ended_without_them_is_spoken_to_when_they_are_back() -> None:
    """Nothing is left to be answered, but they wait for a word."""
    desk = Desk()
    asked(desk)
    wish(desk)
    desk.done("r1")
    desk.give(inputs.ToolFinished(call_id="c1", output="{}", reply=False))

    actions = desk.give(inputs.MoveEnded(output="{}"))

    assert only(SendToolOutput, actions) == []
    assert creates(actions) == [Reason.TURN]


def test_a_tool_whose_result_waits_for_a_session_moves_nobody() -> None:
    """It has ended: the move is refused, and the result is told to the next session."""
    desk = Desk()
    asked(desk)
    desk.give(inputs.SessionLost(cause="closed_1006"))
    desk.give(inputs.ToolFinished(call_id="c1", output="{}"))

    refused = wish(desk)

    assert journaled(refused, "move_refused") == [{"what": "dial", "cause": "unknown_call"}]
    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.TOOL_OUTPUTS]
