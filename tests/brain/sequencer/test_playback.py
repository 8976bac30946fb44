"""Speaking: bound to a response id, cleared only by playback, flush, or the end of that id."""

from __future__ import annotations

import pytest

from brain.sequencer import Reason, inputs
from brain.sequencer.actions import Flush, RecordHeard
from tests.brain.sequencer.desk import Desk, journaled, only, token


def test_audible_makes_it_speaking_and_played_ends_it() -> None:
    """One line at each end, with full ids."""
    desk = Desk()
    desk.said("r1", "i1", 1_000)

    began = journaled(desk.audible("r1", "i1"), "audible")
    assert desk.core.audible_response_id == "r1"
    ended = journaled(desk.played("r1", "i1", 1_000), "silent")

    assert began[0]["response"] == ended[0]["response"] == "r1"
    assert desk.core.audible_response_id == ""


def test_done_does_not_end_speaking() -> None:
    """Generation is over long before playback."""
    desk = Desk()
    desk.said("r1", "i1", 5_000, done=False)
    desk.audible("r1", "i1")

    desk.done("r1")

    assert desk.core.audible_response_id == "r1"


def test_a_report_about_another_response_does_not_end_speaking() -> None:
    """State is held by id, never by a flag."""
    desk = Desk()
    desk.said("r1", "i1", 1_000)
    desk.said("r2", "i2", 1_000)
    desk.audible("r2", "i2")

    desk.played("r1", "i1", 1_000)

    assert desk.core.audible_response_id == "r2"


def test_a_report_of_an_old_cut_is_stale() -> None:
    """It was flushed meanwhile."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    desk.speech()

    desk.audible("r1", "i1", cut=0)

    assert desk.core.audible_response_id == ""


def test_the_next_audible_response_ends_the_one_before() -> None:
    """Its end was not reported, but playback is in order."""
    desk = Desk()
    desk.said("r1", "i1", 1_000)
    desk.said("r2", "i2", 1_000)
    desk.audible("r1", "i1")

    actions = desk.audible("r2", "i2")

    assert journaled(actions, "silent")[0]["cause"] == "ended"
    assert desk.core.audible_response_id == "r2"
    assert not desk.core.state.has_unheard("r1")


def test_an_underrun_is_silence_until_audible_again() -> None:
    """The model still generates; egress ran dry."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    desk.audible("r1", "i1")
    desk.played("r1", "i1", 1_000)
    assert desk.core.audible_response_id == ""

    desk.audio("r1", "i1", 500)
    desk.audible("r1", "i1")

    assert desk.core.audible_response_id == "r1"


def test_speaking_never_sticks() -> None:
    """No report for the length of the audio and 10 s: taken as played."""
    desk = Desk()
    desk.said("r1", "i1", 3_000)
    desk.audible("r1", "i1")

    assert desk.core.next_deadline_ms() == 13_000
    desk.at(13_000)

    assert desk.core.audible_response_id == ""
    assert desk.core.next_deadline_ms() is None


def test_only_the_audible_response_is_taken_as_played() -> None:
    """What stands behind it may still be heard."""
    desk = Desk()
    desk.said("r1", "i1", 3_000)
    desk.said("r2", "i2", 1_000)
    desk.audible("r1", "i1")

    desk.at(13_000)

    assert [item_id for item_id, item in desk.core.state.items.items() if item.unheard_ms > 0] == ["i2"]


def test_progress_moves_the_last_deadline() -> None:
    """Heard reports are signs of life."""
    desk = Desk()
    desk.said("r1", "i1", 3_000)
    desk.audible("r1", "i1")
    desk.now_ms = 2_000

    desk.heard("r1", "i1", 2_000)

    assert desk.core.next_deadline_ms() == 13_000


def test_what_was_heard_out_goes_into_history_once() -> None:
    """One entry an item, when it is final."""
    desk = Desk()
    desk.said("r1", "i1", 1_000)
    desk.audible("r1", "i1")
    desk.played("r1", "i1", 1_000)
    desk.played("r1", "i1", 1_000)

    assert [(h.item_id, h.heard_ms) for h in only(RecordHeard, desk.log)] == [("i1", 1_000)]


