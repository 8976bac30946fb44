"""The session that an agent asks for."""

from __future__ import annotations

from dataclasses import replace

from brain.agents.agent import TurnDetection, default_agent, session_config
from brain.json_fields import inner
from shared.settings import load


def test_every_value_we_rely_on_is_said() -> None:
    """Defaults differ between models."""
    config = session_config(default_agent(load(env_file=None, language="he")), [])

    heard, spoken = inner(inner(config, "audio"), "input"), inner(inner(config, "audio"), "output")
    assert heard["format"] == spoken["format"] == {"type": "audio/pcmu"}
    assert inner(heard, "turn_detection")["create_response"] is True
    assert inner(heard, "transcription")["language"] == "he"


def test_the_brain_may_answer_turns() -> None:
    """Then the server neither answers nor interrupts."""
    config = session_config(default_agent(load(env_file=None, answers_turns="brain")), [])

    turns = inner(inner(inner(config, "audio"), "input"), "turn_detection")
    assert (turns["create_response"], turns["interrupt_response"]) == (False, False)


def test_no_transcription_model_means_no_transcripts() -> None:
    """Null, said explicitly."""
    config = session_config(default_agent(load(env_file=None, transcription_model="")), [])

    assert inner(inner(config, "audio"), "input")["transcription"] is None


def test_the_detector_is_the_agents() -> None:
    """A line with echo or noise has its own threshold, pauses and noise reduction."""
    quiet = default_agent(load(env_file=None))
    noisy = replace(
        quiet,
        turn_detection=TurnDetection(threshold=0.8, silence_ms=700, prefix_ms=200),
        noise_reduction="far_field",
    )

    heard = inner(inner(session_config(noisy, []), "audio"), "input")

    turns = inner(heard, "turn_detection")
    found = (turns["threshold"], turns["silence_duration_ms"], turns["prefix_padding_ms"])
    assert found == (0.8, 700, 200)
    assert heard["noise_reduction"] == {"type": "far_field"}
