"""The slot, adoption, `done`, deltas, and the watchdogs of a response."""

from __future__ import annotations

from brain.sequencer import Reason, SlotState, inputs
from brain.sequencer.actions import EndItem, EndResponse, HangUp, RecordHeard, SendCancel, SendDelete, Skip
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token


def test_our_created_is_adopted_by_its_token() -> None:
    """The journal says whose response it is, and why."""
    desk = Desk()
    ours = token(desk.wish(Reason.GREETING))

    (line,) = journaled(desk.created("r1", ours), "response_created")

    assert (line["by"], line["reason"]) == ("brain", "greeting")


def test_a_servers_own_response_takes_the_slot() -> None:
    """Adopted like ours."""
    desk = Desk()

    desk.created("r1")

    assert desk.core.slot is SlotState.GENERATING


def test_an_out_of_band_response_never_takes_the_slot() -> None:
    """`conversation_id` null: it runs beside the conversation, and is not heard."""
    desk = Desk()

    desk.give(inputs.ResponseCreated(response_id="side", out_of_band=True))

    assert desk.core.slot is SlotState.FREE
    assert desk.audio("side", "i", 20).skip is Skip.OUT_OF_BAND


def test_only_the_matching_done_frees_the_slot() -> None:
    """A late `done` of an older response, or one without an id, clears nothing."""
    desk = Desk()
    desk.created("new")

    desk.done("old")
    desk.done("")
    assert desk.core.slot is SlotState.GENERATING

    desk.done("new")
    assert desk.core.slot is SlotState.FREE


def test_an_unknown_live_response_is_adopted_at_its_first_delta() -> None:
    """Its `created` was lost; its words are not."""
    desk = Desk()

    verdict = desk.audio("r1", "i1", 20)

    assert verdict.skip is None
    assert desk.core.slot is SlotState.GENERATING


def test_an_adopted_response_turns_out_to_be_ours_at_its_done() -> None:
    """`done` carries the token too: the wish was spoken, and is not sent again."""
    desk = Desk()
    ours = token(desk.wish(Reason.OPERATOR, "news"))
    desk.audio("r1", "i1", 20)

    desk.give(inputs.ResponseDone(response_id="r1", status="completed", token=ours))

    assert desk.core.slot is SlotState.FREE
    assert not desk.core.state.deferred


def test_deltas_have_offsets_within_their_item() -> None:
    """Each item counts its own bytes."""
    desk = Desk()
    desk.created("r1")

    offsets = [desk.audio("r1", item, 10).offset_bytes for item in ("a", "a", "b", "a")]

    assert offsets == [0, 80, 0, 160]


def test_the_first_audio_of_a_response_is_marked() -> None:
    """The doorbell rings at it."""
    desk = Desk()
    desk.created("r1")

    assert [desk.audio("r1", "i1", 10).first for _ in range(2)] == [True, False]


def test_a_delta_without_ids_belongs_to_the_active_response() -> None:
    """Some compatible servers leave them out; an empty string is never a key."""
    desk = Desk()
    desk.created("r1")

    verdict = desk.audio("", "", 20)

    assert (verdict.skip, verdict.response_id, verdict.item_id) == (None, "r1", "r1")


def test_a_delta_without_ids_and_without_a_response_is_skipped() -> None:
    """There is nothing it could belong to."""
    assert Desk().audio("", "i1", 20).skip is Skip.UNKNOWN


def test_nothing_is_admitted_before_the_session_is_confirmed() -> None:
    """It would be PCM."""
    assert Desk(confirmed=False).audio("r1", "i1", 20).skip is Skip.NO_SESSION


def test_done_closes_items_and_response_in_reply() -> None:
    """Egress pads each item's tail once it knows its length."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 100)

    actions = desk.done("r1")

    (item,) = only(EndItem, actions)
    assert (item.item_id, item.total_bytes) == ("i1", 800)
    assert [end.response_id for end in only(EndResponse, actions)] == ["r1"]


def test_an_item_is_ended_once() -> None:
    """`output_item.done`, then `done`: one entry."""
    desk = Desk()

    desk.said("r1", "i1", 100)

    assert len(only(EndItem, desk.log)) == 1


def test_a_silent_active_response_is_cancelled() -> None:
    """It has said something, and ceases: 5 s, then cancel by id; the rest is owed."""
    desk = Desk()
    desk.created("r1")
    desk.now_ms = 4_000
    desk.audio("r1", "i1", 20)

    assert desk.core.next_deadline_ms() == 9_000
    assert [cancel.response_id for cancel in only(SendCancel, desk.at(9_000))] == ["r1"]


def test_a_missing_done_gives_the_slot_back_in_the_end() -> None:
    """3 s after the cancel the slot is taken back, and what nobody is owed is said."""
    desk = Desk()
    desk.created("r1")
    desk.at(10_000)
    desk.wish(Reason.IDLE_PROMPT, "There?")

    assert creates(desk.at(13_000)) == []
    assert desk.core.slot is SlotState.FREE
    assert desk.audio("r1", "i1", 20).skip is Skip.FINISHED


def test_a_response_that_nobody_waits_for_may_be_silent_for_longer() -> None:
    """While sound is owed and nothing was said, 8 s; once it has spoken, 5; else 10."""
    desk = Desk()
    desk.created("r1")
    assert desk.core.next_deadline_ms() == 10_000
    desk.done("r1")
    desk.created("r2", token(desk.wish(Reason.OPERATOR, "news")))
    assert desk.core.next_deadline_ms() == 8_000

    desk.audio("r2", "i2", 500)

    assert desk.core.state.active is not None
    assert desk.core.state.active.deadline_ms == 5_000


def test_a_refused_cancel_shortens_the_wait_for_a_lost_done() -> None:
    """The server has nothing active: its `done` went before that answer, or never comes."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    (cancel,) = only(SendCancel, desk.speech())

    desk.refused(cancel.event_id, "response_cancel_not_active")

    assert desk.core.slot is SlotState.CANCELLING
    desk.at(1_000)
    assert desk.core.slot is SlotState.FREE


