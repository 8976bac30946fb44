"""How the model keeps up, with literal times."""

from __future__ import annotations

from brain.call.owing import AnswerDue
from brain.call.window import ModelWindow
from shared.contract.window import ProcessWindow

PROCESS = ProcessWindow(
    v=1, at_ms=1_700_000_000_000, worker="brain-0@h#1", lag_ms=2.5, redis_ms=1.5, redis_refusal="OOM"
)


def owing(since_ms: float | None) -> AnswerDue:
    """A model that owes something since then."""
    return AnswerDue(model_owes_since_ms=since_ms)


def quiet_ms(window: ModelWindow, now_ms: float) -> float:
    return window.take(now_ms, PROCESS, 0).quiet_ms


def test_silence_counts_from_when_it_is_owed_or_from_the_last_sign_since() -> None:
    """Audio and events are signs."""
    window = ModelWindow(owing(5_800.0), 0.0)
    window.check(7_500.0)
    window.sign(7_600.0, 100.0)
    window.check(8_000.0)

    told = window.take(8_000.0, PROCESS, 0)
    assert (told.quiet_ms, told.audio_ms_per_s, told.skipped) == (1_800, 12.5, 0)


def test_a_model_that_owes_nothing_is_not_quiet() -> None:
    """However long it says nothing."""
    window = ModelWindow(owing(None), 0.0)
    window.check(60_000.0)

    assert quiet_ms(window, 60_000.0) == 0


def test_a_window_begins_again() -> None:
    """The wait that goes on is measured from its start, the audio from the window's."""
    window = ModelWindow(owing(1_000.0), 0.0)
    window.sign(1_000.0, 5_000.0)
    window.take(3_000.0, PROCESS, 0)
    window.check(4_000.0)

    told = window.take(6_000.0, PROCESS, 0)
    assert (told.quiet_ms, told.audio_ms_per_s, told.skipped) == (3_000, 0.0, 0)


def test_a_silence_that_ends_between_two_looks_has_its_whole_length() -> None:
    """Twice a second is too coarse for a limit of two."""
    window = ModelWindow(owing(1_000.0), 0.0)
    window.check(3_000.0)
    window.sign(3_400.0)
    window.check(3_500.0)

    assert quiet_ms(window, 3_500.0) == 2_400


def test_what_was_not_admitted_is_counted_in_its_window() -> None:
    """Pieces of audio."""
    window = ModelWindow(owing(None), 0.0)
    window.skipped()

    assert [window.take(at, PROCESS, 0).skipped for at in (3_000.0, 6_000.0)] == [1, 0]


def test_it_says_how_its_process_fares_and_what_the_model_has_not_taken() -> None:
    """Egress would blame a process that says nothing."""
    told = ModelWindow(owing(None), 0.0).take(3_000.0, PROCESS, 17)

    assert (told.v, told.at_ms, told.worker) == (PROCESS.v, PROCESS.at_ms, PROCESS.worker)
    assert (told.lag_ms, told.redis_ms, told.queued_events) == (2.5, 1.5, 17)


def test_it_says_how_its_process_fares() -> None:
    """By the process's own figures."""
    told = ModelWindow(owing(None), 0.0).take(3_000.0, PROCESS, 0)
    assert (told.worker, told.lag_ms, told.redis_ms, told.redis_refusal) == ("brain-0@h#1", 2.5, 1.5, "OOM")
