"""The caller interrupts: order, truncation at what was heard, and nothing when there is nothing."""

from __future__ import annotations

from brain.sequencer import Reason, SequencerConfig, SlotState, inputs
from brain.sequencer.actions import (
    Flush,
    Journal,
    RecordHeard,
    SendCancel,
    SendDelete,
    SendTruncate,
    Skip,
)
from tests.brain.sequencer.desk import Desk, creates, only, token


def playing(ms: int = 5_000, *, done: bool = True) -> Desk:
    """The caller hears item i1 of response r1."""
    desk = Desk()
    desk.said("r1", "i1", ms, done=done)
    desk.audible("r1", "i1")
    return desk


def test_the_flush_comes_first_then_the_cancel_by_id() -> None:
    """The caller hears the flush; the model can wait."""
    desk = playing(done=False)

    actions = [action for action in desk.speech() if not isinstance(action, Journal)]

    assert [type(action) for action in actions] == [Flush, SendCancel]
    flush = actions[0]
    assert isinstance(flush, Flush)
    assert (flush.cut, flush.response_id, flush.item_id) == (1, "r1", "i1")


def test_a_response_that_is_done_is_flushed_but_not_cancelled() -> None:
    """Generation is five times faster than speech: this is the usual barge-in."""
    desk = playing()

    actions = desk.speech()

    assert only(Flush, actions)
    assert only(SendCancel, actions) == []


def test_nothing_audible_and_nothing_generating_sends_nothing() -> None:
    """The caller's first words interrupt nobody."""
    actions = Desk().speech()

    assert [type(action) for action in actions] == [Journal]


def test_what_was_heard_out_is_not_flushed() -> None:
    """Speech after the reply was played to its end is a turn, not a barge-in."""
    desk = playing()
    desk.played("r1", "i1", 5_000)

    assert only(Flush, desk.speech()) == []


def test_queued_audio_is_flushed_before_egress_ever_played_it() -> None:
    """Not yet audible, but on its way."""
    desk = Desk()
    desk.said("r1", "i1", 1_000)

    assert only(Flush, desk.speech())


def test_late_deltas_of_an_interrupted_response_are_dropped() -> None:
    """Judged by response id, before anything else, also after its `done`."""
    desk = playing(done=False)
    desk.speech()

    assert desk.audio("r1", "i1", 200).skip is Skip.RETIRED
    desk.done("r1", "cancelled")
    assert desk.audio("r1", "i1", 200).skip is Skip.RETIRED


def test_truncation_uses_egress_figures() -> None:
    """min(heard, received - 100 ms)."""
    desk = playing(5_000)
    desk.speech()

    (truncate,) = only(SendTruncate, desk.flushed(1, i1=1_234))

    assert (truncate.item_id, truncate.audio_end_ms) == ("i1", 1_234)


def test_truncation_is_clamped_below_what_was_received() -> None:
    """The server has been seen to count a little less than we do."""
    desk = playing(5_000, done=False)
    desk.speech()

    (truncate,) = only(SendTruncate, desk.flushed(1, i1=4_980))

    assert truncate.audio_end_ms == 4_900


def test_without_egress_figures_the_last_playhead_counts() -> None:
    """150 ms, no longer."""
    desk = playing(5_000)
    desk.heard("r1", "i1", 700)
    desk.now_ms = 1_000
    desk.speech()

    assert desk.core.next_deadline_ms() == 1_150
    (truncate,) = only(SendTruncate, desk.at(1_150))
    assert truncate.audio_end_ms == 700


def test_a_playhead_that_arrives_in_the_wait_counts() -> None:
    """It is of the old cut, but it is about the item that waits."""
    desk = playing(5_000)
    desk.speech()
    desk.heard("r1", "i1", 900)

    (truncate,) = only(SendTruncate, desk.at(150))

    assert truncate.audio_end_ms == 900


def test_flushed_of_another_cut_is_not_taken() -> None:
    """A late report of an earlier interruption says nothing about this one."""
    desk = playing()
    desk.speech()

    assert desk.flushed(7, i1=1) == []


def test_a_complete_item_heard_to_within_the_margin_is_left_alone() -> None:
    """Nothing to repair: the caller heard it."""
    desk = playing(5_000)
    desk.speech()

    actions = desk.flushed(1, i1=4_950)

    assert only(SendTruncate, actions) == []
    assert only(SendDelete, actions) == []


def test_an_item_of_which_nothing_was_heard_is_deleted() -> None:
    """Truncating at zero is refused by the server."""
    desk = playing(5_000)
    desk.speech()

    actions = desk.flushed(1, i1=0)

    assert [delete.item_id for delete in only(SendDelete, actions)] == ["i1"]


