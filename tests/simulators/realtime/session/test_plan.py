"""The burst profile."""

from __future__ import annotations

import base64
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from simulators import clips
from simulators.realtime.knobs import ResponseKnobs
from simulators.realtime.protocol.formats import FORMATS, PCM, PCMA, PCMU
from simulators.realtime.script import Say
from simulators.realtime.session import plan
from simulators.realtime.session.plan import Plan, Verb

LONG = (Say("en_model_long"),)


def made(seed: int = 1, format_name: str = PCMU) -> Plan:
    return plan.make(LONG, format_name, None, ResponseKnobs(), Random(seed))


def audio_steps(planned: Plan) -> list[plan.Step]:
    return [step for step in planned.steps if step.verb is Verb.AUDIO]


@given(st.integers(0, 200))
def test_first_audio_and_pace(seed: int) -> None:
    """First delta after 300–400 ms; about 0.75 s at once; 4.9 s of audio within 1 s of it."""
    steps = audio_steps(made(seed))
    first_at_ms = steps[0].at_ms
    assert 300 <= first_at_ms <= 400

    def audio_ms(within_ms: float) -> float:
        return sum(s.size_bytes for s in steps if s.at_ms <= first_at_ms + within_ms) / 8

    assert 700 <= audio_ms(30) <= 900
    assert audio_ms(500) >= 2100
    assert audio_ms(1000) >= 4900
    total_ms = sum(step.size_bytes for step in steps) / 8
    assert 4 < total_ms / (steps[-1].at_ms - first_at_ms) < 6


@given(st.integers(0, 200))
def test_transcript_leads_the_audio(seed: int) -> None:
    """At each delta at least as large a share of the words has left as of the audio."""
    steps = made(seed).steps
    words = sum(step.verb is Verb.TRANSCRIPT for step in steps)
    total_bytes = sum(step.size_bytes for step in steps)
    seen_words = seen_bytes = 0
    for step in steps:
        if step.verb is Verb.AUDIO:
            assert seen_words / words >= seen_bytes / total_bytes
        seen_words += step.verb is Verb.TRANSCRIPT
        seen_bytes += step.size_bytes


def test_deltas_never_fall_on_frames() -> None:
    """About 250–275 ms each, never a multiple of 160 bytes, and together the whole clip."""
    for variant in range(plan.DELTA_VARIANTS):
        chunks = plan.audio_deltas("en_model_long", PCMU, variant)
        assert all(2000 <= size <= 2200 and size % 160 for _, size in chunks[:-1])
        audio = b"".join(base64.b64decode(encoded) for encoded, _ in chunks)
        assert audio == clips.load("en_model_long")
    assert len({plan.audio_deltas("en_model_long", PCMU, n) for n in range(8)}) == 8


def test_other_formats_have_their_own_bytes() -> None:
    """PCM has six times the bytes, in whole samples; A-law as many, but others."""
    sizes = {name: sum(s.size_bytes for s in audio_steps(made(1, name))) for name in FORMATS}
    assert sizes[PCM] == 6 * sizes[PCMU]
    assert sizes[PCMA] == sizes[PCMU]
    assert all(step.size_bytes % 2 == 0 for step in audio_steps(made(1, PCM)))
    mulaw = plan.audio_deltas("en_model_idle", PCMU, 0)
    assert plan.audio_deltas("en_model_idle", PCMA, 0) != mulaw


def test_same_seed_same_plan() -> None:
    """Randomness is the caller's."""
    assert made(3) == made(3)
    assert made(3) != made(4)


def test_words_join_to_the_text() -> None:
    """Cutting a transcript loses nothing, in any script."""
    for clip in clips.manifest().values():
        assert "".join(plan.words(clip.text)) == clip.text
