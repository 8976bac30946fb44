"""The end of a call: the farewell is heard first, within a bound."""

from __future__ import annotations

import pytest

from brain.sequencer import Reason, SlotState, inputs
from brain.sequencer.actions import (
    Action,
    Flush,
    HangUp,
    RecordHeard,
    ReplaceSession,
    SendCancel,
    SilenceServer,
    Skip,
)
from tests.brain.sequencer.desk import Desk, creates, journaled, only, token


def wished(
    desk: Desk, farewell: str = "bye", response_id: str = "", *, only_if_unsaid: bool = True
) -> list[Action]:
    wish = inputs.HangUpWished(
        cause="agent", farewell=farewell, response_id=response_id, only_if_unsaid=only_if_unsaid
    )
    return desk.give(wish)


def test_the_farewell_is_heard_before_the_hang_up() -> None:
    """Created, generated, played: only then."""
    desk = Desk()
    ours = token(wished(desk))
    desk.created("bye", ours)
    desk.audio("bye", "i1", 1_000)
    assert only(HangUp, desk.done("bye")) == []
    desk.audible("bye", "i1")

    assert [end.cause for end in only(HangUp, desk.played("bye", "i1", 1_000))] == ["agent"]
    assert desk.core.slot is SlotState.ENDED


def test_the_server_is_told_to_make_no_responses() -> None:
    """`create_response` false while the hang-up is pending."""
    assert only(SilenceServer, wished(Desk()))


def test_a_response_that_appears_anyway_is_cancelled_at_its_created() -> None:
    """It was on its way already."""
    desk = Desk()
    wished(desk)

    actions = desk.created("server")

    assert [cancel.response_id for cancel in only(SendCancel, actions)] == ["server"]
    assert desk.audio("server", "i", 20).skip is Skip.RETIRED


def test_a_farewell_that_was_refused_for_it_is_said_after_it() -> None:
    """The farewell is the one wish that a pending hang-up keeps."""
    desk = Desk()
    ours = token(wished(desk))
    desk.created("server")
    desk.refused(ours)

    assert creates(desk.done("server", "cancelled")) == [Reason.FAREWELL]


def test_other_wishes_end_with_the_hang_up() -> None:
    """Superseded, with a line each; new ones too."""
    desk = Desk()
    desk.created("r1")
    desk.wish(Reason.OPERATOR, "news")

    before = journaled(wished(desk), "response_superseded")
    after = journaled(desk.wish(Reason.OPERATOR, "more"), "response_superseded")

    assert [line["cause"] for line in before + after] == ["hang_up", "hang_up"]


def test_a_response_that_spoke_while_asking_is_the_farewell_itself() -> None:
    """It said goodbye and called the tool: nobody says goodbye twice."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)

    assert creates(wished(desk, response_id="r1")) == []
    desk.done("r1")

    assert only(HangUp, desk.played("r1", "i1", 1_000))


def test_a_farewell_that_was_given_words_is_said_after_any_preamble() -> None:
    """ "One moment, I'll book that. Goodbye", says the response; the farewell says what was booked."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    wished(desk, "It is booked. Goodbye.", response_id="r1", only_if_unsaid=False)

    sent = desk.done("r1")

    assert creates(sent) == [Reason.FAREWELL]
    desk.created("bye", token(sent))
    desk.audio("bye", "i2", 800)
    desk.done("bye")
    assert only(HangUp, desk.played("r1", "i1", 1_000)) == []
    assert only(HangUp, desk.played("bye", "i2", 800))


def test_the_caller_does_not_interrupt_a_farewell() -> None:
    """Barge-in is off while the hang-up is pending."""
    desk = Desk()
    desk.created("bye", token(wished(desk)))
    desk.audio("bye", "i1", 1_000)

    assert only(Flush, desk.speech()) == []


def test_a_farewell_that_is_never_heard_is_bounded() -> None:
    """8 s to start playing."""
    desk = Desk()
    wished(desk)

    assert only(HangUp, desk.at(7_999)) == []
    assert only(HangUp, desk.at(8_000)) == [HangUp(cause="agent", unheard=True)]


def test_a_farewell_that_is_heard_may_be_heard_out_within_the_bound_again() -> None:
    """Its own length and 8 s more, from its first sound."""
    desk = Desk()
    desk.created("bye", token(wished(desk)))
    desk.audio("bye", "i1", 12_000)
    desk.done("bye")
    desk.now_ms = 3_000
    desk.audible("bye", "i1")

    assert only(HangUp, desk.at(22_999)) == []
    assert only(HangUp, desk.at(23_000))


