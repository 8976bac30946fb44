"""The faults of `make prove-operations`: whom each concerns, since when, how often."""

from __future__ import annotations

from pathlib import Path

from proofs.prove.faults import FAULT_AT_S, STALLED_CALLS, TALKATIVE, Fault, FinishedCall, Journal, faults
from shared.figures.diagnosis import MODEL_QUIET_MS
from simulators.realtime import script
from tests.support.record_samples import call, line

BY_NAME = {fault.name: fault for fault in faults()}


def finished(
    number: int = 0, *lines: object, brain: str = "brain-0@h#1", is_slow: bool = False
) -> FinishedCall:
    journal: Journal = [dict(each) for each in lines]  # type: ignore[call-overload]
    return FinishedCall(number, call(f"CA{number}"), {"brain": brain}, journal, is_slow)


def named(words: str) -> Fault:
    return next(fault for name, fault in BY_NAME.items() if words in name)


def test_each_fault_has_a_name_and_a_verdict_of_its_own() -> None:
    """One for each role that may be busy, and one for each neighbour that may be slow."""
    assert sorted(fault.verdict for fault in BY_NAME.values()) == [
        "cpu(brain)",
        "cpu(egress)",
        "cpu(ingress)",
        "model_slow",
        "redis_slow",
        "twilio_slow",
    ]


def test_a_fault_concerns_the_calls_that_feel_it() -> None:
    """Those of the busy worker, of the stalled sockets, of the slow sessions; Redis concerns all."""
    brain = named("brain-0")
    assert brain.concerns(finished(brain="brain-0@h#1"))
    assert not brain.concerns(finished(brain="brain-1@h#1"))
    assert [named("read").concerns(finished(n)) for n in (0, STALLED_CALLS - 1, STALLED_CALLS)] == [
        True,
        True,
        False,
    ]
    assert [named("model").concerns(finished(is_slow=slow)) for slow in (True, False)] == [True, False]
    assert named("Redis").concerns(finished(99))


def test_only_the_stalled_calls_are_stalled() -> None:
    """At the time of the fault, with a small buffer, so that it is felt soon."""
    fault = named("read")
    stalled = fault.stream(0)
    assert stalled.stalls[0].at_ms == FAULT_AT_S * 1000
    assert stalled.receive_buffer_bytes is not None
    assert fault.stream(STALLED_CALLS).stalls == ()


def test_every_second_model_session_is_slow() -> None:
    """Its first audio takes longer than a model may be quiet."""
    slow, healthy = named("model").model(1), named("model").model(2)
    assert slow.response.first_audio_ms is not None
    assert slow.response.first_audio_ms > MODEL_QUIET_MS
    assert healthy.response.first_audio_ms is None


def test_a_slow_model_is_slow_since_it_owes_an_answer() -> None:
    """Not since the injection; and it is slow once in each response."""
    made = finished(
        0, line("response_create", 5000), line("response_created", 5100), line("speech_stopped", 9000)
    )
    fault = named("model")
    assert fault.since_ms(made, 77.0) == 5000 + MODEL_QUIET_MS
    assert fault.episodes(made) == 1
    assert named("Redis").since_ms(made, 77.0) == 77.0


def test_the_talkative_script_can_be_read(tmp_path: Path) -> None:
    """Two long items before anybody has asked for anything."""
    path = tmp_path / "script.toml"
    path.write_text(TALKATIVE, "utf-8")
    assert len(script.load(str(path)).greeting) == 2
