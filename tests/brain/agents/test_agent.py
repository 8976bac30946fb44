"""An agent: that of the settings, and what of one may be shown."""

from __future__ import annotations

from dataclasses import replace

import orjson

from brain.agents.agent import default_agent
from shared.settings import load


def test_the_agent_of_the_settings_is_what_they_say() -> None:
    """Nothing has to be written for a first call."""
    agent = default_agent(load(env_file=None, voice="sage", idle_prompt_s=7.0, vad_silence_ms=700))

    assert (agent.name, agent.voice) == ("default", "sage")
    assert (agent.limits.idle_prompt_s, agent.turn_detection.silence_ms) == (7.0, 700)
    assert agent.tools == ("end_call",)


def test_the_demo_tool_is_offered_where_it_is_wanted() -> None:
    """By the agent of the settings."""
    assert "check_order" in default_agent(load(env_file=None, demo_tools=True)).tools


def test_what_is_shown_of_an_agent_has_no_secret_and_no_long_text() -> None:
    """It stands on the card of each of its calls."""
    server = {"type": "mcp", "server_label": "docs", "authorization": "secret-token"}
    agent = replace(default_agent(load(env_file=None)), instructions="x" * 900, mcp=(server,))

    shown = orjson.loads(agent.snapshot())

    assert (shown["mcp"], shown["instructions"]) == (["docs"], "900 characters")
    assert "secret-token" not in agent.snapshot()
    assert shown["limits"]["hard_cap_s"] == agent.limits.hard_cap_s


def test_the_server_interrupts_unless_the_greeting_must_be_heard() -> None:
    """Or answers no turns at all; without a greeting there is nothing to protect."""
    agent = default_agent(load(env_file=None, greeting="This call is recorded."))
    notice = replace(agent, greeting_interruptible=False)

    assert agent.server_interrupts
    assert not notice.server_interrupts
    assert replace(notice, greeting="").server_interrupts
    assert not replace(agent, answers_turns="brain").server_interrupts
