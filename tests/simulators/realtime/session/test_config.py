"""Effective configuration and its updates."""

from __future__ import annotations

import pytest

from simulators.realtime.protocol.errors import Refusal
from simulators.realtime.session.config import DEFAULT_INSTRUCTIONS, Json, SessionConfig
from tests.simulators.realtime.core_client import pcmu_session

MODEL = "gpt-realtime-2.1"


def updated(config: SessionConfig, change: Json, **facts: bool) -> SessionConfig:
    return config.updated(
        {"type": "realtime", **change},
        **{"audio_spoken": False, "responding": False, **facts},  # type: ignore[arg-type]
    )


def turn_detection(**values: object) -> Json:
    return {"audio": {"input": {"turn_detection": values}}}


def test_defaults_are_pcm_both_ways() -> None:
    """Nobody gets µ-law without asking; the model decides silence window and voice."""
    config = SessionConfig.default(MODEL)
    assert config.input_format.name == config.output_format.name == "audio/pcm"
    assert config.vad is not None
    assert config.vad.silence_duration_ms == 500
    assert config.voice == "marin"
    old = SessionConfig.default("gpt-realtime")
    assert old.vad is not None
    assert old.vad.silence_duration_ms == 200
    assert old.voice == "alloy"


def test_absent_fields_keep_their_value() -> None:
    """An update changes what it names; the configuration before stays untouched."""
    first = updated(SessionConfig.default(MODEL), pcmu_session(threshold=0.7))
    second = updated(first, turn_detection(type="server_vad", create_response=False))
    assert second.input_format.name == "audio/pcmu"
    assert second.vad is not None
    assert second.vad.threshold == 0.7
    assert not second.create_response
    assert first.create_response


def test_null_and_empty_clear() -> None:
    """null turns detection off, [] removes tools, an empty text restores the server's own."""
    config = updated(SessionConfig.default(MODEL), {**pcmu_session(), "instructions": "Be brief."})
    cleared = updated(config, {"audio": {"input": {"turn_detection": None}}, "tools": [], "instructions": ""})
    assert cleared.vad is None
    assert cleared.values["tools"] == []
    assert cleared.values["instructions"] == DEFAULT_INSTRUCTIONS


def test_another_kind_of_detection_starts_from_its_defaults() -> None:
    """Switching to semantic_vad does not carry server_vad's fields over."""
    config = updated(SessionConfig.default(MODEL), turn_detection(type="semantic_vad"))
    audio = config.values["audio"]
    assert audio["input"]["turn_detection"] == {  # type: ignore[index]
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }


@pytest.mark.parametrize(
    ("change", "param"),
    [
        (turn_detection(type="server_vad", threshold=1.1), "threshold"),
        (turn_detection(type="server_vad", idle_timeout_ms=4000), "idle_timeout_ms"),
        ({"audio": {"output": {"speed": 2.0}}}, "speed"),
        ({"audio": {"output": {"voice": "nobody"}}}, "voice"),
        ({"max_output_tokens": 5000}, "max_output_tokens"),
        ({"output_modalities": ["audio", "text"]}, "output_modalities"),
        ({"model": "gpt-realtime"}, "model"),
    ],
)
def test_values_out_of_range(change: Json, param: str) -> None:
    """Limits that no type can say."""
    with pytest.raises(Refusal) as caught:
        updated(SessionConfig.default(MODEL), change)
    assert caught.value.code == "invalid_value"
    assert param in str(caught.value.param)


def test_voice_is_fixed_once_audio_was_spoken() -> None:
    """The same voice may be named again, another may not."""
    config = SessionConfig.default(MODEL)
    updated(config, {"audio": {"output": {"voice": "marin"}}}, audio_spoken=True)
    with pytest.raises(Refusal) as caught:
        updated(config, {"audio": {"output": {"voice": "ash"}}}, audio_spoken=True)
    assert caught.value.code == "cannot_update_voice"