def begun(ms: int) -> Desk:
    """A farewell that is heard to begin when so much of it has come."""
    desk = Desk()
    desk.created("bye", token(wished(desk)))
    if ms:
        desk.audio("bye", "i1", ms)
    desk.audible("bye", "i1")
    return desk


def test_a_farewell_that_is_still_made_while_it_plays_is_heard_to_its_end() -> None:
    """Of its 12 s one had come when it began."""
    desk = begun(1_000)
    desk.now_ms = 900
    desk.heard("bye", "i1", 800)
    desk.audio("bye", "i1", 11_000)
    desk.done("bye")
    for second in range(2, 13):
        assert only(HangUp, desk.at(second * 1_000)) == []
        desk.heard("bye", "i1", second * 1_000 - 200)

    assert only(HangUp, desk.played("bye", "i1", 12_000)) == [HangUp(cause="agent")]


def test_a_caller_whose_stream_was_away_hears_the_farewell_to_its_end() -> None:
    """Five seconds without a word from egress; then it goes on where it was."""
    desk = begun(500)
    desk.audio("bye", "i1", 5_500)
    desk.done("bye")
    desk.now_ms = 5_000
    desk.audible("bye", "i1")
    for second in range(6, 11):
        assert only(HangUp, desk.at(second * 1_000)) == []
        desk.heard("bye", "i1", (second - 5) * 1_000)

    assert only(HangUp, desk.played("bye", "i1", 6_000)) == [HangUp(cause="agent")]


def test_a_playhead_that_stands_still_keeps_nobody_waiting() -> None:
    """Nor does a farewell without an end."""
    desk = begun(1_000)
    for second in range(1, 9):
        assert only(HangUp, desk.at(second * 1_000)) == []
        desk.heard("bye", "i1", 500)
    assert only(HangUp, desk.at(9_500))

    desk = begun(0)
    for second in range(1, 46):
        desk.audio("bye", "i1", 2_000)
        assert only(HangUp, desk.at(second * 1_000)) == []
        desk.heard("bye", "i1", second * 1_000)
    assert only(HangUp, desk.at(46_000))


def test_a_report_of_what_nobody_knows_keeps_nobody_waiting() -> None:
    """It says nothing of the farewell's playhead."""
    desk = begun(1_000)
    desk.now_ms = 5_000
    desk.heard("bye", "unknown", 500)

    assert only(HangUp, desk.at(8_999)) == []
    assert only(HangUp, desk.at(9_000))


def test_a_long_answer_that_ends_in_a_goodbye_is_not_cut() -> None:
    """12 s of speech, made in three, then end_call: it is heard to its end."""
    desk = Desk()
    desk.said("r1", "i1", 12_000, done=False)
    desk.audible("r1", "i1")
    desk.now_ms = 2_500
    wished(desk, response_id="r1")
    desk.done("r1")

    assert only(HangUp, desk.at(11_900)) == []
    assert only(HangUp, desk.played("r1", "i1", 12_000))


def test_a_goodbye_waits_for_what_is_said_before_it() -> None:
    """Ten seconds of another answer are still to be heard: the farewell's own time begins after them."""
    desk = Desk()
    desk.said("r1", "i1", 10_000)
    desk.audible("r1", "i1")
    desk.created("bye", token(wished(desk)))
    desk.audio("bye", "i2", 1_000)
    desk.done("bye")

    desk.at(10_000)
    assert desk.audible("bye", "i2")
    assert only(HangUp, desk.played("bye", "i2", 1_000))


def test_a_speech_of_minutes_is_no_farewell() -> None:
    """Half a minute of it, and the 8 s: then the call ends."""
    desk = Desk()
    desk.said("r1", "i1", 200_000)
    desk.audible("r1", "i1")
    wished(desk, response_id="r1")

    assert only(HangUp, desk.at(37_999)) == []
    assert only(HangUp, desk.at(38_000))


def test_a_new_session_is_told_to_make_no_responses_either() -> None:
    """The session is lost in the goodbye: the next one must not answer the caller, or let them cut it."""
    desk = Desk()
    wished(desk)
    desk.give(inputs.SessionLost(cause="closed_1006"))

    actions = desk.give(inputs.SessionConfirmed())

    assert [silence.event_id.rpartition("-")[0] for silence in only(SilenceServer, actions)] == ["t-silence"]
    assert creates(actions) == [Reason.FAREWELL]