def test_later_items_are_deleted_and_earlier_ones_left() -> None:
    """Three items, the playhead in the second."""
    desk = Desk()
    desk.created("r1")
    for item_id in ("i1", "i2", "i3"):
        desk.give(inputs.ItemOpened(response_id="r1", item_id=item_id, speaks=True))
        desk.audio("r1", item_id, 2_000)
        desk.give(inputs.ItemFinished(response_id="r1", item_id=item_id))
    desk.done("r1")
    desk.audible("r1", "i2")
    desk.speech()

    actions = desk.flushed(1, i2=500)

    assert [(t.item_id, t.audio_end_ms) for t in only(SendTruncate, actions)] == [("i2", 500)]
    assert [delete.item_id for delete in only(SendDelete, actions)] == ["i3"]
    assert [(h.item_id, h.heard_ms) for h in only(RecordHeard, desk.log)][-3:] == [
        ("i1", 2_000),
        ("i2", 500),
        ("i3", 0),
    ]


def test_a_straggling_item_of_an_interrupted_response_is_deleted() -> None:
    """It was opened after the flush: nobody will hear it."""
    desk = playing(done=False)
    desk.speech()
    desk.flushed(1, i1=100)

    actions = desk.give(inputs.ItemOpened(response_id="r1", item_id="i2", speaks=True))

    assert [delete.item_id for delete in only(SendDelete, actions)] == ["i2"]


def test_a_second_barge_in_settles_the_first_cut() -> None:
    """Nothing is forgotten when interruptions come quickly."""
    desk = playing()
    desk.speech()
    desk.speech_over()
    desk.said("r2", "i2", 1_000, done=False)

    actions = desk.speech()

    assert [delete.item_id for delete in only(SendDelete, actions)] == ["i1"]
    assert desk.core.cut == 2


def test_a_refused_truncation_changes_nothing() -> None:
    """The server had less audio than we thought: the next answer is heard like any other."""
    desk = playing()
    desk.speech()
    (truncate,) = only(SendTruncate, desk.flushed(1, i1=1_234))

    actions = desk.refused(truncate.event_id, "invalid_value")

    assert [type(action) for action in actions] == [Journal]
    assert desk.core.slot is SlotState.FREE
    desk.speech_over()
    desk.created("r2")
    assert desk.audio("r2", "i2", 200).skip is None


def test_a_playhead_that_arrives_in_the_wait_says_that_what_stands_before_it_was_heard() -> None:
    """Two items, the caller in the second: the first is left alone, the second is cut there."""
    desk = Desk()
    desk.created("r1")
    for item_id in ("i1", "i2"):
        desk.give(inputs.ItemOpened(response_id="r1", item_id=item_id, speaks=True))
        desk.audio("r1", item_id, 2_000)
        desk.give(inputs.ItemFinished(response_id="r1", item_id=item_id))
    desk.done("r1")
    desk.audible("r1", "i1")
    desk.speech()
    desk.give(inputs.Heard(cut=0, response_id="", item_id="i2", heard_ms=700))

    actions = desk.at(150)

    assert [(t.item_id, t.audio_end_ms) for t in only(SendTruncate, actions)] == [("i2", 700)]
    assert only(SendDelete, actions) == []


def test_a_millisecond_that_was_heard_is_kept() -> None:
    """The model said that much; only what was not heard at all is deleted."""
    desk = playing(5_000)
    desk.speech()

    actions = desk.flushed(1, i1=1)

    assert [truncate.audio_end_ms for truncate in only(SendTruncate, actions)] == [1]
    assert only(SendDelete, actions) == []


def test_a_short_item_behind_the_playhead_is_deleted() -> None:
    """It is shorter than the margin below which nothing is truncated, and all the same nobody heard it."""
    desk = Desk()
    desk.said("r1", "i1", 5_000, done=False)
    desk.give(inputs.ItemOpened(response_id="r1", item_id="i2", speaks=True))
    desk.audio("r1", "i2", 80)
    desk.done("r1")
    desk.audible("r1", "i1")
    desk.speech()

    actions = desk.flushed(1, i1=500)

    assert [delete.item_id for delete in only(SendDelete, actions)] == ["i2"]


def test_a_response_that_is_being_cancelled_is_not_cancelled_again() -> None:
    """It was silent for too long; then the caller speaks."""
    desk = Desk()
    desk.created("r1")
    assert only(SendCancel, desk.at(10_000))

    actions = desk.speech()

    assert only(Flush, actions)
    assert only(SendCancel, actions) == []


def test_stragglers_that_come_before_the_figures_are_deleted_with_the_rest() -> None:
    """Each of them, and only once."""
    desk = playing(done=False)
    desk.speech()
    for item_id in ("i2", "i3", "i2"):
        desk.give(inputs.ItemOpened(response_id="r1", item_id=item_id, speaks=True))

    actions = desk.flushed(1, i1=100)

    assert [delete.item_id for delete in only(SendDelete, actions)] == ["i2", "i3"]


