"""Which moments make one answer's time."""

from __future__ import annotations

from brain.call.stopwatch import Stopwatch
from brain.counters import ResponseTimes


def stopwatch() -> Stopwatch:
    return Stopwatch(ResponseTimes())


def test_a_create_is_timed_to_its_created_and_to_its_first_audio() -> None:
    """Ours by token; the audio by the response's id, once."""
    watch = stopwatch()
    watch.asked("t1", 1000)
    watch.created("r1", "t1", 1120)
    watch.first_audio("r1", 1500)
    watch.first_audio("r1", 9000)

    assert (watch.times.created_ms.sum, watch.times.created_ms.count) == (120, 1)
    assert (watch.times.create_to_audio_ms.sum, watch.times.create_to_audio_ms.count) == (500, 1)


def test_a_response_of_the_server_is_no_answer_to_our_create() -> None:
    """It came between: no token, another id."""
    watch = stopwatch()
    watch.asked("t1", 1000)
    watch.created("r0", "", 1050)
    watch.first_audio("r0", 1300)

    assert watch.times.created_ms.count == 0
    assert watch.times.create_to_audio_ms.count == 0


def test_an_answer_is_timed_from_the_end_of_the_callers_words() -> None:
    """Whoever made the response, and only its first audio."""
    watch = stopwatch()
    watch.speech_started(1000)
    watch.speech_stopped(3000)
    watch.first_audio("r1", 3700)
    watch.first_audio("r2", 9000)

    assert (watch.times.turn_to_audio_ms.sum, watch.times.turn_to_audio_ms.count) == (700, 1)


def test_a_caller_who_speaks_again_waits_for_no_answer() -> None:
    """What comes then answers the new words."""
    watch = stopwatch()
    watch.speech_stopped(1000)
    watch.speech_started(1500)
    watch.first_audio("r1", 1600)

    assert watch.times.turn_to_audio_ms.count == 0


def test_a_barge_in_lasts_while_it_is_acted_upon() -> None:
    """It is measured when its flush is written; a flush for another reason, later, is none."""
    watch = stopwatch()
    watch.speech_started(1000)
    written = watch.barge_in(lambda: 1004.0)
    watch.handled()

    assert watch.barge_in(lambda: 1004.0) is None
    assert written is not None
    written()
    assert watch.times.barge_in_ms.sum == 4


def test_nobody_waits_for_an_answer_to_what_was_no_turn() -> None:
    """A cough: what the model says next answers something else."""
    watch = stopwatch()
    watch.speech_started(1000)
    watch.speech_stopped(1200)
    watch.passed_over()
    watch.first_audio("r1", 9000)

    assert watch.times.turn_to_audio_ms.count == 0