def test_a_silent_farewell_is_asked_for_again_within_its_bound() -> None:
    """Nobody is hung up on in silence while there is time to say goodbye."""
    desk = Desk()
    desk.created("bye", token(wished(desk)))

    assert only(HangUp, desk.done("bye")) == []
    desk.created("again", token(desk.at(250)))
    desk.audio("again", "i1", 800)
    desk.done("again")
    assert only(HangUp, desk.played("again", "i1", 800)) == [HangUp(cause="agent")]


def test_a_farewell_that_stays_silent_ends_the_call_at_its_bound() -> None:
    """Eight seconds: the caller is not kept for ever."""
    desk = Desk()
    sent = wished(desk)
    for number in range(2):
        desk.created(f"r{number}", token(sent))
        desk.done(f"r{number}")
        sent = desk.at(desk.core.next_deadline_ms() or 0)

    assert only(HangUp, desk.at(7_999)) == []
    assert only(HangUp, desk.at(8_000)) == [HangUp(cause="agent", unheard=True)]


def test_hanging_up_without_a_farewell_ends_at_once() -> None:
    """An operator's hangup while nothing is said."""
    assert only(HangUp, wished(Desk(), farewell=""))


def test_hanging_up_in_mid_sentence_drops_what_waits_at_once_and_tells_what_was_heard() -> None:
    """Flush, cancel; then the end, as soon as egress has said how far the caller heard."""
    desk = Desk()
    desk.said("r1", "i1", 5_000, done=False)
    desk.audible("r1", "i1")

    kinds = [type(action) for action in wished(desk, farewell="")]
    assert kinds.index(Flush) < kinds.index(SendCancel)
    assert HangUp not in kinds
    assert desk.audio("r1", "i1", 200).skip is Skip.RETIRED

    end = desk.flushed(1, i1=1_234)
    assert [(heard.item_id, heard.heard_ms) for heard in only(RecordHeard, end)] == [("i1", 1_234)]
    assert only(HangUp, end)


def test_hanging_up_in_mid_sentence_does_not_wait_for_an_egress_that_is_gone() -> None:
    """150 ms, and no line about a farewell: there was none."""
    desk = Desk()
    desk.said("r1", "i1", 5_000)
    desk.audible("r1", "i1")
    desk.heard("r1", "i1", 700)
    wished(desk, farewell="")

    assert desk.core.next_deadline_ms() == 150
    end = desk.at(150)

    assert [heard.heard_ms for heard in only(RecordHeard, end)] == [700]
    assert only(HangUp, end)
    assert journaled(end, "error") == []


def test_a_second_hang_up_without_a_farewell_cuts_the_first_short() -> None:
    """The operator is in more of a hurry than the agent."""
    desk = Desk()
    wished(desk)

    in_a_hurry = desk.give(inputs.HangUpWished(cause="operator"))
    assert only(HangUp, in_a_hurry) == [HangUp(cause="operator")]


def test_nothing_moves_after_the_end() -> None:
    """No action, no deadline."""
    desk = Desk()
    wished(desk, farewell="")

    assert desk.wish(Reason.OPERATOR, "news") == []
    assert desk.created("r9") == []
    assert desk.audio("r9", "i", 20).skip is Skip.NO_SESSION
    assert desk.core.next_deadline_ms() is None


def test_a_farewell_that_failed_before_its_first_sound_is_asked_for_again() -> None:
    """A rate limit is no reason to leave without a word; the bound is the same."""
    desk = Desk()
    desk.created("bye", token(wished(desk)))

    failed = desk.done("bye", "failed", "rate_limit_exceeded")

    assert only(HangUp, failed) == []
    assert creates(desk.at(250)) == [Reason.FAREWELL]
    assert only(HangUp, desk.at(8_000))


def test_a_farewell_whose_session_is_lost_before_its_first_sound_is_said_by_the_next() -> None:
    """Created, and then nothing more of that session."""
    desk = Desk()
    desk.created("bye", token(wished(desk)))

    assert only(HangUp, desk.give(inputs.SessionLost(cause="closed_1006"))) == []
    actions = desk.give(inputs.SessionConfirmed())

    assert creates(actions) == [Reason.FAREWELL]


