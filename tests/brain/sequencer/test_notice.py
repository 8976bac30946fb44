"""Words that must be exact: a recording in `reply`, heard, cut and told like any other answer."""

from __future__ import annotations

import pytest

from brain.sequencer import Reason, Sequencer, SequencerConfig, SlotState, inputs
from brain.sequencer.actions import (
    Flush,
    HangUp,
    PlayNotice,
    RecordHeard,
    Rewrite,
    SendDelete,
    SendTruncate,
    TellSaid,
)
from brain.sequencer.inherit import ItemLeft, Left
from brain.sequencer.notice import PROTECTED, is_notice, notice_id, number_of
from tests.brain.sequencer.desk import Desk, creates, journaled, only

FREE = notice_id(1, interruptible=True)
WHOLE = notice_id(2, interruptible=False)


def ready(item_id: str = FREE, ms: int = 3_000) -> inputs.NoticeReady:
    return inputs.NoticeReady(item_id=item_id, n_bytes=ms * 8, text="This call is recorded.")


def test_its_id_says_what_it_is() -> None:
    """To a brain that takes the call over."""
    assert [number_of(each) for each in (FREE, WHOLE)] == [1, 2]
    assert is_notice(FREE)
    assert is_notice(WHOLE)
    assert not is_notice("item_1")
    once_more = notice_id(2, interruptible=False, again=1_700_000_000_000)
    assert once_more != WHOLE
    assert (number_of(once_more), once_more.startswith(PROTECTED)) == (2, True)


@pytest.mark.parametrize("confirmed", [True, False])
def test_it_is_played_at_once_whether_there_is_a_session_or_not(confirmed: bool) -> None:
    """The caller waits for the session with something in their ear. It answers their waiting."""
    desk = Desk(confirmed=confirmed)

    actions = desk.give(ready())

    assert only(PlayNotice, actions) == [PlayNotice(cut=0, item_id=FREE, debt=1)]
    assert journaled(actions, "notice") == [{"item": FREE, "cut": "0"}]
    assert desk.core.owed is not None
    assert desk.core.state.unheard_bytes == 24_000

    desk.audible(FREE, FREE)
    assert desk.core.owed is None
    assert desk.core.audible_response_id == FREE


def test_a_session_is_told_of_it_once() -> None:
    """At once, or when there is one; before it is asked for anything."""
    later = Desk(confirmed=False)
    assert only(TellSaid, later.give(ready())) == []
    later.wish(Reason.GREETING, "Hello.")
    actions = later.give(inputs.SessionConfirmed())
    told = only(TellSaid, actions)
    assert [(each.item_id, each.text) for each in told] == [(FREE, "This call is recorded.")]
    assert actions.index(told[0]) < next(n for n, each in enumerate(actions) if creates([each]))

    at_once = Desk()
    assert len(only(TellSaid, at_once.give(ready()))) == 1
    at_once.give(inputs.SessionLost(cause="closed_1006"))
    assert only(TellSaid, at_once.give(inputs.SessionConfirmed())) == []


def test_the_greeting_is_asked_for_meanwhile_and_comes_behind_it() -> None:
    """No gate is closed by a recording."""
    desk = Desk()
    desk.give(ready())

    assert creates(desk.wish(Reason.GREETING, "Hello.")) == [Reason.GREETING]


def test_it_is_over_when_it_was_heard() -> None:
    """Then nothing of it is left but what is remembered."""
    desk = Desk()
    desk.give(ready())
    desk.audible(FREE, FREE)

    actions = desk.played(FREE, FREE, 3_000)

    assert only(RecordHeard, actions) == [
        RecordHeard(item_id=FREE, heard_ms=3_000, received_ms=3_000, complete=True, heard_out=True)
    ]
    assert (desk.core.state.items, desk.core.state.responses) == ({}, {})


def test_the_caller_may_cut_it_short() -> None:
    """The model is told what they heard: it knows it as text, which cannot be truncated."""
    desk = Desk()
    desk.give(ready())
    desk.audible(FREE, FREE)
    desk.now_ms = 1_000.0
    assert only(Flush, desk.speech()) == [Flush(cut=1, response_id=FREE, item_id=FREE)]

    actions = desk.flushed(1, **{FREE: 900.0})

    assert only(Rewrite, actions) == [Rewrite(item_id=FREE, heard_ms=900)]
    assert not only(SendTruncate, actions)
    assert not only(SendDelete, actions)
    assert only(RecordHeard, actions)[0].heard_ms == 900


def test_one_that_must_be_heard_is_cut_by_neither_voice_nor_keys() -> None:
    """What was said meanwhile is a turn; once it was heard, what follows may be cut."""
    desk = Desk()
    desk.give(ready(WHOLE))
    desk.audible(WHOLE, WHOLE)
    assert not only(Flush, desk.speech())
    desk.speech_over()
    assert not only(Flush, desk.give(inputs.KeyPressed()))

    desk.said("r1", "i1", 2_000, done=False)
    desk.played(WHOLE, WHOLE, 3_000)
    desk.audible("r1", "i1")
    assert only(Flush, desk.speech())


