"""The model got every word of the caller."""

from __future__ import annotations

from dataclasses import replace

from proofs.prove.chaos.evidence.finding import Bounds
from proofs.prove.chaos.evidence.shapes import Call, Got, Leg, OtherSound
from proofs.prove.chaos.evidence.turns import turns
from proofs.prove.listening.spans import Span
from tests.proofs.prove.chaos.evidence import made

ANSWER = made.heard(1, 2, 7_000, range(100), clip=2)


def broken(call: Call, bounds: Bounds = Bounds(silence_ms=0)) -> dict[str, float]:  # noqa: B008 - frozen
    """What is above its bound, with its figure."""
    return {each.what: each.figure for each in turns(call, bounds) if each.is_broken}


def heard_by(*got: list[Got]) -> Call:
    """A call with one turn of 50 frames, of which each session got this; it was answered."""
    answer = made.response(2, 6_600, 100)
    sessions = [made.session(number, got=each) for number, each in enumerate(got, 1)]
    sessions[0] = replace(sessions[0], responses=[answer])
    return made.call(heard=ANSWER, said=[made.said(1, 5_000, 50)], sessions=sessions)


def test_a_healthy_turn_is_whole() -> None:
    """Nothing is found."""
    assert broken(made.healthy()) == {}


def test_what_the_model_did_not_get_is_found() -> None:
    """Two halves in two sessions are no turn: neither can answer it."""
    assert broken(heard_by(made.got(1, 5_000, range(40)))) == {"of a turn not got by the model": 200.0}
    halves = made.got(1, 5_000, range(25)), made.got(1, 6_000, range(25, 50))
    assert broken(heard_by(*halves)) == {"of a turn not got by the model": 500.0}
    assert broken(heard_by(made.got(1, 5_000, range(25)), made.got(1, 6_000, range(50)))) == {}


def test_what_the_model_got_twice_or_in_another_order_is_found() -> None:
    """Inside one session."""
    what = "caller's frames twice or out of order in a session"
    assert broken(heard_by(made.got(1, 5_000, [*range(50), 49]))) == {what: 1}
    assert broken(heard_by(made.got(1, 5_000, [*range(20), 21, 20, *range(22, 50)]))) == {what: 1}


def test_another_caller_is_found() -> None:
    """Be it for 20 ms."""
    foreign = Got(6_000.0, 2, 9, 0)
    found = broken(heard_by([*made.got(1, 5_000, range(50)), foreign]))
    assert found == {"caller's frames of another call": 1}


def test_a_turn_without_an_answer_is_found() -> None:
    """Unless the apology was spoken, or the call ended in it."""
    call = replace(heard_by(made.got(1, 5_000, range(50))), heard=[], is_hit=True)
    assert broken(call) == {"turns without an answer": 1}
    assert broken(replace(call, ended_ms=7_000.0)) == {}
    apologised = replace(call, other=[OtherSound("apology", Span(8_000, 9_000))])
    assert broken(apologised, Bounds(silence_ms=0, apologises=True)) == {}


def test_an_apology_is_found_where_another_process_was_there() -> None:
    """Or in a call that was not hit: it excuses nothing there."""
    apologised = replace(made.healthy(), other=[OtherSound("apology", Span(20_000, 21_000))], is_hit=True)
    assert broken(apologised) == {"apologies": 1}
    assert broken(replace(apologised, is_hit=False), Bounds(silence_ms=0, apologises=True)) == {
        "apologies": 1
    }


def test_a_turn_that_nobody_got_has_no_answer() -> None:
    """It was said to a process that stood still and was ended; where the row does not allow that, both are
    found. One that came half is to be answered all the same."""
    call = replace(heard_by([]), heard=[], is_hit=True)
    allowed = Bounds(silence_ms=0, unsaid_ms=10_000.0)
    assert broken(call, allowed) == {}
    assert set(broken(call)) == {"of a turn not got by the model", "turns without an answer"}
    half = replace(heard_by(made.got(1, 5_000, range(25))), heard=[], is_hit=True)
    assert broken(half, allowed) == {"turns without an answer": 1}


def test_an_answer_that_was_made_before_the_turn_is_none() -> None:
    """It only ends in it."""
    call = heard_by(made.got(1, 5_000, range(50)))
    early = replace(call.sessions[0], responses=[made.response(2, 4_000, 100)])
    assert broken(replace(call, sessions=[early])) == {"turns without an answer": 1}


def test_what_was_said_without_a_socket_nobody_got() -> None:
    """It is not missed; a row may also allow a little at the seam."""
    legs = [Leg(0.0, 5_600.0, "bridge_lost", 0.0), Leg(5_600.0, None, "open", 5_800.0)]
    call = replace(heard_by(made.got(1, 5_000, [*range(20), *range(40, 50)])), legs=legs)
    assert broken(call) == {"of a turn not got by the model": 200.0}
    assert broken(call, Bounds(silence_ms=0, unsaid_ms=200)) == {}
    silent = replace(call, legs=[Leg(0.0, 5_200.0, "bridge_lost", 0.0)], heard=[])
    assert broken(silent) == {}, "200 ms are no turn"