def test_a_report_about_nothing_we_hold_changes_nothing() -> None:
    """An unknown item and an unknown response do not mark ours as heard."""
    desk = Desk()
    desk.said("r1", "i1", 1_000)

    desk.give(inputs.Silent(cut=0, response_id="rX", item_id="iX", heard_ms=9_000, cause="played"))

    assert desk.core.state.has_unheard("r1")


def test_no_delta_makes_it_speak() -> None:
    """Neither the first of a response, nor one of another response, nor a late one: the ear decides."""
    desk = Desk()
    assert desk.audio("r1", "i1", 1_000).skip is None
    assert desk.core.audible_response_id == ""
    desk.audible("r1", "i1")
    desk.done("r1")

    assert desk.audio("r2", "i2", 1_000).skip is None
    assert desk.core.audible_response_id == "r1"
    desk.speech()
    desk.audio("r2", "i2", 1_000)

    assert desk.core.audible_response_id == ""


def test_a_done_of_another_id_or_without_one_does_not_end_speaking() -> None:
    """Nor does it clear anything of what is still to be heard."""
    desk = Desk()
    desk.said("r1", "i1", 3_000, done=False)
    desk.audible("r1", "i1")

    desk.done("r9")
    desk.done("")

    assert desk.core.audible_response_id == "r1"
    assert desk.core.state.has_unheard("r1")
    assert desk.core.state.active is not None


@pytest.mark.parametrize("kind", ["heard", "silent"])
@pytest.mark.parametrize(("response_id", "item_id"), [("", "i2"), ("r1", "i2"), ("r2", "unknown")])
def test_a_report_says_that_all_before_it_was_heard(kind: str, response_id: str, item_id: str) -> None:
    """By its item, or by its response alone: playback is in order."""
    desk = Desk()
    desk.created("r1")
    for item in ("i1", "i2"):
        desk.audio("r1", item, 2_000)
    desk.done("r1")
    desk.said("r2", "i3", 2_000)

    if kind == "heard":
        desk.heard(response_id, item_id, 0)
    else:
        desk.played(response_id, item_id, 0)

    unheard = [item_id for item_id, item in desk.core.state.items.items() if item.unheard_ms > 0]
    assert unheard == (["i2", "i3"] if item_id == "i2" else ["i3"])


def test_a_rest_of_one_frame_counts_as_heard() -> None:
    """And one of a millisecond more does not."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)

    desk.heard("r1", "i1", 979)
    assert desk.core.state.has_unheard("r1")
    desk.heard("r1", "i1", 980)
    assert not desk.core.state.has_unheard("r1")


@pytest.mark.parametrize("kind", ["heard", "silent"])
def test_the_line_of_a_create_has_the_last_word_on_waiting_frames(kind: str) -> None:
    """Whatever the report that brought it."""
    desk = Desk()
    desk.said("r1", "i1", 1_000)
    fields = {"cut": 0, "response_id": "r1", "item_id": "i1", "heard_ms": 500.0, "frames_waiting": 17}
    if kind == "heard":
        desk.give(inputs.Heard(**fields))  # type: ignore[arg-type]
    else:
        desk.give(inputs.Silent(cause="flushed", **fields))  # type: ignore[arg-type]

    (line,) = journaled(desk.wish(Reason.OPERATOR, "news"), "response_create")

    assert line["frames_waiting"] == "17"


@pytest.mark.parametrize("kind", ["audible", "heard"])
def test_an_answer_is_waited_for_since_the_last_report(kind: str) -> None:
    """Of what stands before it: egress lives, and will come to it. Its own length and 10 s later it is given
    up."""
    desk = Desk()
    desk.said("r1", "i1", 30_000)
    desk.audible("r1", "i1")
    desk.created("r2", token(desk.wish(Reason.OPERATOR, "news")))
    desk.audio("r2", "i2", 1_000)
    desk.done("r2")
    desk.now_ms = 30_000
    if kind == "heard":
        desk.heard("r1", "i1", 30_000)
    else:
        desk.give(inputs.Audible(cut=0, response_id="r1", item_id="i1", heard_ms=30_000))

    assert only(Flush, [*desk.at(40_000), *desk.at(40_999)]) == []
    assert [line["cause"] for line in journaled(desk.at(41_000), "flush")] == ["unheard"]