def test_another_response_means_that_the_active_one_is_over() -> None:
    """The server has one slot: its `done` was lost, and its late `done` clears nothing."""
    desk = Desk()
    desk.created("r1")
    desk.created("r2")

    desk.done("r1")

    active = desk.core.state.active
    assert active is not None
    assert active.response_id == "r2"


def test_a_failed_response_of_ours_leaves_its_wish_owed() -> None:
    """Rate limits strike inside `response.done`: again after a pause."""
    desk = Desk()
    ours = token(desk.wish(Reason.OPERATOR, "news"))
    desk.created("r1", ours)

    desk.done("r1", "failed", "rate_limit_exceeded")

    assert desk.core.next_deadline_ms() == 250
    assert creates(desk.at(250)) == [Reason.OPERATOR]


def test_a_failed_answer_of_the_server_leaves_the_turn_owed() -> None:
    """Otherwise the caller would wait in silence."""
    desk = Desk()
    desk.created("r1")

    desk.done("r1", "failed", "server_error")

    assert creates(desk.at(250)) == [Reason.TURN]


def test_ten_minutes_unheard_stop_the_response() -> None:
    """The bound of `reply`: cancel and journal; what is there is still heard."""
    desk = Desk()
    desk.created("r1")
    assert desk.audio("r1", "i1", 599_990).skip is None

    verdict = desk.audio("r1", "i1", 20)

    assert verdict.skip is Skip.BACKLOG
    assert only(SendCancel, list(verdict.actions))
    assert desk.audio("r1", "i1", 1).skip is Skip.BACKLOG


def test_skipped_deltas_of_a_response_make_one_line() -> None:
    """Each is counted by the driver; people read one line."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    desk.speech()

    verdicts = [desk.audio("r1", "i1", 200) for _ in range(3)]

    assert [verdict.skip for verdict in verdicts] == [Skip.RETIRED] * 3
    assert len(journaled(desk.log, "audio_delta_skip")) == 1


def test_a_response_that_was_given_up_says_so_when_it_speaks_after_all() -> None:
    """Its words are lost, and people should see that: one line for its deltas, one for each end."""
    desk = Desk()
    desk.created("r1")
    desk.at(10_000)
    desk.at(13_000)

    for _ in range(2):
        desk.audio("r1", "i1", 200)
    desk.give(inputs.ItemFinished(response_id="r1", item_id="i1"))

    lines = journaled(desk.log, "audio_delta_skip")
    assert [(line["response"], line["item"], line["why"]) for line in lines] == [("r1", "i1", "finished")]
    assert [line["response"] for line in journaled(desk.log, "audio_done_skip")] == ["r1"]


def test_a_single_sample_is_audio() -> None:
    """It is admitted, ended and recorded like more of it; a delta without any is not admitted."""
    desk = Desk()
    desk.created("r1")
    assert desk.core.admit_audio("r1", "i1", 0, 0.0).skip is Skip.EMPTY
    assert desk.core.admit_audio("r1", "i1", 1, 0.0).skip is None

    actions = desk.done("r1")

    assert [end.total_bytes for end in only(EndItem, actions)] == [1]
    assert [end.response_id for end in only(EndResponse, actions)] == ["r1"]
    assert [record.item_id for record in only(RecordHeard, actions)] == ["i1"]


def test_what_a_delta_causes_is_done_with_it() -> None:
    """The first delta of another response ends the one before: not at the next input, now."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 1_000)

    verdict = desk.audio("r2", "i2", 20)

    assert [end.response_id for end in only(EndResponse, list(verdict.actions))] == ["r1"]


def test_a_delta_without_an_item_goes_on_with_the_last_one() -> None:
    """Also when an item was opened and nothing said of it yet, by a response that was never announced."""
    desk = Desk()
    desk.give(inputs.ItemOpened(response_id="r1", item_id="i1", speaks=True))
    first = desk.audio("r1", "", 20)
    desk.audio("r1", "i2", 20)

    assert first.item_id == "i1"
    assert desk.audio("r1", "", 20).item_id == "i2"


