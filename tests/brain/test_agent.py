"""The session that an agent asks for."""

from __future__ import annotations

from brain.agent import default_agent, session_config
from brain.events import inner
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
