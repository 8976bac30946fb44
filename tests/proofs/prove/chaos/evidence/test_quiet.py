"""Silence at the ear, and how calls end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.prove.chaos.evidence.finding import Bounds, Finding
from proofs.prove.chaos.evidence.quiet import CHANCE_MS, Usual, quiet, usual_of
from proofs.prove.chaos.evidence.shapes import Call, Evidence, OtherSound, Response
from proofs.prove.listening.ear import Cause
from proofs.prove.listening.spans import Span
from tests.proofs.prove.chaos.evidence import made

OTHER = made.healthy(is_hit=False, number=2, call_sid="CA" + "2" * 32)
STRICT = Bounds(silence_ms=100)


def found(evidence: Evidence, what: str, bounds: Bounds = STRICT) -> Finding:
    """The figure of the call that was hit."""
    return next(each for each in quiet(evidence, bounds, {}) if (each.what, each.where) == (what, made.SID))


def torn(gap_ms: float, *, at: int = 50, done: bool = True) -> Call:
    """The answer stops in the middle, 8 s after the answer of the call, and goes on after a while."""
    call = made.healthy()
    later = [replace(frame, at_ms=frame.at_ms + gap_ms) for frame in call.heard[100 + at :]]
    return replace(call, heard=[*call.heard[: 100 + at], *(later if done else [])], ended_ms=20_000.0)


@pytest.mark.parametrize("gap_ms", [0.0, 60.0, 400.0])
def test_a_hole_in_an_answer_is_silence_to_the_millisecond(gap_ms: float) -> None:
    """And is held against the row's bound."""
    finding = found(made.row(torn(gap_ms), OTHER), "silence by the fault")
    assert max(0.0, finding.figure) == gap_ms
    assert finding.is_broken is (gap_ms > 100)


def test_what_a_conversation_takes_anyway_is_not_the_faults() -> None:
    """As much as calls take that were not hit: here, 1 s from a turn to its answer."""
    call = made.healthy()
    late = [replace(frame, at_ms=frame.at_ms + 300) for frame in call.heard[100:]]
    slow = replace(call, heard=[*call.heard[:100], *late])

    assert found(made.row(slow, OTHER, faults_ms=[5_500.0]), "silence by the fault").figure == 300.0


def test_what_a_healthy_row_has_shown_is_usual_where_the_row_shows_nothing() -> None:
    """Of the only process of a role all calls are hit."""
    evidence = made.row(made.healthy(), faults_ms=[5_500.0])
    known = usual_of(made.row(OTHER, faults_ms=[]))

    def silence_ms(known: Usual) -> float:
        return next(
            each.figure for each in quiet(evidence, STRICT, known) if each.what == "silence by the fault"
        )

    assert known[Cause.TURN, 1] == 1_000.0
    assert silence_ms(known) == 0.0
    assert silence_ms({}) == 0.0  # What is usual anywhere is more than this call took.
    short = {**known, (Cause.TURN, 1): 1_000.0 - CHANCE_MS - 1.0}
    assert silence_ms(short) == CHANCE_MS + 1.0
    assert silence_ms({**known, (Cause.TURN, 1): 1_000.0 - CHANCE_MS}) == 0.0


def test_a_greeting_is_late_by_more_than_its_own_opening() -> None:
    """Chance draws that one for each call. Where the row allows a new session, and none was under way before
    the fault, nobody knows what that would have been: the fault has all of it."""

    def greeted(late_ms: float, opening_ms: float, opened_ms: float = 0.0) -> Call:
        call = replace(made.healthy(), answered_ms=0.0)
        heard = [replace(frame, at_ms=frame.at_ms + late_ms) for frame in call.heard[:100]]
        sessions = [replace(each, opening_ms=opening_ms, opened_ms=opened_ms) for each in call.sessions]
        return replace(call, heard=[*heard, *call.heard[100:]], sessions=sessions)

    def silence_ms(late_ms: float, bounds: Bounds = STRICT, opened_ms: float = 0.0) -> float:
        other = replace(greeted(0.0, 400.0), is_hit=False, number=2, call_sid=OTHER.call_sid)
        evidence = made.row(greeted(late_ms, 1_000.0, opened_ms), other, faults_ms=[500.0])
        return found(evidence, "silence by the fault", bounds).figure

    assert silence_ms(600.0) == 0.0
    assert silence_ms(900.0) == 300.0
    again = replace(STRICT, with_opening=True)
    assert silence_ms(900.0, again) == 300.0
    assert silence_ms(900.0, again, opened_ms=1_600.0) == 900.0 + 400.0 - 500.0


def test_what_was_owed_before_the_fault_is_not_its_own() -> None:
    """A slow greeting of a call that was hit later."""
    call = made.healthy()
    slow = replace(call, heard=[replace(f, at_ms=f.at_ms + 900) for f in call.heard[:100]] + call.heard[100:])
    assert found(made.row(slow, OTHER), "silence by the fault").figure <= 0


