"""How the model behaves towards one call, now and later."""

from __future__ import annotations

from random import Random

from proofs.prove.silence.cast import OPENING_MS, Cast
from simulators.realtime.knobs import ResponseKnobs
from simulators.realtime.record import SessionRecord
from tests.support.record_samples import session

SILENT = ResponseKnobs(unanswered=True)


def cast(*live: SessionRecord) -> Cast:
    return Cast("story.toml", Random(1), lambda: list(live))


def test_sessions_open_as_slowly_as_real_ones() -> None:
    """Each in a time of its own, with the story's script."""
    opened = [cast().knobs() for _ in range(3)]
    assert all(OPENING_MS[0] <= knobs.opening_ms <= OPENING_MS[1] for knobs in opened)
    assert {knobs.script for knobs in opened} == {"story.toml"}


def test_a_fault_of_all_responses_holds_for_sessions_to_come_too() -> None:
    """Until it is taken back, for all of them."""
    live = session()
    model = cast(live)
    model.respond(SILENT)
    assert live.knobs.response.unanswered
    assert model.knobs().response.unanswered

    model.respond(ResponseKnobs())
    assert not live.knobs.response.unanswered
    assert not model.knobs().response.unanswered


def test_a_fault_of_one_response_strikes_the_next_one() -> None:
    """Of the live session; no other one knows of it."""
    live = session()
    live.asked_responses = 2
    model = cast(live)
    model.respond_once(SILENT)

    assert [live.knobs.for_response(number).unanswered for number in (2, 3, 4)] == [False, True, False]
    assert not model.knobs().for_response(1).unanswered


def test_before_the_first_session_it_waits_for_that() -> None:
    """And is over then."""
    model = cast()
    model.respond_once(SILENT)
    assert [model.knobs().for_response(1).unanswered for _ in range(2)] == [True, False]


def test_sessions_to_come_can_be_spoiled() -> None:
    """Over the usual knobs, and no longer than it is wanted."""
    model = cast()
    model.open_sessions({"connect_status": 503, "opening_ms": 0.0})
    assert (model.knobs().connect_status, model.knobs().opening_ms) == (503, 0.0)
    model.open_sessions({})
    assert model.knobs().connect_status == 0
