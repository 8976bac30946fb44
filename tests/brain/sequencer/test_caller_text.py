"""Keys pressed: a text in the conversation, and an answer."""

from __future__ import annotations

from brain.sequencer import Reason, inputs
from brain.sequencer.actions import Action, Flush, SendCreate, SendText
from brain.sequencer.caller_text import MAX_WAITING
from tests.brain.sequencer.desk import Desk, creates, journaled, only


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
