"""Figures from a record, on records written by hand."""

from __future__ import annotations

import wave
from pathlib import Path

from simulators.twilio import measures
from simulators.twilio.media.playout import Playout
from simulators.twilio.record import CallRecord, ClearSeen, MediaStream, Utterance

FRAME = b"\x10" * 160


def record() -> CallRecord:
    call = CallRecord("CA1", "+1", "+2", 0.0)
    call.streams.append(MediaStream(1, "MZ1", "wss://h/m", {}, 0.0))
    return call


def arrive(call: CallRecord, at_ms: float, frames: int = 1) -> None:
    for _ in range(frames):
        call.streams[0].received_at_ms.append(at_ms)
        call.streams[0].received_bytes.append(160)
        call.playout.push_audio(FRAME, at_ms)


def said(at_ms: float, ms: int, *, barge_in: bool = False) -> Utterance:
    return Utterance("u", at_ms, 0, ms, barge_in, at_ms + ms)


def test_a_hole_is_a_gap_of_one_spurt_and_a_silence_ends_it() -> None:
    """400 ms tell them apart."""
    call = record()
    for at_ms in (0, 50, 1000):
        arrive(call, at_ms)
    call.playout.advance(2000)

    first, second = measures.spurts(call)

    assert (first.started_at_ms, first.ended_at_ms, first.played_ms) == (0, 70, 40)
    assert first.gaps_ms == (30,)
    assert second.gaps_ms == ()
    assert measures.gaps_ms(call) == [30]


def test_response_time_counts_from_the_end_of_the_voice() -> None:
    """To the first sound; None where no answer came."""
    call = record()
    call.utterances += [said(0, 500), said(2000, 300), said(4000, 100)]
    arrive(call, 900)
    arrive(call, 5000)

    assert measures.response_times_ms(call) == [400, None, 900]


def test_a_barge_in_counts_from_the_onset_of_the_voice() -> None:
    """To the last sound heard, and to the clear."""
    call = record()
    arrive(call, 0, frames=100)
    call.utterances.append(Utterance("u", 300, 40, 500, True))
    dropped_ms, _ = call.playout.clear(540)
    call.streams[0].clears.append(ClearSeen(540, dropped_ms, 0))

    [barge_in] = measures.barge_ins(call)

    assert (barge_in.silent_after_ms, barge_in.clear_after_ms) == (200, 200)
    assert barge_in.dropped_ms == 2000 - 540
    assert measures.spurts(call)[0].cleared


def test_lateness_is_against_anchor_plus_n_times_20() -> None:
    """A lead is negative, a hole positive; a new spurt is a new anchor."""
    call = record()
    arrive(call, 0, frames=3)
    arrive(call, 20)
    arrive(call, 90)
    arrive(call, 2000)

    assert list(measures.lateness_ms(call)) == [0, -20, -40, -40, 10, 0]
    assert list(measures.arrivals_ms(call)) == list(call.streams[0].received_at_ms)


def test_each_20_ms_of_a_longer_message_is_judged_by_itself() -> None:
    """A message is as many frames as are in it: the second one has 20 ms more in hand than the first."""
    call = record()
    for at_ms, size in ((0.0, 480), (40.0, 480), (140.0, 400)):
        call.streams[0].received_at_ms.append(at_ms)
        call.streams[0].received_bytes.append(size)

    assert list(measures.lateness_ms(call)) == [0, -20, -40, -20, -40, -60, 20, -20, -40]
    assert list(measures.arrivals_ms(call)) == [0, 0, 0, 40, 40, 40, 140, 140, 140]


def test_a_pacer_is_judged_by_what_it_held_back() -> None:
    """Against its schedule, a lead before the ear; what makes up the lead is left out, after a clear too."""
    call = record()
    for at_ms in (0, 0, 0, 20, 45, 58):
        arrive(call, at_ms)
    assert list(measures.behind_schedule_ms(call, 40.0)) == [0, 0, 5, -2]

    call.streams[0].clears.append(ClearSeen(60, 0, 0))
    arrive(call, 70, frames=2)
    assert len(measures.behind_schedule_ms(call, 40.0)) == 4


def test_after_a_clear_lateness_begins_again() -> None:
    """What was queued is gone: nothing is in hand."""
    call = record()
    arrive(call, 0, frames=10)
    call.streams[0].clears.append(ClearSeen(30, 0, 0))
    arrive(call, 40)

    assert measures.lateness_ms(call)[-1] == 0


def test_audio_too_soon_after_a_clear_is_stale() -> None:
    """An answer takes longer than that."""
    call = record()
    call.streams[0].clears.append(ClearSeen(100, 0, 0))
    for at_ms in (90, 110, 240, 260):
        arrive(call, at_ms)

    assert measures.stale_after_clear_ms(call) == 40


def test_percentiles_of_nothing_are_zero() -> None:
    """A summary needs a number."""
    assert measures.percentile([], 0.5) == 0
    assert measures.percentile([3.0, 1.0, 2.0], 0.5) == 2
    assert measures.percentile([1.0, 2.0], 1.0) == 2


def test_the_wav_has_the_caller_left_and_the_bridge_right(tmp_path: Path) -> None:
    """One timeline: what was heard at 20 ms stands at sample 160."""
    call = record()
    call.playout = Playout()
    call.playout.push_audio(FRAME, 20)
    call.playout.advance(100)
    call.speech += b"\x90" * 160

    measures.write_stereo_wav(call, tmp_path / "call.wav")

    with wave.open(str(tmp_path / "call.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        samples = memoryview(file.readframes(file.getnframes())).cast("h")
    left, right = list(samples[0::2]), list(samples[1::2])
    assert [value != 0 for value in left] == [True] * 160 + [False] * 160
    assert [value != 0 for value in right] == [False] * 160 + [True] * 160