def test_opening_and_boot_are_allowed_where_the_row_says_so() -> None:
    """As long as they were in this call."""
    call = torn(2_000.0)
    call.sessions.append(made.session(3, opened_ms=8_500.0, opening_ms=900.0))
    evidence = made.row(call, OTHER, back_ms=9_200.0)
    name = "silence by the fault"

    assert found(evidence, name, replace(STRICT, with_opening=True)).bound == 1_000.0
    assert found(evidence, name, replace(STRICT, with_boot=True)).bound == 1_300.0
    both = replace(STRICT, with_boot=True, with_opening=True)
    assert not found(evidence, name, both).is_broken


def test_what_the_model_had_thought_by_the_fault_it_thinks_again() -> None:
    """That is allowed with the opening, as long as it had lasted; not for an answer that was heard or cut,
    nor where no audio came of it."""
    name = "silence by the fault"

    def bound(*responses: Response, heard: bool = False) -> float:
        call = torn(2_000.0)
        call.sessions[0].responses.extend(responses)
        call.sessions.append(made.session(3, opened_ms=8_500.0, opening_ms=900.0))
        if heard:
            call.heard.append(replace(call.heard[-1], response=responses[0].number))
        return found(made.row(call, OTHER), name, replace(STRICT, with_opening=True)).bound

    fault_ms = made.row(torn(0.0), OTHER).faults_ms[0]
    thinking = replace(made.response(9, fault_ms - 200.0, 0), items=[], done_ms=None, status="in_progress")
    assert bound(thinking) == 1_200.0
    assert bound(thinking, heard=True) == 1_000.0
    assert bound(replace(thinking, created_ms=fault_ms + 1.0)) == 1_000.0
    assert bound(replace(thinking, done_ms=fault_ms - 100.0)) == 1_000.0

    begun = replace(made.response(9, fault_ms - 400.0, 50), first_audio_ms=fault_ms - 100.0)
    assert bound(begun) == 1_300.0
    assert bound(replace(begun, items=[replace(begun.items[0], cut_ms=fault_ms - 10.0)])) == 1_000.0


def test_five_seconds_without_a_sound_are_too_many() -> None:
    """Our own clip is a sound; and whoever is left in it has not been served."""
    evidence = made.row(torn(9_000.0), OTHER)
    assert found(evidence, "longest silence").figure == 9_000.0
    assert found(evidence, "longest silence").is_broken
    evidence.calls[0].other.append(OtherSound("clip", Span(12_400.0, 13_000.0)))
    assert found(evidence, "longest silence").figure < 5_000.0


def test_a_number_that_rings_is_not_silence() -> None:
    """Twilio lets its tone be heard meanwhile."""
    evidence = made.row(torn(9_000.0), OTHER)
    began_ms = evidence.calls[0].heard[149].at_ms
    evidence.calls[0].other.append(OtherSound("ringing", Span(began_ms + 1_000.0, began_ms + 7_000.0)))
    assert 3_000.0 <= found(evidence, "longest silence").figure <= 3_100.0


def test_a_call_ends_content_or_in_spoken_words() -> None:
    """What is broken off, and what the caller gives up, is neither."""
    what = "ends in silence or in an error"
    assert not found(made.row(made.healthy(), OTHER), what).is_broken
    broken_off = torn(0.0, done=False)
    assert found(made.row(broken_off, OTHER), what).is_broken
    broken_off.other.append(OtherSound("apology", Span(12_000.0, 14_000.0)))
    assert not found(made.row(broken_off, OTHER), what).is_broken
    assert found(made.row(replace(made.healthy(), is_finished=False), OTHER), what).is_broken


@pytest.mark.parametrize(("lacks_frames", "is_broken"), [(0, False), (15, False), (16, True)])
def test_the_end_of_an_answer_that_may_be_left_out_is_not_owed(lacks_frames: int, is_broken: bool) -> None:
    """A caller who hangs up behind it is content. The same is asked of no call that was not hit."""
    bounds = Bounds(silence_ms=100, skipped_ms=300)
    call = made.healthy()
    lacking = replace(call, heard=call.heard[: len(call.heard) - lacks_frames], ended_ms=20_000.0)
    what = "ends in silence or in an error"
    assert found(made.row(lacking, OTHER), what, bounds).is_broken is is_broken
    assert found(made.row(lacking, OTHER), what).is_broken is (lacks_frames > 0)
    beside = made.row(replace(lacking, is_hit=False), OTHER)
    assert found(beside, what, bounds).is_broken is (lacks_frames > 0)


def test_calls_that_were_not_hit_have_no_silence_by_the_fault() -> None:
    """Only the promises to everybody."""
    whats = {each.what for each in quiet(made.row(OTHER), STRICT, {})}
    assert whats == {"longest silence", "ends in silence or in an error"}
