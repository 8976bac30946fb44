"""An agent: that of the settings, and what of one may be shown."""

from __future__ import annotations

from dataclasses import replace

import orjson

from brain.agents.agent import StoredPrompt, default_agent
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


def test_who_interrupts_may_differ_from_who_answers() -> None:
    """A greeting that must be heard, and noise that is not to cut, leave it to us whatever is said."""
    agent = default_agent(load(env_file=None, greeting="This call is recorded."))

    assert replace(agent, answers_turns="brain", interrupts="server").server_interrupts
    assert not replace(agent, interrupts="brain").server_interrupts
    assert not replace(agent, interrupts="server", greeting_interruptible=False).server_interrupts
    assert not replace(agent, interrupts="server", interruption="confirm").server_interrupts


def test_nothing_of_a_connection_is_shown() -> None:
    """Its headers may be keys, and so may what a caller's number is hashed with."""
    agent = replace(
        default_agent(load(env_file=None)), headers={"api-key": "hunter2"}, safety_key="correct horse"
    )

    shown = orjson.loads(agent.snapshot())

    assert (shown["headers"], shown["safety_key"]) == (["api-key"], True)
    assert "hunter2" not in repr(agent) + agent.snapshot()
    assert "correct horse" not in repr(agent) + agent.snapshot()


def test_variables_stand_in_its_own_words_and_nowhere_else() -> None:
    """What the carrier says when all is lost is said without anybody who could fill it in."""
    agent = replace(
        default_agent(load(env_file=None)),
        instructions="Serve {{name}}.",
        apology="Sorry, {{name}}.",
        transcription_keywords=("{{name}}", "{{shop}}"),
        prompt=StoredPrompt(id="pmpt_1", variables={"customer": "{{name}}"}),
    )

    served = agent.with_texts(lambda text: text.replace("{{name}}", "Ann").replace("{{shop}}", ""))

    assert (served.instructions, served.apology) == ("Serve Ann.", "Sorry, {{name}}.")
    assert served.transcription_keywords == ("Ann",)  # An empty one is no word.
    assert served.prompt is not None
    assert served.prompt.variables == {"customer": "Ann"}
    assert agent.texts["prompt.variables.customer"] == agent.texts["transcription_keywords.0"] == "{{name}}"


def test_words_that_stand_elsewhere_cannot_be_repeated() -> None:
    """Those of a stored prompt, unless the agent has its own beside it."""
    stored = replace(default_agent(load(env_file=None)), prompt=StoredPrompt(id="pmpt_1"))

    assert replace(stored, instructions="").is_stored
    assert not stored.is_stored
