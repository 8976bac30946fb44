"""What the server is told of an agent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.agents.agent import Agent, StoredPrompt, Truncation, TurnDetection, default_agent
from brain.json_fields import Json, inner
from brain.model.realtime.session import answering_session, change_of, session_config, silenced_session
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


def test_the_server_may_interrupt_and_leave_the_answer_to_the_brain() -> None:
    """And the other way round: two keys of its detector."""
    agent = default_agent(load(env_file=None))
    cuts = _turns(session_config(replace(agent, answers_turns="brain", interrupts="server"), []))
    answers = _turns(session_config(replace(agent, interrupts="brain"), []))

    assert (cuts["create_response"], cuts["interrupt_response"]) == (False, True)
    assert (answers["create_response"], answers["interrupt_response"]) == (True, False)


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
    cuts = replace(_agent(answers_turns="brain"), interrupts="server")
    assert _turns(session_config(cuts, [], answering=False))["interrupt_response"] is False
    assert _turns(answering_session(cuts))["interrupt_response"] is True


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


def changed(before: Agent, after: Agent, *, has_spoken: bool = False) -> Json | None:
    """How a session of the one becomes one of the other."""
    return change_of(session_config(before, []), session_config(after, []), has_spoken=has_spoken)


def test_another_agents_session_is_told_whole() -> None:
    """Nothing of the one before may stay that is not said again."""
    sales = replace(_agent(), name="sales", instructions="Sell.", tool_choice="none")

    assert changed(_agent(), sales) == session_config(sales, [])


def test_what_only_the_one_before_had_said_is_taken_back() -> None:
    """By the server's own defaults, where these are documented."""
    before = replace(
        _agent(), speed=1.3, parallel_tool_calls=False, truncation=Truncation(kind="disabled"),
        prompt=StoredPrompt(id="pmpt_1"), noise_reduction="near_field", noise_reduction_strength=0.5,
    )  # fmt: skip

    change = changed(before, replace(_agent(), noise_reduction="near_field"))

    assert change is not None
    assert (change["truncation"], change["parallel_tool_calls"], change["prompt"]) == ("auto", True, None)
    assert inner(inner(change, "audio"), "output")["speed"] == 1.0
    heard = inner(inner(change, "audio"), "input")
    assert heard["noise_reduction"] == {"type": "near_field", "strength": 1.0}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"tracing": True}, {}),
        ({"tracing": True}, {"tracing": True, "tracing_workflow": "other"}),
        ({"reasoning_effort": "low"}, {}),
        ({}, {"prompt": StoredPrompt(id="pmpt_1"), "instructions": ""}),
        ({}, {"language": ""}),
        ({"transcription_delay": "low"}, {}),
        ({"turn_detection": TurnDetection(idle_timeout_ms=6000)}, {}),
    ],
)
def test_what_nobody_promises_needs_another_session(
    before: dict[str, object], after: dict[str, object]
) -> None:
    """A guess would be heard by a caller."""
    one, other = replace(_agent(), **before), replace(_agent(), **after)  # type: ignore[arg-type]

    assert changed(one, other) is None


def test_a_trace_goes_on_under_its_name() -> None:
    """It is not said again: any change of it is refused once it is on."""
    traced = replace(_agent(), tracing=True, tracing_workflow="calls")

    change = changed(traced, replace(traced, instructions="Sell."))

    assert change is not None
    assert "tracing" not in change


def test_a_voice_that_was_heard_stays() -> None:
    """The server keeps one voice for a conversation; before the first word it may be any."""
    other = replace(_agent(), voice="cedar")

    assert changed(_agent(), other) is not None
    assert changed(_agent(), other, has_spoken=True) is None
    assert changed(_agent(), replace(_agent(), instructions="Sell."), has_spoken=True) is not None


def test_a_trace_is_kept_under_the_id_of_the_call() -> None:
    """By which an operator finds it at the provider."""
    traced = replace(_agent(), name="desk", tracing=True)

    assert session_config(traced, [], call="CA1")["tracing"] == {
        "workflow_name": "desk", "group_id": "CA1", "metadata": {"call": "CA1"},
    }  # fmt: skip


def test_a_tool_choice_names_a_tool_or_a_server() -> None:
    """Of the agent's own."""
    agent = replace(_agent(), tools=("stock",), mcp=({"server_label": "docs"},))

    assert session_config(replace(agent, tool_choice="stock"), [])["tool_choice"] == {
        "type": "function", "name": "stock",
    }  # fmt: skip
    assert session_config(replace(agent, tool_choice="docs"), [])["tool_choice"] == {
        "type": "mcp", "server_label": "docs",
    }  # fmt: skip