def test_an_answer_that_asked_before_it_was_heard_has_its_time_from_its_first_sound() -> None:
    """As any farewell: what is unheard by then, and 8 s."""
    desk = Desk()
    desk.said("r1", "i1", 12_000, done=False)
    wished(desk, response_id="r1")
    desk.done("r1")
    desk.now_ms = 3_000
    desk.audible("r1", "i1")

    assert only(HangUp, desk.at(22_999)) == []
    assert only(HangUp, desk.at(23_000))


@pytest.mark.parametrize("asked", ["before", "while"])
def test_a_farewell_that_stutters_gains_no_time(asked: str) -> None:
    """Its time is counted from its first sound, not from each after a gap."""
    desk = Desk()
    if asked == "while":
        desk.said("bye", "i1", 1_000, done=False)
        desk.audible("bye", "i1")
        wished(desk, response_id="bye")
    else:
        desk.created("bye", token(wished(desk)))
        desk.audio("bye", "i1", 1_000)
        desk.audible("bye", "i1")
    assert desk.core.state.hang_up is not None
    bound_ms = desk.core.state.hang_up.deadline_ms
    desk.now_ms = 2_000
    desk.played("bye", "i1", 1_000)
    desk.audio("bye", "i1", 500)

    desk.audible("bye", "i1")

    assert bound_ms == 9_000
    assert desk.core.state.hang_up.deadline_ms == 9_000


def test_a_farewell_that_was_created_late_is_heard_to_its_end() -> None:
    """It was given up on and asked for again: the first one is the farewell, and the second is not heard."""
    desk = Desk()
    first = token(wished(desk))
    desk.at(5_000)
    second = token(desk.at(5_250))
    desk.created("late", first)
    desk.audio("late", "i1", 1_000)
    desk.done("late")

    assert only(SendCancel, desk.created("again", second))
    assert only(HangUp, desk.done("again", "cancelled")) == []
    assert only(HangUp, desk.played("late", "i1", 1_000))


def test_what_was_cut_before_the_end_is_told_before_it() -> None:
    """The figures of egress are still awaited when the call ends by its bound."""
    desk = Desk()
    desk.said("r1", "i1", 5_000)
    desk.audible("r1", "i1")
    desk.heard("r1", "i1", 700)
    desk.speech()
    wished(desk)
    assert desk.core.state.pending_cut is not None

    end = wished(desk, farewell="") + desk.flushed(1, i1=700)

    assert [heard.heard_ms for heard in only(RecordHeard, end)] == [700]
    assert only(HangUp, end)


def test_a_farewell_that_is_written_again_and_again_costs_the_session() -> None:
    """Each time it is asked for aloud; the third time another session is asked, within the bound."""
    desk = Desk()
    sent = wished(desk)
    for response_id in ("r1", "r2", "r3"):
        desk.created(response_id, token(sent))
        desk.give(inputs.TextPartOpened(response_id=response_id, item_id=f"t-{response_id}"))
        sent = desk.done(response_id, "cancelled") + desk.at(desk.now_ms + 250)

    assert creates(sent) == []
    assert only(ReplaceSession, desk.log) == [ReplaceSession(cause="answered_in_text")]
    desk.give(inputs.SessionLost(cause="answered_in_text"))
    desk.give(inputs.SessionConfirmed())
    assert creates(desk.at(1_000)) == [Reason.FAREWELL]


def test_a_farewell_of_which_only_the_end_was_seen_is_asked_for_again() -> None:
    """Created and done, and we heard of neither its `created` nor a sound."""
    desk = Desk()
    ours = token(wished(desk))

    actions = desk.give(inputs.ResponseDone(response_id="bye", status="completed", token=ours))

    assert only(HangUp, actions) == []
    assert creates(desk.at(250)) == [Reason.FAREWELL]


def test_a_goodbye_that_was_said_and_never_heard_is_owed() -> None:
    """The response that asked to hang up had said it, and nobody plays it: Twilio's voice speaks instead."""
    desk = Desk()
    desk.said("r1", "i1", 2_000, done=False)
    wished(desk, response_id="r1")
    desk.done("r1")
    assert desk.core.owed is not None

    assert only(HangUp, desk.at(60_000)) == [HangUp(cause="agent", unheard=True)]


def test_a_goodbye_that_began_to_be_heard_is_paid() -> None:
    """Whether before or after the tool was called."""
    for heard_first in (True, False):
        desk = Desk()
        desk.said("r1", "i1", 2_000, done=False)
        if heard_first:
            desk.audible("r1", "i1")
        wished(desk, response_id="r1")
        if not heard_first:
            desk.audible("r1", "i1")
        desk.done("r1")

        assert only(HangUp, desk.played("r1", "i1", 2_000)) == [HangUp(cause="agent", unheard=False)]


