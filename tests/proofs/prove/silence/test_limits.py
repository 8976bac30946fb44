"""What is promised, and the sentences of what was not kept."""

from __future__ import annotations

import pytest

from proofs.prove.listening.ear import Kind, Recording, Sound, listen
from proofs.prove.listening.spans import Span
from proofs.prove.silence.faults import At, HalfOpen, Row
from proofs.prove.silence.limits import NOT_BEGUN, Result

ANSWER = Sound(Kind.ANSWER, Span(13_000, 15_000))
CLIPS = [Sound(Kind.CLIP, Span(at, at + 600)) for at in (4_000.0, 8_500.0)]
APOLOGY = Sound(Kind.APOLOGY, Span(12_500, 14_500))


def result(
    *sounds: Sound,
    until_ms: float = 16_000,
    ended: str = "caller_hung_up",
    down: tuple[Span, ...] = (),
    may_apologise: bool = False,
    problem: str = "",
) -> Result:
    row = Row(name="a", text="b", fault=HalfOpen(), at=At.IDLE, may_apologise=may_apologise)
    heard = Recording(answered_at_ms=0, ended_at_ms=until_ms, sounds=sounds, down=down)
    return Result(row=row, hearing=listen(heard), ended=ended, problem=problem)


def test_a_clip_in_time_and_an_answer_in_time_are_what_was_promised() -> None:
    """To the second."""
    assert result(*CLIPS, ANSWER).broken == []


def test_a_silence_over_four_and_a_half_seconds_breaks_it() -> None:
    """Also when the answer comes."""
    assert result(Sound(Kind.ANSWER, Span(4_600, 5_000))).broken == ["silence of 4.60 s"]


def test_a_wait_over_thirteen_seconds_breaks_it() -> None:
    """However often our own clip was heard."""
    later = Sound(Kind.ANSWER, Span(13_100, 15_000))
    assert result(*CLIPS, later).broken == ["13.10 s without an answer or the apology"]


def test_time_without_a_socket_is_allowed() -> None:
    """And told."""
    late = result(Sound(Kind.ANSWER, Span(8_000, 9_000)), down=(Span(1_000, 5_000),))
    assert late.broken == []
    assert late.silence_text == "4.0 s (8.0 s with no socket)"


@pytest.mark.parametrize("may_apologise", [True, False])
def test_the_apology_will_do_only_where_the_fault_stays(may_apologise: bool) -> None:
    """What has passed ends in an answer."""
    sentences = result(*CLIPS, APOLOGY, ended="bridge_hung_up", may_apologise=may_apologise).broken
    assert sentences == ([] if may_apologise else ["the apology, and the fault has passed"])


@pytest.mark.parametrize(
    ("ended", "how"),
    [("caller_hung_up", "given up by the caller"), ("bridge_hung_up", "hung up on in silence")],
)
def test_a_call_does_not_end_with_sound_owed(ended: str, how: str) -> None:
    """Soon or late."""
    assert result(CLIPS[0], until_ms=8_000, ended=ended, may_apologise=True).broken == [
        f"{how} (pick-up owed)"
    ]


def test_a_document_that_twilio_cannot_read_breaks_it() -> None:
    """Twilio says so to the caller, in its own words."""
    assert "ended by application_error" in result(CLIPS[0], ANSWER, ended="application_error").broken


def test_a_row_without_its_fault_shows_nothing() -> None:
    """However good it sounds."""
    assert result(*CLIPS, ANSWER, problem=NOT_BEGUN).broken == [NOT_BEGUN]


def test_the_table_says_what_ended_the_longest_wait() -> None:
    """An answer, the apology, or nothing."""
    assert result(*CLIPS, ANSWER).wait_text == "13.0 s"
    assert result(*CLIPS, APOLOGY).wait_text == "12.5 s (apology)"
    assert result(CLIPS[0], until_ms=8_000).wait_text == "none in 8.0 s"


def test_the_table_says_what_else_was_heard() -> None:
    """Our own sounds, and an end without a word."""
    assert result(*CLIPS, APOLOGY).heard_text == "clip × 2, apology"
    assert result(ended="bridge_hung_up").heard_text == "bare hang-up"
    assert result(ANSWER).heard_text == "–"
