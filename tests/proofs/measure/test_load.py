"""The judgement of a load, on records written by hand."""

from __future__ import annotations

import pytest

from proofs.measure.load import LEAD_MS, judge
from simulators.realtime.record import ItemRecord, SessionRecord
from simulators.twilio.record import CallRecord
from tests.support.record_samples import audio, call, ends, hears, marks, session, speaks, utters


def whole(call_sid: str = "CA1", number: int = 1) -> tuple[CallRecord, SessionRecord]:
    """A call of ten seconds in which one item was heard whole and one turn was answered."""
    caller, model = call(call_sid), session(number, call_sid=call_sid)
    item = f"item_{number}"
    speaks(model, item, audio(1, 10))
    model.items["turn"] = ItemRecord("turn", "user", None)
    marks(caller, f"r.1.{item}.200")
    utters(caller, 500, 1500)
    hears(caller, audio(1, 10), 2000)
    caller.playout.advance(5000)
    ends(caller, 10_000)
    return caller, model


def test_a_whole_call_breaks_nothing() -> None:
    """Its figures are those of the record."""
    caller, model = whole()
    figures = judge([caller], [model], {"brain": 20.0, "egress": 10.0})

    assert (figures.utterances, figures.answered, figures.lost_turns) == (1, 1, 0)
    assert (figures.items, figures.unheard, figures.failures, figures.mixed_up) == (1, [], [], 0)
    assert (figures.frames, figures.late_frames, figures.response_p50_ms) == (10, 0, 500)
    assert figures.cpu_per_call_second_ms == 3.0


def test_a_turn_that_the_model_never_heard_is_lost() -> None:
    """If the caller had finished it well before the end."""
    caller, model = whole()
    utters(caller, 5000, 6000)
    utters(caller, 8000, 9000)

    assert judge([caller], [model], {}).lost_turns == 1


def test_what_the_hang_up_ended_is_nobodys_loss() -> None:
    """An item that was still being played then; one before it is lost all the same."""
    caller, model = whole()
    speaks(model, "item_last", audio(30, 100))
    late = call()
    late.streams[0].marks, late.answered_at_ms = caller.streams[0].marks, 0.0
    hears(late, audio(1, 10), 2000)
    hears(late, audio(30, 100), 9000)
    ends(late, 10_000)
    assert judge([late], [model], {}).unheard == []

    speaks(model, "item_lost", audio(150, 5))
    model.items["item_last"] = model.items.pop("item_last")
    assert len(judge([late], [model], {}).unheard) == 1


def test_callers_who_hear_nothing_or_another_call_are_found() -> None:
    """By the items in the marks."""
    caller, model = whole()
    _, other = whole("CA2", 2)
    marks(caller, "r.1.item_2.200")
    silent = call("CA3")
    ends(silent, 10_000)
    figures = judge([caller, silent], [model, other], {})

    assert figures.mixed_up == 1
    assert figures.failures == ["CA3 heard nothing"]


def test_a_frame_that_came_after_its_time_to_play_is_late() -> None:
    """By as much as it was missing at the ear."""
    caller, model = whole()
    hears(caller, audio(1, 1), 7000)
    hears(caller, audio(2, 1), 7050)
    figures = judge([caller], [model], {})

    assert figures.late_frames == 1
    assert figures.lateness_max_ms == pytest.approx(30)


def test_lateness_is_told_against_the_schedule_too() -> None:
    """It runs one lead ahead; what makes up the lead comes when it likes."""
    caller, model = whole()
    in_hand = round(LEAD_MS / 20)
    for number in range(in_hand):
        hears(caller, audio(number, 1), 7000)
    hears(caller, audio(in_hand, 1), 7017)
    figures = judge([caller], [model], {})

    assert figures.lateness_max_ms == 0
    assert figures.schedule_p99_ms == pytest.approx(17)
