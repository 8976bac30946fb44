"""What one key of an agent says of another: sessions that would be refused, names that nobody has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from brain.agents.agent import Agent, Recorded, StoredPrompt, Truncation, TurnDetection, default_agent
from brain.agents.rules import problems_of, unset
from shared.settings import load


def agent(**said: Any) -> Agent:
    return replace(default_agent(load(env_file=None)), **said)


def problems(**said: Any) -> list[str]:
    """Of an agent that says this, beside a default agent that says nothing."""
    return problems_of({"default": agent(), "a": agent(name="a", **said)})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"transcription_prompt": "bicycles"},
         "transcription_prompt: gpt-realtime-whisper does not take it: choose a transcription_model such as"
         " gpt-transcribe."),
        ({"transcription_keywords": ("x",), "transcription_model": "whisper-1"},
         "transcription_keywords: whisper-1 does not take it: choose a transcription_model such as"
         " gpt-transcribe."),
        ({"transcription_languages": ("he",)}, "transcription_languages: gpt-realtime-whisper does not take"),
        ({"transcription_delay": "low", "transcription_model": "gpt-transcribe"},
         "transcription_delay: gpt-transcribe does not take it: choose a transcription_model such as"
         " gpt-realtime-whisper."),
        ({"transcription_delay": "low", "transcription_model": ""},
         "transcription_delay: there is no transcription_model: choose one, or remove this key."),
        ({"reasoning_effort": "low", "model": "gpt-realtime"},
         "reasoning_effort: gpt-realtime does not reason, and would refuse the session: remove it."),
        ({"parallel_tool_calls": False, "model": "gpt-realtime-mini"},
         "parallel_tool_calls: gpt-realtime-mini does not reason, and would refuse the session: remove it."),
        ({"tool_choice": "stock"},
         "tool_choice: there is no tool 'stock' here. Known are: auto, end_call, none, required."),
        ({"tool_choice": "required", "tools": ()},
         "tool_choice: requires a tool, and there is none: add tools, or remove it."),
        ({"hand_over_to": {"sale": "Prices."}},
         "hand_over_to: there is no agent 'sale'. Known are: a, default."),
        ({"tools": ("hand_over",)},
         'hand_over_to: expected another agent, since tools has hand_over: write hand_over_to = { sales ='
         ' "Orders and prices." }.'),
        ({"turn_detection": TurnDetection(kind="semantic_vad", idle_timeout_ms=6000)},
         "turn_detection.idle_timeout_ms: is for server_vad, and this one is semantic_vad: remove it."),
        ({"noise_reduction_strength": 0.5},
         "noise_reduction_strength: there is no noise_reduction: choose one, or remove this key."),
        ({"truncation": Truncation(kind="auto", post_instructions_tokens=900)},
         'truncation.post_instructions_tokens: is for kind = "retention_ratio": say so, or remove it.'),
        ({"interruption": "confirm", "answers_turns": "server"}, "answers_turns: expected"),
        ({"recording": Recorded(record=True)},
         "recording.announcement: expected a recording that tells the caller, since record is true: write"
         ' announcement = { file = "recorded.wav", text = "This call is recorded." }; or announced ='
         ' "elsewhere", if they know before they reach us.'),
        ({"tools": ("pause_recording",)},
         "recording.record: expected true, since tools has pause_recording: say so, or remove the tool."),
    ],
)  # fmt: skip
def test_two_keys_that_do_not_go_together_are_told(said: dict[str, Any], expected: str) -> None:
    """With the one to change."""
    found = problems(**said)

    assert found[0].startswith(f"agents.a.{expected}")


@pytest.mark.parametrize(
    "said",
    [
        {"transcription_prompt": "bicycles", "transcription_model": "gpt-transcribe"},
        {"transcription_keywords": ("x",), "transcription_model": "gpt-live-transcribe"},
        {"transcription_keywords": ("x",), "transcription_model": "our-deployment"},
        {"reasoning_effort": "low"},
        {"reasoning_effort": "low", "model": "our-deployment"},
        {"tool_choice": "end_call"},
        {"tool_choice": "shop", "mcp": ({"server_label": "shop"},)},
        {"tools": ("hand_over",), "hand_over_to": {"default": "Everything else."}},
        {"noise_reduction": "near_field", "noise_reduction_strength": 0.5},
    ],
)
def test_what_goes_together_is_taken(said: dict[str, Any]) -> None:
    """Of a name that nobody knows nothing is said: a deployment may be called anything."""
    assert problems(**said) == []


def test_what_an_agent_has_from_the_default_is_told_there() -> None:
    """Once; what becomes wrong beside a key of its own is its own."""
    base = agent(transcription_delay="low", transcription_model="gpt-transcribe")
    unheard = replace(base, transcription_model="")
    found = problems_of({"default": base, "a": replace(base, name="a"), "b": unheard})

    assert [each.partition(":")[0] for each in found] == [
        "default.transcription_delay", "agents.b.transcription_delay",
    ]  # fmt: skip


def test_variables_without_a_value_are_known_with_their_places() -> None:
    """A tool has the numbers of the call by itself; the words of an agent do not."""
    one = agent(
        instructions="{{shop}} {{name}}", greeting="Greet {{ name }}, {{caller}}.", variables={"shop": "Ann"},
        prompt=StoredPrompt(id="pmpt_1", variables={"who": "{{name}}"}),
    )  # fmt: skip

    assert unset(one, {"tools.t.url": "https://x/{{caller}}/{{order}}"}) == {
        "name": ["instructions", "greeting", "prompt.variables.who"],
        "caller": ["greeting"],
        "order": ["tools.t.url"],
    }
