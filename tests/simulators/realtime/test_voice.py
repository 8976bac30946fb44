"""What the model's words sound like."""

from __future__ import annotations

import base64
from random import Random

from simulators import clips
from simulators.realtime import Knobs
from simulators.realtime.knobs import ResponseKnobs
from simulators.realtime.record import SessionRecord
from simulators.realtime.script import Say
from simulators.realtime.session import plan
from simulators.realtime.session.plan import Verb
from simulators.realtime.voice import clip_voice

SESSION = SessionRecord(number=1, session_id="sess", model="gpt", knobs=Knobs(), opened_at_ms=0.0, headers={})


def test_the_usual_voice_is_the_clip() -> None:
    """Whoever asks, and for which response."""
    assert clip_voice(SESSION, 3, 1, "en_model_idle") == clips.load("en_model_idle")


def test_a_voice_is_spoken_whole() -> None:
    """Its bytes are the deltas of a plan, put together, whatever the clip sounds like."""
    spoken = bytes(range(256)) * 40
    steps = plan.make(
        (Say("en_model_idle"),), "audio/pcmu", None, ResponseKnobs(), Random(1), lambda index, clip: spoken
    ).steps

    deltas = [base64.b64decode(step.data) for step in steps if step.verb is Verb.AUDIO]
    assert b"".join(deltas) == spoken
    assert sum(step.size_bytes for step in steps) == len(spoken)