def test_a_goodbye_without_a_sound_is_no_goodbye() -> None:
    """Silence is never counted as spoken: the farewell is asked for."""
    desk = Desk()
    desk.created("r1")
    desk.core.admit_audio("r1", "i1", 8_000, desk.now_ms, audible=False)
    wished(desk, response_id="r1")

    assert creates(desk.done("r1")) == [Reason.FAREWELL]


def test_a_farewell_that_never_came_to_be_ends_with_a_line() -> None:
    """Whoever reads the journal sees that it was given up, and why."""
    desk = Desk(confirmed=False)
    wished(desk)
    waiting = desk.at(8_000)
    assert journaled(waiting, "response_expired")[0]["reason"] == "farewell"

    desk = Desk()
    wished(desk)
    for now_ms in (2_750, 3_000, 5_750, 6_250):
        desk.at(now_ms)
        desk.give(inputs.ItemAdded(item_id="a sign of life"))

    (line,) = journaled(desk.at(8_000), "response_superseded")

    assert (line["reason"], line["cause"]) == ("farewell", "hang_up")


def test_a_farewell_that_has_expired_is_not_waited_for() -> None:
    """Its first second was silence, so it waits for another session: until its own time is up, not until that
    of a farewell which is heard."""
    desk = Desk()
    desk.created("bye", token(wished(desk)))
    desk.core.admit_audio("bye", "i1", 8_000, desk.now_ms, audible=False)
    desk.now_ms = 1_000
    desk.audible("bye", "i1")
    desk.done("bye")
    desk.give(inputs.SessionLost(cause="closed_1006"))
    assert desk.core.state.hang_up is not None
    assert desk.core.state.hang_up.deadline_ms > 8_000

    assert only(HangUp, desk.at(7_999)) == []
    assert only(HangUp, desk.at(8_000)) == [HangUp(cause="agent", unheard=True)]


def test_what_was_cut_just_before_the_bound_is_told_before_the_end() -> None:
    """A response that nobody asked for came into the goodbye, and was flushed: egress has not said yet how
    far it was heard."""
    desk = Desk()
    wished(desk)
    desk.now_ms = 7_400
    desk.audio("alien", "i1", 1_000)
    desk.now_ms = 7_800
    desk.heard("alien", "i1", 300)
    desk.now_ms = 7_900
    desk.created("alien")
    assert desk.core.state.pending_cut is not None

    end = desk.at(8_000)

    assert [heard.heard_ms for heard in only(RecordHeard, end)] == [300]
    assert only(HangUp, end)


def test_an_end_at_once_is_not_put_off_by_what_still_comes() -> None:
    """A response appears while egress is asked for its figures, and is flushed too: 150 ms in all."""
    desk = Desk()
    desk.said("r1", "i1", 5_000)
    desk.audible("r1", "i1")
    desk.wish(Reason.OPERATOR, "news")
    wished(desk, farewell="")
    desk.now_ms = 100
    desk.audio("alien", "i2", 200)
    desk.created("alien")
    assert desk.core.state.pending_cut is not None
    assert desk.core.state.pending_cut.deadline_ms == 250

    assert only(HangUp, desk.at(149)) == []
    assert only(HangUp, desk.at(150)) == [HangUp(cause="agent")]


def test_a_second_hang_up_cuts_a_farewell_in_mid_sentence() -> None:
    """What waits of it is dropped at once; the end follows what egress says of it, in the later one's
    name."""
    desk = Desk()
    desk.created("bye", token(wished(desk)))
    desk.audio("bye", "i1", 3_000)
    desk.now_ms = 500
    desk.audible("bye", "i1")

    in_a_hurry = desk.give(inputs.HangUpWished(cause="operator"))

    assert only(Flush, in_a_hurry)
    assert only(HangUp, in_a_hurry) == []
    assert only(HangUp, desk.flushed(1, i1=100)) == [HangUp(cause="operator")]


def test_an_end_at_once_ends_a_move_that_has_not_begun() -> None:
    """The journal says who gave it up."""
    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 2_000)
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="transfer", arguments="{}"))
    desk.give(inputs.MoveWished(kind="dial", argument="+15550001", call_id="c1", response_id="r1"))

    actions = wished(desk, farewell="")

    assert journaled(actions, "move_dropped") == [{"what": "dial", "call_id": "c1", "cause": "hang_up"}]
