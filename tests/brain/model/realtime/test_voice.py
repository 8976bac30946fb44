"""How long a voice was heard, by the offsets of the two events that tell of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.agents.agent import TurnDetection
from brain.json_fields import Json
from brain.model.realtime.voice import VoiceLength

DETECTION = TurnDetection(silence_ms=500, prefix_ms=300)


def started(at_ms: object, item_id: str = "u") -> Json:
    return {"type": "input_audio_buffer.speech_started", "audio_start_ms": at_ms, "item_id": item_id}


def stopped(at_ms: object, item_id: str = "u") -> Json:
    return {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": at_ms, "item_id": item_id}


def length(*events: Json, detection: TurnDetection = DETECTION) -> float | None:
    """What is said of the last of them."""
    voice, found = VoiceLength(), None
    for event in events:
        found = voice.read(event, detection)
    return found


def test_padding_and_silence_are_no_voice() -> None:
    """From 2,000 ms on, of which 300 were before the first sound, to 3,020, of which 500 were behind the
    last."""
    assert length(started(2_000), stopped(3_020)) == 220


def test_a_voice_at_the_very_beginning_is_not_made_shorter_than_it_was() -> None:
    """There was no padding to be had."""
    assert length(started(0), stopped(800)) == 300


def test_a_voice_is_never_shorter_than_nothing() -> None:
    """Whatever the server reckons."""
    assert length(started(2_000), stopped(2_100)) == 0


@pytest.mark.parametrize("at_ms", [None, "2000", True])
def test_a_server_without_offsets_says_nothing_of_the_length(at_ms: object) -> None:
    """And then no voice counts as short."""
    assert length(started(at_ms), stopped(3_000)) is None
    assert length(started(2_000), stopped(at_ms)) is None


def test_each_voice_has_its_own_beginning() -> None:
    """The end of another one, or a second end, says nothing."""
    assert length(started(2_000, "u1"), stopped(3_000, "u2")) is None
    assert length(started(2_000), stopped(3_020), stopped(9_000)) is None
    assert length(started(2_000, "u1"), started(5_000, "u2"), stopped(6_000, "u2")) == 200


def test_other_events_say_nothing() -> None:
    """They stand between the two."""
    assert length({"type": "response.done"}) is None
    assert length(started(2_000), {"type": "response.done"}, stopped(3_000)) == 200


def test_a_detector_of_meaning_waits_for_as_long_as_it_likes() -> None:
    """So the length cannot be reckoned."""
    by_meaning = replace(DETECTION, kind="semantic_vad")

    assert length(started(2_000), stopped(3_020), detection=by_meaning) is None
