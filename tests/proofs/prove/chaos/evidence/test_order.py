"""What was heard came once, in order, and not after its cut."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.prove.chaos.evidence.finding import Bounds, Finding
from proofs.prove.chaos.evidence.order import after_cut, in_order
from proofs.prove.chaos.evidence.shapes import Call, Frame, Leg, OtherSound
from proofs.prove.listening.spans import Span
from tests.proofs.prove.chaos.evidence import made

STRICT = Bounds(silence_ms=0)
TOLD = made.session(1, made.response(1, 1_500, 100), made.response(2, 6_600, 100))


def broken(call: Call, bounds: Bounds = STRICT) -> dict[str, float]:
    """What is above its bound, with its figure."""
    return {each.what: each.figure for each in in_order(call, bounds) if each.is_broken}


def hearing(*heard: list[Frame]) -> Call:
    """A call with two responses of 100 frames each, of which this was heard."""
    return made.call(heard=[frame for part in heard for frame in part], sessions=[TOLD])


FIRST, SECOND = made.heard(1, 1, 2_000, range(100)), made.heard(1, 2, 7_000, range(100), clip=2)


def test_a_healthy_call_is_in_order() -> None:
    """Nothing is found."""
    assert broken(made.healthy()) == {}


def test_words_that_come_twice_are_found() -> None:
    """By how long they are; a later response may not hide them."""
    again = made.heard(1, 1, 4_000, range(90, 100))
    assert broken(hearing(FIRST, again, SECOND)) == {"words heard twice": 200.0}


def test_words_that_are_left_out_are_found() -> None:
    """In the middle, at the beginning, at the end, and a whole response."""
    holes = {
        "middle": made.heard(1, 1, 2_000, [*range(50), *range(60, 100)]),
        "beginning": made.heard(1, 1, 2_000, range(10, 100)),
        "end": made.heard(1, 1, 2_000, range(90)),
    }
    for first in holes.values():
        assert broken(hearing(first, SECOND)) == {"words left out": 200.0}
    assert broken(hearing(FIRST)) == {"words left out": 2_000.0}


def test_an_interruption_near_the_end_leaves_little_out() -> None:
    """The model is not told of what was left then; without a clear it is missing all the same."""
    first = made.heard(1, 1, 2_000, range(95))
    cleared_ms = first[-1].at_ms + 10
    assert broken(hearing(first, SECOND)) == {"words left out": 100.0}
    assert broken(replace(hearing(first, SECOND), clears_ms=[cleared_ms])) == {}
    assert broken(replace(hearing(first, SECOND), clears_ms=[cleared_ms + 100])) == {"words left out": 100.0}
    sooner = made.heard(1, 1, 2_000, range(94))
    cleared = replace(hearing(sooner, SECOND), clears_ms=[sooner[-1].at_ms + 10])
    assert broken(cleared) == {"words left out": 120.0}


def test_what_a_caller_cuts_behind_the_end_of_its_session_leaves_nothing_out() -> None:
    """Nobody is left who could be told of the cut; without the caller's voice, or with the session, it is
    missing."""
    half = SECOND[:50]
    gone, here = (replace(TOLD, closed_ms=at_ms) for at_ms in (half[-1].at_ms - 500, None))
    cut = replace(hearing(FIRST, half), clears_ms=[half[-1].at_ms + 10], ended_ms=20_000.0)
    spoken = [made.said(1, half[-1].at_ms - 60, 50)]
    missing = {"words left out": 1_000.0}

    assert broken(replace(cut, sessions=[gone], said=spoken)) == {}
    assert broken(replace(cut, sessions=[here], said=spoken)) == missing
    assert broken(replace(cut, sessions=[gone])) == missing
    assert broken(replace(cut, sessions=[gone], said=spoken, clears_ms=[])) == missing


def test_each_new_leg_may_repeat_and_leave_out_as_much_as_is_allowed() -> None:
    """A call that is hit twice in its life; what one leg has too much of is found."""
    allowed = Bounds(silence_ms=0, repeated_ms=300, skipped_ms=300)
    legs = [Leg(0.0, 3_000.0, "lost", 0.0), Leg(3_500.0, 8_000.0, "lost"), Leg(8_500.0, None, "open")]
    first = [*made.heard(1, 1, 2_000, range(50)), *made.heard(1, 1, 3_600, range(40, 100))]
    second = [*made.heard(1, 2, 7_000, range(50), clip=2), *made.heard(1, 2, 8_600, range(40, 100), clip=2)]
    assert broken(replace(hearing(first, second), legs=legs), allowed) == {}
    assert broken(replace(hearing(first, second), legs=legs[:1]), allowed) == {"words heard twice": 400.0}
    torn = [*made.heard(1, 2, 7_000, range(40), clip=2), *made.heard(1, 2, 8_600, range(60, 100), clip=2)]
    assert broken(replace(hearing(first, torn), legs=legs), allowed) == {"words left out": 400.0}


def test_words_that_a_later_session_says_are_not_missing() -> None:
    """A brain stood still before the first of them came, so that they went to nobody; its heir has greeted.
    Other words, or the same session, are no answer."""
    lost = made.session(1, made.response(1, 1_500, 100, clip=1))
    for session, clip, found in ((2, 1, {}), (2, 2, {"words left out": 2_000.0})):
        heard = made.heard(session, 1, 7_000, range(100), clip=clip)
        told = [lost, made.session(session, made.response(1, 6_600, 100, clip=clip))]
        assert broken(made.call(heard=heard, sessions=told)) == found
    twice = made.session(1, made.response(1, 1_500, 100, clip=1), made.response(2, 6_600, 100, clip=1))
    heard = made.heard(1, 2, 7_000, range(100))
    assert broken(made.call(heard=heard, sessions=[twice])) == {"words left out": 2_000.0}


def test_what_the_end_of_the_call_cut_is_not_missing() -> None:
    """Nor what was broken off by the model, or cut by somebody."""
    assert broken(replace(hearing(FIRST, SECOND[:50]), ended_ms=8_100.0)) == {}
    for each in (
        made.response(2, 6_600, 100, status="in_progress"),
        made.response(2, 6_600, 100, cut_ms=8_000.0),
    ):
        told = made.session(1, made.response(1, 1_500, 100), each)
        assert broken(made.call(heard=[*FIRST, *SECOND[:50]], sessions=[told])) == {}


def test_two_owners_who_speak_at_once_are_found() -> None:
    """A response comes back after another one has begun."""
    found = broken(hearing(FIRST[:50], SECOND, FIRST[50:]))
    assert found == {"responses that came back after another": 1}


def test_frames_of_another_call_are_found() -> None:
    """Be it one."""
    stray = made.heard(1, 1, 2_000, range(100), call=2)[:1]
    assert broken(hearing([*stray, *FIRST[1:]], SECOND)) == {"frames of another call": 1}


def test_a_second_greeting_is_found() -> None:
    """The same words by another response: identity alone would not show it."""
    again = made.heard(2, 1, 7_000, range(100))
    told = [made.session(1, made.response(1, 1_500, 100)), made.session(2, made.response(1, 6_600, 100))]
    assert broken(made.call(heard=[*FIRST, *again], sessions=told)) == {"greetings begun again": 1}


def test_what_was_being_made_when_its_owner_was_hit_is_not_missing() -> None:
    """A model goes on that does not know of it. The next session has something else to say, or the apology is
    spoken; where neither is, or the fault came later, it is missing."""
    told = [made.session(1, made.response(1, 1_500, 100)), made.session(2, made.response(1, 6_600, 100))]
    call = made.call(heard=[*FIRST[:40], *made.heard(2, 1, 7_000, range(100), clip=2)], sessions=told)

    def missing(call: Call, fault_ms: float) -> bool:
        return any(each.is_broken for each in in_order(call, STRICT, [fault_ms]) if "left out" in each.what)

    assert not missing(call, 1_700.0)
    assert missing(call, 2_700.0)
    alone = replace(call, heard=call.heard[:40])
    assert missing(alone, 1_700.0)
    spoken = OtherSound("apology", Span(8_000.0, 9_000.0))
    first_alone = replace(alone, sessions=told[:1], other=[spoken])
    assert not missing(first_alone, 1_700.0)


def test_an_answer_that_is_begun_again_is_found() -> None:
    """The same words by a later session, though they were heard; not if the caller has asked once more, nor
    where the first one broke off."""
    first, second = made.response(2, 6_600, 100), made.response(1, 9_500, 100)
    told = [made.session(1, made.response(1, 1_500, 100), first), made.session(2, second)]
    heard = [*FIRST, *SECOND, *made.heard(2, 1, 10_000, range(100), clip=2)]
    call = made.call(heard=heard, sessions=told)
    assert broken(call) == {"answers begun again": 1}
    assert broken(call, replace(STRICT, says_again=True)) == {}
    assert broken(replace(call, said=[made.said(1, 8_000, 20)])) == {}
    broken_off = made.session(
        1, made.response(1, 1_500, 100), made.response(2, 6_600, 100, status="in_progress")
    )
    assert broken(replace(call, sessions=[broken_off, told[1]])) == {}
    done_ms = first.done_ms
    assert done_ms is not None
    for closed_ms, found in ((done_ms + 50, {}), (done_ms + 150, {"answers begun again": 1})):
        lost = replace(told[0], closed_ms=closed_ms)
        assert broken(replace(call, sessions=[lost, told[1]])) == found, "its end may not have been read"


def test_what_a_row_allows_is_allowed_to_calls_that_were_hit() -> None:
    """And to no other."""
    bounds = Bounds(silence_ms=0, repeated_ms=300, skipped_ms=300)
    call = hearing(FIRST, made.heard(1, 1, 4_000, range(90, 100)), SECOND[:90])
    assert broken(call, bounds) == {}
    assert set(broken(replace(call, is_hit=False), bounds)) == {"words heard twice", "words left out"}


@pytest.mark.parametrize("late_ms", [90.0, 140.0])
def test_what_is_heard_after_its_cut_is_found(late_ms: float) -> None:
    """100 ms after it, with the network's time in addition; what was sent counts as what was played."""

    def latest(call: Call) -> Finding:
        (finding,) = after_cut(call, network_ms=30.0)
        return finding

    told = made.session(1, made.response(1, 1_500, 100, cut_ms=3_000.0))
    heard = made.heard(1, 1, 2_000, range(50))
    late = [Frame(3_000.0 + late_ms, 1, 1, 0, 60, 1)]
    for call in (
        made.call(heard=[*heard, *late], sessions=[told]),
        made.call(heard=heard, arrived=late, sessions=[told]),
    ):
        assert latest(call).figure == late_ms - 30.0
        assert latest(call).is_broken is (late_ms > 130.0)


@pytest.mark.parametrize(("cleared_after_ms", "is_broken"), [(0.0, False), (19.0, False), (20.0, True)])
def test_what_is_taken_back_before_a_frame_has_passed_is_not_heard(
    cleared_after_ms: float, *, is_broken: bool
) -> None:
    """A clear right behind what was sent too late: nobody hears it. What was heard is heard all the same."""
    told = made.session(1, made.response(1, 1_500, 100, cut_ms=3_000.0))
    late = [Frame(3_500.0, 1, 1, 0, 60, 1)]
    cleared = [3_500.0 + cleared_after_ms]

    taken_back = replace(made.call(arrived=late, sessions=[told]), clears_ms=cleared)
    heard = replace(made.call(heard=late, sessions=[told]), clears_ms=cleared)
    ((sent,), (played,)) = after_cut(taken_back, network_ms=0.0), after_cut(heard, network_ms=0.0)

    assert (sent.is_broken, played.is_broken) == (is_broken, True)
