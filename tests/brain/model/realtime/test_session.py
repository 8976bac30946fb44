"""What the server is told of an agent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.agents.agent import Agent, TurnDetection, default_agent
from brain.json_fields import Json, inner
from brain.model.realtime.session import answering_session, session_config, silenced_session
from shared.settings import load


def test_every_value_we_rely_on_is_said() -> None:
    """Defaults differ between models."""
    config = session_config(default_agent(load(env_file=None, language="he")), [])

    heard, spoken = inner(inner(config, "audio"), "input"), inner(inner(config, "audio"), "output")
    assert heard["format"] == spoken["format"] == {"type": "audio/pcmu"}
    assert inner(heard, "turn_detection")["create_response"] is True
    assert inner(heard, "transcription")["language"] == "he"


@pytest.mark.parametrize(
    ("language", "told"), [("", None), ("he", "he"), ("en-US", "en"), ("zh-Hant-TW", "zh"), ("yue", "yue")]
)
def test_a_language_is_a_hint(language: str, told: str | None) -> None:
    """The server refuses a whole session for a tag with a country in it; left out, it hears by itself."""
    config = session_config(default_agent(load(env_file=None, language=language)), [])

    transcription = inner(inner(inner(config, "audio"), "input"), "transcription")
    assert transcription.get("language") == told
    assert transcription["model"]


def test_a_greeting_that_must_be_heard_is_not_cut_by_the_server() -> None:
    """It would do so at the caller's first sound; the turns are answered all the same. Every cut is ours."""
    agent = default_agent(load(env_file=None, greeting="This call is recorded."))

    for interruptible in (True, False):
        config = session_config(replace(agent, greeting_interruptible=interruptible), [])
        turns = inner(inner(inner(config, "audio"), "input"), "turn_detection")
        assert (turns["create_response"], turns["interrupt_response"]) == (True, interruptible)


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


def _turns(session: Json) -> Json:
    return inner(inner(inner(session, "audio"), "input"), "turn_detection")


def _agent(kind: str = "server_vad", answers_turns: str = "server") -> Agent:
    agent = default_agent(load(env_file=None, answers_turns=answers_turns))
    return replace(agent, turn_detection=TurnDetection(kind=kind, eagerness="low"))  # type: ignore[arg-type]


def test_a_session_that_is_told_a_past_answers_nothing_before_it_is_in() -> None:
    """Then as the agent says."""
    agent = _agent()

    assert _turns(session_config(agent, [], answering=False))["create_response"] is False
    assert _turns(answering_session(agent))["create_response"] is True
    assert _turns(answering_session(_agent(answers_turns="brain")))["create_response"] is False


def test_a_server_that_is_silenced_keeps_its_detector() -> None:
    """A partial object is not promised to keep its other values."""
    whole = _turns(session_config(_agent(), []))

    assert _turns(silenced_session(_agent())) == {
        **whole, "create_response": False, "interrupt_response": False,
    }  # fmt: skip


def test_a_semantic_detector_has_an_eagerness_and_no_figures() -> None:
    """The server refuses those of the other kind."""
    assert _turns(session_config(_agent("semantic_vad"), [])) == {
        "type": "semantic_vad", "eagerness": "low", "create_response": True, "interrupt_response": True,
    }  # fmt: skip


def test_what_is_not_set_is_not_said() -> None:
    """Speed is sent where it is not the normal one; no bound is the word that means it."""
    agent = default_agent(load(env_file=None))
    slow = session_config(replace(agent, speed=0.9, max_output_tokens=700), [])

    assert "speed" not in inner(inner(session_config(agent, []), "audio"), "output")
    assert session_config(agent, [])["max_output_tokens"] == "inf"
    assert inner(inner(slow, "audio"), "output")["speed"] == 0.9
    assert slow["max_output_tokens"] == 700
