"""Clips told by their bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingress.sound.hold_clip import hold_clip
from proofs.prove.listening.ear import Kind, Sound
from proofs.prove.silence.recognise import Known, is_quiet, sounds
from simulators import clips, mulaw
from simulators.realtime.session.plan import INAUDIBLE

ORDER, SHORT = clips.load("en_model_order"), clips.load("en_model_short")
KNOWN = Known(answers={"order": ORDER, "short": SHORT}, clip=hold_clip())
SILENCE = bytes([mulaw.SILENCE])
SECOND_BYTES = 8_000


def told(audio: bytes, known: Known = KNOWN) -> list[tuple[Kind, str, bool]]:
    return [(sound.kind, sound.name, sound.owes_more) for sound in sounds(0, audio, known)]


def only(found: list[Sound]) -> Sound:
    (sound,) = found
    return sound


@pytest.mark.parametrize(("amplitude", "is_heard"), [(8, False), (24, False), (40, True), (3_000, True)])
def test_below_minus_60_dbfs_nothing_is_heard(amplitude: int, is_heard: bool) -> None:
    """A square wave of 33 of 32,768 is the bound."""
    assert is_quiet(mulaw.encode([amplitude, -amplitude] * 80)) is not is_heard


def test_the_models_inaudible_audio_is_no_sound() -> None:
    """However long it is played."""
    assert sounds(0, INAUDIBLE * SECOND_BYTES, KNOWN) == []


def test_a_whole_answer_owes_no_more() -> None:
    """From its first to its last audible frame, on the call's clock."""
    sound = only(sounds(5_000, ORDER, KNOWN))

    assert (sound.kind, sound.name, sound.owes_more) == (Kind.ANSWER, "order", False)
    assert 5_000 <= sound.span.start_ms < 5_300
    assert 3_000 < sound.span.ms <= len(ORDER) / 8


def test_an_answer_that_ceases_owes_the_rest() -> None:
    """Wherever it ceases."""
    assert told(ORDER[: len(ORDER) // 2]) == [(Kind.ANSWER, "order", True)]


def test_an_answer_that_goes_on_is_told_by_its_middle() -> None:
    """And heard to its end then."""
    assert told(ORDER[len(ORDER) // 2 :]) == [(Kind.ANSWER, "order", False)]


def test_our_own_clip_is_no_answer() -> None:
    """Whole, cut short, or with an answer right behind it."""
    chime = hold_clip()
    assert told(chime) == [(Kind.CLIP, "(our own clip)", False)]
    assert told(chime[:2_400]) == [(Kind.CLIP, "(our own clip)", False)]
    assert told(chime[:3_000] + SHORT) == [
        (Kind.CLIP, "(our own clip)", False),
        (Kind.ANSWER, "short", False),
    ]


def test_behind_a_preamble_sound_is_owed() -> None:
    """It was heard to its end, and promises more."""
    known = Known(answers=KNOWN.answers, preambles=frozenset({"short"}))
    assert told(SHORT + ORDER, known) == [(Kind.ANSWER, "short", True), (Kind.ANSWER, "order", False)]


def test_what_nobody_knows_is_a_sound_all_the_same() -> None:
    """A tone of 200 ms; of 20 ms it is a click at the edge of something."""
    assert told(bytes([0x10, 0x90]) * 800) == [(Kind.ANSWER, "", False)]
    assert told(bytes([0x10, 0x90]) * 80) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3_000), st.integers(1_600, len(ORDER)), st.integers(0, 2_000))
def test_a_clip_is_found_wherever_it_stands_and_ceases(before: int, length: int, after: int) -> None:
    """Between silences of any length, which fall on no grid."""
    audio = SILENCE * before + ORDER[:length] + SILENCE * after
    found = [sound for sound in sounds(0, audio, KNOWN) if sound.name == "order"]

    assert {sound.kind for sound in sounds(0, audio, KNOWN)} <= {Kind.ANSWER}
    if length > 4_000:
        assert found
        assert abs(found[0].span.start_ms - before / 8 - _first_audible_ms(ORDER)) <= 20
    if length == len(ORDER):
        assert not found[-1].owes_more


def _first_audible_ms(audio: bytes) -> float:
    return next(at for at in range(0, len(audio), 160) if not is_quiet(audio[at : at + 160])) / 8
