"""The sound in place of words."""

from __future__ import annotations

from console.trial.speech.stand_in import LEAST_MS, MOST_MS, MS_PER_CHARACTER, hum
from simulators.realtime.protocol.formats import FORMATS, PCMU
from simulators.realtime.session.vad import Edge, Vad, VadSettings
from simulators.twilio.caller.clip import Clip


def test_it_is_as_long_as_the_words() -> None:
    """Within bounds."""
    assert len(hum("x" * 40, 130.0)) == 40 * MS_PER_CHARACTER * 8
    assert len(hum("", 130.0)) == LEAST_MS * 8
    assert len(hum("x" * 10_000, 130.0)) == MOST_MS * 8


def test_a_voice_detector_takes_it_for_one_turn() -> None:
    """It begins at once, and stops only at its end."""
    audio = hum("Do you have a Kestrel in stock?", 130.0)
    vad = Vad(VadSettings(threshold=0.5, prefix_padding_ms=300, silence_duration_ms=500), FORMATS[PCMU])
    edges = [event.edge for event in vad.feed(audio + b"\xff" * 8000)]
    assert edges == [Edge.STARTED, Edge.STOPPED]
    clip = Clip(audio)
    assert clip.voice_from_ms <= 20
    assert clip.duration_ms - clip.voice_to_ms <= 40


def test_caller_and_model_can_be_told_apart() -> None:
    """And one text from another; the same text sounds the same."""
    assert hum("yes", 130.0) != hum("yes", 210.0)
    assert hum("yes", 130.0) == hum("yes", 130.0)
    assert len({hum(text, 130.0) for text in ("one", "two", "three", "four")}) > 1