def test_speed_is_fixed_during_a_response() -> None:
    """Between responses it may change."""
    config = SessionConfig.default(MODEL)
    assert updated(config, {"audio": {"output": {"speed": 1.2}}})
    with pytest.raises(Refusal, match="between responses"):
        updated(config, {"audio": {"output": {"speed": 1.2}}}, responding=True)


def test_tracing_is_fixed_once_on() -> None:
    """Once enabled it cannot change."""
    config = updated(SessionConfig.default(MODEL), {"tracing": "auto"})
    with pytest.raises(Refusal, match="Tracing"):
        updated(config, {"tracing": None})


def test_reasoning_needs_a_reasoning_model() -> None:
    """An older model refuses the whole update."""
    with pytest.raises(Refusal) as caught:
        updated(SessionConfig.default("gpt-realtime"), {"reasoning": {"effort": "low"}})
    assert caught.value.param == "session.reasoning"
    assert updated(SessionConfig.default(MODEL), {"reasoning": {"effort": "high"}})


def transcription(**values: object) -> Json:
    return {"audio": {"input": {"transcription": values}}}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        (transcription(model="gpt-realtime-whisper", prompt="x"), "transcription.prompt"),
        (transcription(model="gpt-4o-transcribe-diarize", prompt="x"), "transcription.prompt"),
        (transcription(model="whisper-1", keywords=["x"]), "transcription.keywords"),
        (transcription(model="gpt-realtime-whisper", languages=["en"]), "transcription.languages"),
        (transcription(model="gpt-transcribe", delay="low"), "transcription.delay"),
    ],
)
def test_what_a_transcriber_does_not_take_is_refused(change: Json, param: str) -> None:
    """The whole update, as the API's types say of each model."""
    with pytest.raises(Refusal) as caught:
        updated(SessionConfig.default(MODEL), change)
    assert (caught.value.code, str(caught.value.param).endswith(param)) == ("unsupported_parameter", True)


@pytest.mark.parametrize(
    "change",
    [
        transcription(model="gpt-transcribe", prompt="x", keywords=["y"], languages=["en", "he"]),
        transcription(model="gpt-realtime-whisper", delay="low", language="en"),
        {"audio": {"output": {"voice": {"id": "voice_1234"}}}},
        {"truncation": {"type": "retention_ratio", "retention_ratio": 0.5}},
    ],
)
def test_what_the_api_has_is_taken(change: Json) -> None:
    """As it is told."""
    assert updated(SessionConfig.default(MODEL), change)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"truncation": {"type": "retention_ratio", "retention_ratio": 1.5}}, "truncation.retention_ratio"),
        ({"audio": {"input": {"noise_reduction": {"type": "near_field", "strength": 2}}}}, "strength"),
    ],
)
def test_shares_are_from_0_to_1(change: Json, param: str) -> None:
    """No type can say so."""
    with pytest.raises(Refusal) as caught:
        updated(SessionConfig.default(MODEL), change)
    assert param in str(caught.value.param)


def test_a_tool_that_is_chosen_is_there() -> None:
    """Among the tools of the session as it is to be."""
    tool = {"type": "function", "name": "stock", "parameters": {"type": "object"}}
    chosen: Json = {"tool_choice": {"type": "function", "name": "stock"}}
    config = updated(SessionConfig.default(MODEL), {**chosen, "tools": [tool]})
    assert config.values["tool_choice"] == chosen["tool_choice"]
    with pytest.raises(Refusal, match="not found in 'tools'"):
        updated(SessionConfig.default(MODEL), chosen)


def test_a_strength_that_is_not_said_stays() -> None:
    """As the API's types say of it; another kind of object is replaced whole."""
    first = updated(
        SessionConfig.default(MODEL),
        {"audio": {"input": {"noise_reduction": {"type": "near_field", "strength": 0.5}}}},
    )
    second = updated(first, {"audio": {"input": {"noise_reduction": {"type": "near_field"}}}})
    assert second.values["audio"]["input"]["noise_reduction"] == {  # type: ignore[index]
        "type": "near_field", "strength": 0.5,
    }  # fmt: skip
