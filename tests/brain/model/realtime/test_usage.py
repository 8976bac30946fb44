"""What the server says was used, whole and in parts, and when the caller's voice was."""

from __future__ import annotations

import pytest

from brain.json_fields import Json
from brain.model.realtime.usage import ago_ms, read_usage
from shared.contract.bill.usage import ModelUsage, used

FULL: Json = {
    "total_tokens": 1_000,
    "input_tokens": 800,
    "output_tokens": 200,
    "input_token_details": {
        "text_tokens": 300,
        "audio_tokens": 500,
        "image_tokens": 0,
        "cached_tokens": 640,
        "cached_tokens_details": {"text_tokens": 256, "audio_tokens": 384, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 40, "audio_tokens": 160},
}


def of_response(usage: object) -> ModelUsage | None:
    return read_usage({"type": "response.done", "response": {"usage": usage}}, "m", "w")


def of_transcript(usage: object) -> ModelUsage | None:
    kind = "conversation.item.input_audio_transcription.completed"
    return read_usage({"type": kind, "usage": usage}, "m", "w")


def test_a_response_says_it_by_kind() -> None:
    """What is cached is a part of what was put in."""
    assert of_response(FULL) == used(
        "m", text_in=300, text_cached=256, audio_in=500, audio_cached=384, text_out=40, audio_out=160
    )


def test_cached_tokens_of_no_kind_are_text_first() -> None:
    """The beginning is what is cached, and that is the instructions."""
    details = {"text_tokens": 300, "audio_tokens": 500, "cached_tokens": 640}
    found = of_response({**FULL, "input_token_details": details})
    assert found is not None
    assert (found.text_cached, found.audio_cached) == (300, 340)


def test_tokens_of_no_kind_are_text() -> None:
    """An older server, or one of another make, has two figures only."""
    assert of_response({"input_tokens": 90, "output_tokens": 12}) == used("m", text_in=90, text_out=12)


def test_more_cached_than_put_in_is_no_gift() -> None:
    """What is taken off must have been there."""
    cached = {"text_tokens": 50, "audio_tokens": 9}
    details = {"text_tokens": 10, "audio_tokens": 0, "cached_tokens_details": cached}
    found = of_response({"input_token_details": details})
    assert found == used("m", text_in=10, text_cached=10)


@pytest.mark.parametrize("usage", [None, {}, [], "many", 5])
def test_a_response_that_says_nothing_used_nothing(usage: object) -> None:
    """One that has failed, or was cancelled: nobody can tell."""
    assert of_response(usage) is None


@pytest.mark.parametrize("odd", ["12", -3, True, 1.5, None])
def test_an_odd_figure_is_none(odd: object) -> None:
    """The server's JSON ends no call."""
    assert of_response({"output_token_details": {"text_tokens": odd}}) == used("m")


def test_a_transcript_says_it_by_time_or_by_tokens() -> None:
    """As its model is paid."""
    assert of_transcript({"type": "duration", "seconds": 2.5}) == used("w", sound_ms=2_500)
    tokens = {
        "type": "tokens", "input_tokens": 30, "output_tokens": 8, "total_tokens": 38,
        "input_token_details": {"audio_tokens": 26, "text_tokens": 4},
    }  # fmt: skip
    assert of_transcript(tokens) == used("w", text_in=4, audio_in=26, text_out=8)
    assert of_transcript({"type": "tokens", "input_tokens": 30, "output_tokens": 8}) == used(
        "w", audio_in=30, text_out=8
    )
    assert of_transcript({"type": "duration", "seconds": "long"}) == used("w")
    assert of_transcript(None) is None


def test_other_events_use_nothing() -> None:
    """They are most of all."""
    assert read_usage({"type": "response.created", "response": {"usage": FULL}}, "m", "w") is None


@pytest.mark.parametrize(
    ("event", "ago"),
    [
        ({"audio_start_ms": 900}, 100.0),
        ({"audio_end_ms": 1_000}, 0.0),
        ({"audio_end_ms": 1_200}, 0.0),
        ({}, 0.0),
        ({"audio_start_ms": "now"}, 0.0),
    ],
)
def test_a_voice_was_so_long_ago(event: Json, ago: float) -> None:
    """By the audio that was given until now: never in what is to come."""
    assert ago_ms(event, 1_000.0) == ago