def ending() -> Desk:
    """The agent hangs up: what r1 said is the farewell, and there is no create in flight."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    desk.give(inputs.HangUpWished(cause="agent", farewell="bye", response_id="r1"))
    return desk


def test_while_the_call_ends_a_delta_of_an_unknown_response_is_not_heard() -> None:
    """It is cancelled at once, and the line says why."""
    desk = ending()

    verdict = desk.audio("r2", "i2", 200)

    assert (verdict.skip, verdict.response_id, verdict.item_id) == (Skip.HANG_UP, "r2", "i2")
    actions = list(verdict.actions)
    assert [cancel.response_id for cancel in only(SendCancel, actions)] == ["r2"]
    (line,) = journaled(actions, "audio_delta_skip")
    assert (line["response"], line["item"], line["why"]) == ("r2", "i2", "hang_up")


def test_while_the_call_ends_an_item_of_an_unknown_response_is_not_spoken() -> None:
    """Cancelled at once, and taken out of the conversation."""
    desk = ending()

    actions = desk.give(inputs.ItemOpened(response_id="r2", item_id="i2", speaks=True))

    assert [cancel.response_id for cancel in only(SendCancel, actions)] == ["r2"]
    assert [delete.item_id for delete in only(SendDelete, actions)] == ["i2"]


def test_a_done_without_an_id_ends_no_create() -> None:
    """Not even by its token: the `created` will come, or be missed."""
    desk = Desk()
    ours = token(desk.wish(Reason.OPERATOR, "news"))

    desk.give(inputs.ResponseDone(response_id="", status="completed", token=ours))

    assert desk.core.slot is SlotState.REQUESTED


def test_a_response_that_failed_after_it_had_spoken_is_not_asked_for_again() -> None:
    """The caller heard the most of it."""
    desk = Desk()
    desk.created("r1", token(desk.wish(Reason.OPERATOR, "news")))
    desk.audio("r1", "i1", 2_000)

    actions = desk.done("r1", "failed", "server_error")

    assert journaled(actions, "response_deferred") == []
    assert not desk.core.state.deferred


def test_the_tools_of_a_response_whose_done_was_lost_are_answered_after_the_next_one() -> None:
    """The next one says that it is over: no more calls can come from it."""
    desk = Desk()
    desk.created("r1")
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c", name="t", arguments="{}"))
    desk.give(inputs.ToolFinished(call_id="c", output="{}"))

    desk.created("r2")

    assert creates(desk.done("r2")) == [Reason.TOOL_OUTPUTS]


def test_a_response_that_only_ever_named_an_ended_item_is_watched_all_the_same() -> None:
    """Its first delta is not admitted, but it has the slot: 10 s, like any other."""
    desk = Desk()
    desk.said("r1", "i1", 1_000)

    assert desk.audio("r2", "i1", 20).skip is Skip.ITEM_ENDED
    assert desk.core.next_deadline_ms() == 10_000


def test_the_line_of_a_response_of_which_only_the_end_was_seen_names_its_wish() -> None:
    """Whoever reads the journal finds out what became of it; 0: of none."""
    desk = Desk()
    sent = desk.wish(Reason.OPERATOR, "hello")
    wished = journaled(sent, "response_create")[0]["wish"]

    seen = desk.give(inputs.ResponseDone(response_id="r1", status="completed", token=token(sent)))

    assert wished != "0"
    assert [(line["what"], line["wish"]) for line in journaled(seen, "error")] == [
        ("created_missing", wished)
    ]


def test_a_farewell_that_is_created_late_is_the_farewell() -> None:
    """Its create was given up on already: it is said once, and heard out before the call ends."""
    desk = Desk()
    first = token(desk.give(inputs.HangUpWished(cause="agent", farewell="bye")))
    desk.at(2_750)
    desk.created("r1", first)
    desk.audio("r1", "i1", 500)
    assert only(HangUp, desk.done("r1")) == []
    desk.audible("r1", "i1")

    actions = desk.played("r1", "i1", 500)

    assert only(HangUp, actions) == [HangUp(cause="agent")]
    assert creates(desk.log) == [Reason.FAREWELL]


def test_words_that_somebody_else_wanted_said_are_no_answer_to_the_caller() -> None:
    """A session that is lost then must still answer their turn; the server's own response has answered it."""
    desk = Desk()
    desk.created("r1")
    server = desk.audio("r1", "i1", 20)
    desk.done("r1")
    desk.created("r2", token(desk.wish(Reason.OPERATOR, "News.")))
    operator = desk.audio("r2", "i2", 20)
    desk.done("r2")
    desk.created("r3", token(desk.give(inputs.CallerWrote(text="1"))))
    turn = desk.audio("r3", "i3", 20)

    assert (server.answers_turn, operator.answers_turn, turn.answers_turn) == (True, False, True)
