"""The judgement of a load, on records written by hand."""

from __future__ import annotations

import pytest

from proofs.bench.judging import FRAME_BYTES, PATIENCE_MS, Figures, cpu_by_call_second, judge, lost_bytes
from proofs.bench.records import CallHeard, SessionSpoken
from tests.proofs.bench.samples import call, figures, item, session


def judged(calls: list[CallHeard], sessions: list[SessionSpoken]) -> Figures:
    found = figures()
    judge(found, calls, sessions)
    return found


def test_a_whole_call_has_lost_nothing() -> None:
    """Its figures are those of the records."""
    spoken = item()
    found = judged(
        [
            call(
                spoken,
                turn_ends_ms=[5000.0],
                responses_ms=[800.0, 900.0],
                barge_ins_ms=[70.0],
                behind_ms=[-3.0, 4.0],
            )
        ],
        [session(spoken, turns_heard=1)],
    )
    assert (found.call_seconds, found.turns, found.turns_lost, found.bytes_lost) == (20.0, 1, 0, 0)
    assert (found.answers, found.response_p50_ms, found.response_p99_ms) == (2, 900.0, 900.0)
    assert (found.barge_ins, found.barge_in_p99_ms, found.schedule_p99_ms) == (1, 70.0, 4.0)
    assert (found.holes, found.silent_calls, found.complaints, found.trouble) == (0, 0, 0, [])


def test_without_answers_there_is_no_time() -> None:
    """Nothing is not 0 ms; nor is a system without a pacer ever on time."""
    found = judged([call()], [])
    assert (found.response_p50_ms, found.barge_in_p50_ms, found.schedule_p99_ms) == (None, None, None)
    assert (found.silent_calls, found.bytes_lost) == (1, None)


def test_frames_that_were_not_heard_are_lost() -> None:
    """Of an item that nobody interrupted."""
    spoken, other = item(), item(response=2)
    heard = call(item(frames=7), other)
    assert lost_bytes(heard, [spoken, other]) == 3 * FRAME_BYTES
    assert judged([heard], [session(spoken, other)]).bytes_lost == 3 * FRAME_BYTES


@pytest.mark.parametrize(
    ("spoken", "more"),
    [
        ({"interrupted": True}, {}),
        ({"began_ms": 1000.0}, {"clears_ms": [1100.0]}),
        ({"began_ms": 1000.0}, {"clears_ms": [990.0]}),
        ({"began_ms": 20_000 - PATIENCE_MS}, {}),
    ],
)
def test_what_could_not_be_heard_out_is_nobodys_loss(
    spoken: dict[str, object], more: dict[str, object]
) -> None:
    """Interrupted, cleared in its time, or cut off by the end of the call."""
    assert lost_bytes(call(**more), [item(**spoken)]) == 0


def test_a_clear_long_before_or_after_excuses_nothing() -> None:
    """It ended something else."""
    spoken = item(began_ms=5000.0)
    assert lost_bytes(call(clears_ms=[4000.0, 15_000.0]), [spoken]) == 10 * FRAME_BYTES


def test_a_turn_that_no_session_of_the_call_heard_is_lost() -> None:
    """If it ended well before the call; what another call's session heard does not make up for it."""
    one, two = item(1), item(2)
    first = call(one, turn_ends_ms=[4000.0, 9000.0, 19_000.0])
    second = call(two, turn_ends_ms=[4000.0])
    found = judged([first, second], [session(one, turns_heard=1), session(two, number=2, turns_heard=5)])
    assert (found.turns, found.turns_lost) == (3, 1)


def test_a_few_stray_frames_make_no_session_of_a_call() -> None:
    """Less than a tenth of what was heard."""
    own = item(1, frames=100)
    stray = call(own, turn_ends_ms=[4000.0])
    stray.frames.append((2, 1, 0, 0))
    found = judged([stray], [session(own), session(number=2, turns_heard=9)])
    assert found.turns_lost == 1


def test_of_audio_that_was_coded_anew_only_turns_are_told() -> None:
    """Over all calls together."""
    heard = call(turn_ends_ms=[1000.0, 2000.0], heard_bytes=1000, unknown_bytes=900)
    found = judged([heard, heard], [session(item(), turns_heard=3)])
    assert (found.bytes_lost, found.turns, found.turns_lost) == (None, 4, 1)


def test_a_beginning_that_a_clear_left_is_no_new_code() -> None:
    """Bytes are judged all the same."""
    spoken = item(frames=100)
    assert judged([call(spoken, unknown_bytes=12)], [session(spoken)]).bytes_lost == 0


def test_trouble_is_told_once_with_how_often() -> None:
    """Failures of callers, errors of the model, complaints of both."""
    calls = [call(failures=["no reply"], violations=["31951"]) for _ in range(3)]
    found = judged(calls, [session(errors=["rate_limit"], violations=["early"])])
    assert found.complaints == 4
    assert found.trouble == ["no reply × 3", "rate_limit × 1", "31951 × 3", "early × 1"]


def test_cpu_is_told_for_a_call_second() -> None:
    """And not at all of a server whose processes are not known."""
    assert cpu_by_call_second({"brain": 50.0}, 20.0) == {"brain": 2.5}
    assert cpu_by_call_second({"brain": 50.0}, 0.0) == {"brain": 0.0}
    assert figures().cpu_call_second_ms is None
    assert figures(cpu_ms={"a": 1.0, "b": 0.5}).cpu_call_second_ms == 1.5