def test_an_interrupted_response_that_turns_out_to_be_ours_stays_interrupted() -> None:
    """Its `created` never came: the `done` tells whose it was, and what only its wish can say waits."""
    desk = Desk()
    ours = token(desk.wish(Reason.OPERATOR, "news"))
    desk.give(inputs.ItemOpened(response_id="r1", item_id="i1", speaks=True))
    desk.speech()

    desk.give(inputs.ResponseDone(response_id="r1", status="cancelled", token=ours))

    assert desk.core.slot is SlotState.FREE
    assert [wish.text for wish in desk.core.state.deferred.values()] == ["news"]


def test_what_the_server_cancels_itself_is_not_cancelled_by_us() -> None:
    """It would answer that nothing is active; if no `done` follows, we do it after all."""
    desk = Desk(config=SequencerConfig(server_interrupts=True))
    desk.said("r1", "i1", 5_000, done=False)
    (hint,) = only(SendCancel, desk.speech())
    assert (hint.response_id, hint.left_to_server) == ("r1", True)
    assert desk.core.slot is SlotState.CANCELLING
    assert only(SendCancel, desk.at(599)) == []

    (cancel,) = only(SendCancel, desk.at(600))

    assert (cancel.response_id, cancel.left_to_server) == ("r1", False)
    assert only(SendCancel, desk.at(3_599)) == []
    assert desk.core.slot is SlotState.CANCELLING
    desk.at(3_600)
    assert desk.core.slot is SlotState.FREE


def test_what_the_server_does_not_hear_of_is_cancelled_by_us_at_once() -> None:
    """An operator who insists, keys."""
    for input_ in (
        inputs.WishToSpeak(reason=Reason.OPERATOR, text="x", force=True),
        inputs.CallerWrote(text="1", barge_in=True),
        inputs.KeyPressed(),
    ):
        desk = Desk(config=SequencerConfig(server_interrupts=True))
        desk.said("r1", "i1", 5_000, done=False)

        assert [cancel.left_to_server for cancel in only(SendCancel, desk.give(input_))] == [False]


def greeting(*, done: bool) -> Desk:
    """A greeting of 4 s that must be heard is being said."""
    desk = Desk(config=SequencerConfig(greeting_interruptible=False))
    desk.created("r1", token(desk.wish(Reason.GREETING, "This call is recorded.")))
    desk.audio("r1", "i1", 4_000)
    if done:
        desk.done("r1")
    desk.audible("r1", "i1")
    return desk


def test_a_greeting_that_must_be_heard_is_not_cut_by_voice_or_keys() -> None:
    """What they said is answered after it."""
    for done in (True, False):
        desk = greeting(done=done)
        desk.speech()
        desk.give(inputs.KeyPressed())
        desk.speech_over()
        assert only(Flush, desk.log) == []
        assert only(SendCancel, desk.log) == []
        desk.done("r1")
        desk.said("r2", "i2", 500)
        desk.played("r1", "i1", 4_000)

        assert desk.core.owed is not None
        desk.audible("r2", "i2")
        assert desk.core.owed is None
        assert only(Flush, desk.speech())


def test_a_greeting_that_must_be_heard_goes_on_when_a_server_cuts_it() -> None:
    """Its rest is asked for, once."""
    desk = greeting(done=False)
    desk.speech()
    desk.done("r1", "cancelled", "turn_detected")
    desk.speech_over()

    sent = desk.at(500)

    assert creates(sent) == [Reason.TURN]


def test_a_greeting_that_must_be_heard_gives_way_to_an_operator_and_the_end() -> None:
    """The caller alone may not cut it."""
    assert only(Flush, greeting(done=True).wish(Reason.OPERATOR, "x", force=True))
    assert only(Flush, greeting(done=True).give(inputs.HangUpWished(cause="operator")))


def test_keys_do_not_withdraw_a_greeting_that_must_be_heard() -> None:
    """Asked for, and not yet begun."""
    desk = Desk(config=SequencerConfig(greeting_interruptible=False))
    ours = token(desk.wish(Reason.GREETING, "This call is recorded."))
    desk.give(inputs.KeyPressed())

    desk.created("r1", ours)

    assert desk.core.slot is SlotState.GENERATING


def test_what_the_server_cuts_goes_on_only_if_it_is_a_notice() -> None:
    """Not a greeting that may be cut, and not what follows one that may not."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.GREETING, "Hi.")))
    desk.audio("r1", "i1", 1_000)
    assert creates(desk.done("r1", "cancelled")) == []

    desk = greeting(done=True)
    desk.said("r2", "i2", 1_000, done=False)
    assert creates(desk.done("r2", "cancelled")) == []
