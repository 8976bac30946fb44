"""Keys pressed: a text in the conversation, and an answer."""

from __future__ import annotations

from brain.sequencer import Reason, SequencerConfig, inputs
from brain.sequencer.actions import Action, Flush, SendCreate, SendText, SendToolOutput
from brain.sequencer.caller_text import MAX_WAITING
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token


def wrote(desk: Desk, text: str = "1 2", *, barge_in: bool = False) -> list[Action]:
    return desk.give(inputs.CallerWrote(text=text, barge_in=barge_in))


def test_a_text_is_told_and_then_answered() -> None:
    """In this order, on one socket: the create sees it. In server mode too."""
    desk = Desk()
    actions = wrote(desk)

    assert [type(action) for action in actions if isinstance(action, SendText | SendCreate)] == [
        SendText,
        SendCreate,
    ]
    assert creates(actions) == [Reason.TURN]
    assert "1 2" not in str(journaled(actions, "caller_text"))


def test_without_barge_in_the_reply_goes_on() -> None:
    """The text is told at once, the answer waits for the slot."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 1_000)
    actions = wrote(desk)

    assert len(only(SendText, actions)) == 1
    assert (only(Flush, actions), creates(actions)) == ([], [])
    assert creates(desk.done("r1")) == [Reason.TURN]


def test_with_barge_in_it_ends_the_reply() -> None:
    """As speech would."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 1_000)

    (flush,) = only(Flush, wrote(desk, barge_in=True))
    assert flush.response_id == "r1"


def test_an_answer_that_could_see_the_text_supersedes_ours() -> None:
    """The server made a response after the text was in; before that, ours is kept."""
    for added, expected in ((False, [Reason.TURN]), (True, [])):
        desk = Desk()
        desk.created("r1")
        (text,) = only(SendText, wrote(desk))
        if added:
            desk.give(inputs.ItemAdded(item_id=text.event_id, answers_id=text.event_id))
        desk.created("r2")

        assert creates(desk.done("r2")) == expected


def test_a_text_waits_for_its_session() -> None:
    """All that were pressed, up to a bound; the last ones count."""
    desk = Desk(confirmed=False)
    for number in range(MAX_WAITING + 2):
        wrote(desk, str(number))

    actions = desk.give(inputs.SessionConfirmed())

    assert [text.text for text in only(SendText, actions)] == [str(n) for n in range(2, MAX_WAITING + 2)]
    assert creates(actions) == [Reason.TURN]
    assert len(journaled(desk.log, "text_dropped")) == 2
    assert desk.core.state.texts == []


def test_a_call_that_ends_takes_no_texts() -> None:
    """Nobody would answer."""
    desk = Desk()
    desk.give(inputs.HangUpWished(cause="x", farewell="bye"))
    actions = wrote(desk)

    assert only(SendText, actions) == []
    assert journaled(actions, "text_dropped") == [{"cause": "hang_up"}]


def test_who_presses_keys_is_there() -> None:
    """An idle prompt that waits is not said any more."""
    desk = Desk()
    desk.created("r1")
    desk.wish(Reason.IDLE_PROMPT)
    actions = wrote(desk)

    assert journaled(actions, "response_superseded")[0]["cause"] == "caller_text"


def test_the_first_key_interrupts_at_once() -> None:
    """The digits gather for a second and a half more; what we would say waits for them."""
    desk = Desk()
    desk.said("r1", "i1", 4_000)
    desk.audible("r1", "i1")
    desk.now_ms = 1_000

    actions = desk.give(inputs.KeyPressed())

    assert [line["cause"] for line in journaled(actions, "flush")] == ["keys"]
    waiting = desk.wish(Reason.OPERATOR, "Hm.")
    assert journaled(waiting, "response_deferred")[0]["gate"] == "caller"
    desk.now_ms = 2_600
    assert creates(desk.give(inputs.CallerWrote(text="1 2", barge_in=True))) == [Reason.TURN]


def test_keys_that_never_become_a_group_hold_nothing_back_for_ever() -> None:
    """2.5 s after the last one."""
    desk = Desk()
    desk.give(inputs.KeyPressed())
    desk.now_ms = 1_000
    desk.give(inputs.KeyPressed())
    desk.wish(Reason.OPERATOR, "Hm.")

    assert creates(desk.at(3_499)) == []
    assert creates(desk.at(3_500)) == [Reason.OPERATOR]


def test_a_key_between_two_sessions_interrupts_what_is_heard() -> None:
    """Audio in `reply` outlives its session; a farewell does not care."""
    desk = Desk()
    desk.said("r1", "i1", 4_000)
    desk.give(inputs.SessionLost(cause="closed_1006"))
    assert only(Flush, desk.give(inputs.KeyPressed()))

    desk = Desk()
    desk.created("bye", token(desk.give(inputs.HangUpWished(cause="agent", farewell="bye"))))
    desk.audio("bye", "i1", 1_000)
    assert only(Flush, desk.give(inputs.KeyPressed())) == []


def test_a_key_that_does_not_interrupt_keeps_a_caller_who_was_about_to_be_sent_away() -> None:
    """What is heard goes on; the move is dropped, as for a word."""
    desk = Desk()
    desk.said("r1", "i1", 4_000, done=False)
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="transfer", arguments="{}"))
    desk.done("r1")
    desk.audible("r1", "i1")
    desk.give(inputs.MoveWished(kind="dial", argument="+15550001", call_id="c1", response_id="r1"))

    actions = desk.give(inputs.KeyPressed(barge_in=False))

    assert journaled(actions, "move_dropped")[0]["cause"] == "caller"
    assert only(Flush, actions) == []
    assert desk.core.state.caller.typing_until_ms is None


def test_keys_begin_the_rounds_of_tools_again() -> None:
    """As speech does: what the caller asks for now may use tools."""
    desk = Desk(config=SequencerConfig(tool_rounds=2))
    desk.created("r0")
    desk.give(inputs.ServerToolOpened(response_id="r0", item_id="mcp0"))
    desk.give(inputs.ServerToolFinished(item_id="mcp0"))
    desk.created("r1", token(desk.done("r0")))
    wrote(desk)
    desk.give(inputs.ServerToolOpened(response_id="r1", item_id="mcp1"))
    desk.give(inputs.ServerToolFinished(item_id="mcp1"))

    (create,) = only(SendCreate, desk.done("r1"))

    assert not create.without_tools


def test_a_text_before_they_are_gone_keeps_a_caller_and_one_create_answers_it() -> None:
    """The model reads that the move was not done, then what they wrote, and is asked once, after both."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 2_000)
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="transfer", arguments="{}"))
    desk.done("r1")
    desk.give(inputs.MoveWished(kind="dial", argument="+15550001", call_id="c1", response_id="r1"))

    actions = wrote(desk, barge_in=True)

    assert journaled(actions, "move_dropped")[0]["cause"] == "caller"
    told = [action for action in actions if isinstance(action, SendToolOutput | SendText | SendCreate)]
    assert [type(action) for action in told] == [SendToolOutput, SendText, SendCreate]
    desk.created("r2", token(actions))
    assert desk.audio("r2", "i2", 200).skip is None
    assert creates(desk.done("r2")) == []