def test_an_operator_may_cut_even_that() -> None:
    """Whoever runs the line knows what must be said."""
    desk = Desk()
    desk.give(ready(WHOLE))

    assert only(Flush, desk.wish(Reason.OPERATOR, "Fire!", force=True))

    (heard,) = only(RecordHeard, desk.flushed(1, **{WHOLE: 400.0}))
    assert (heard.heard_ms, heard.complete, heard.heard_out) == (400, True, False)


@pytest.mark.parametrize(("heard_ms", "is_heard_out"), [(0.0, False), (2_979.0, False), (2_980.0, True)])
def test_a_cut_says_whether_it_was_heard_to_its_end(heard_ms: float, is_heard_out: bool) -> None:
    """To a frame: nearer than a truncation asks for."""
    desk = Desk()
    desk.give(ready(WHOLE))
    desk.audible(WHOLE, WHOLE)
    desk.wish(Reason.OPERATOR, "Fire!", force=True)
    (heard,) = only(RecordHeard, desk.flushed(1, **{WHOLE: heard_ms}))
    assert heard.heard_out is is_heard_out


def test_a_cut_of_which_egress_tells_nothing_was_not_heard_to_its_end() -> None:
    """Its last word counts."""
    desk = Desk()
    desk.give(ready(WHOLE))
    desk.audible(WHOLE, WHOLE)
    desk.heard(WHOLE, WHOLE, 900)
    desk.wish(Reason.OPERATOR, "Fire!", force=True)
    (heard,) = only(RecordHeard, desk.at(desk.core.state.config.flushed_wait_ms))
    assert (heard.heard_ms, heard.heard_out) == (900, False)


def test_what_nobody_has_reported_counts_as_played_and_not_as_heard() -> None:
    """Neither a notice whose end nobody tells of, nor one of which nobody tells anything."""
    silent = Desk()
    silent.give(ready(WHOLE))
    silent.audible(WHOLE, WHOLE)
    silent.heard(WHOLE, WHOLE, 900)
    (played,) = only(RecordHeard, silent.at(60_000.0))
    assert (played.heard_ms, played.complete, played.heard_out) == (3_000, True, False)

    dead = Desk()
    dead.give(ready(WHOLE))
    dead.at(60_000.0)
    assert only(Flush, dead.log)
    dead.at(61_000.0)
    (unheard,) = only(RecordHeard, dead.log)
    assert (unheard.heard_ms, unheard.heard_out) == (0, False)


def test_one_whose_end_is_told_last_of_all_was_heard() -> None:
    """All of it was reported; only the word that all is silent never came."""
    desk = Desk()
    desk.give(ready(WHOLE))
    desk.audible(WHOLE, WHOLE)
    desk.heard(WHOLE, WHOLE, 2_990)
    (heard,) = only(RecordHeard, desk.at(60_000.0))
    assert heard.heard_out


def test_it_does_not_stand_still_for_a_voice_if_it_must_be_heard() -> None:
    """Where noise does not cut."""
    config = SequencerConfig(create_response_by="brain", confirm_ms=1_500.0, transcribes=True)
    for item_id, is_paused in ((WHOLE, False), (FREE, True)):
        desk = Desk(config=config)
        desk.give(ready(item_id))
        desk.audible(item_id, item_id)
        desk.speech()
        assert (desk.core.state.doubt is not None) is is_paused


def test_a_call_that_ends_says_no_more() -> None:
    """And one that has ended neither."""
    desk = Desk()
    desk.give(inputs.HangUpWished(cause="agent", farewell="Bye."))
    assert desk.give(ready()) == []

    gone = Desk()
    assert only(HangUp, gone.give(inputs.HangUpWished(cause="agent")))
    assert gone.give(ready()) == []
    assert gone.core.slot is SlotState.ENDED


@pytest.mark.parametrize(("item_id", "is_cut"), [(FREE, True), (WHOLE, False)])
def test_another_brain_knows_whether_it_may_be_cut(item_id: str, is_cut: bool) -> None:
    """By its id, in `reply`."""
    core = Sequencer(SequencerConfig())
    left = ItemLeft(
        item_id=item_id, response_id=item_id, received_bytes=24_000, heard_ms=500.0, complete=True, debt=1
    )
    core.inherit(Left(items=(left,), ended=frozenset({item_id}), audible_response=item_id), 0.0)
    core.handle(inputs.SessionConfirmed(), 0.0)

    actions = core.handle(inputs.SpeechStarted(item_id="u1"), 100.0)

    assert bool(only(Flush, actions)) is is_cut
