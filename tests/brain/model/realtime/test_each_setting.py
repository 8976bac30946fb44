"""An agent for each setting of a session: from the file to what a strict server has in effect, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain.agents.book import AgentBook
from brain.agents.file import AgentTable
from brain.counters import BrainCounters
from brain.model.engine import Opening
from brain.model.probe import check_agents, make_client
from brain.model.realtime.socket import RealtimeEngine
from shared.logs.log import get_log
from shared.settings import Settings, load
from simulators.realtime import RealtimeSimulator
from simulators.realtime.record import SessionRecord

DETECTION = "audio.input.turn_detection"
HEARS = "audio.input.transcription"
TRANSCRIBES = 'transcription_model = "gpt-transcribe"\n'

SETTINGS: list[tuple[str, str, object]] = [
    ('instructions = "Be brief."', "instructions", "Be brief."),
    ('voice = "cedar"', "audio.output.voice", "cedar"),
    ('voice = "voice_1234"', "audio.output.voice", {"id": "voice_1234"}),
    ("speed = 1.2", "audio.output.speed", 1.2),
    ("max_output_tokens = 900", "max_output_tokens", 900),
    ('reasoning_effort = "high"', "reasoning", {"effort": "high"}),
    ("parallel_tool_calls = false", "parallel_tool_calls", False),
    ('tools = ["hold"]', "tools.0.name", "hold"),
    ('tool_choice = "required"', "tool_choice", "required"),
    ('tool_choice = "end_call"', "tool_choice", {"type": "function", "name": "end_call"}),
    ('prompt = { id = "pmpt_1" }', "prompt", {"id": "pmpt_1"}),
    ('prompt = { id = "pmpt_1", version = "2", variables = { city = "Rome" } }', "prompt",
     {"id": "pmpt_1", "version": "2", "variables": {"city": "Rome"}}),
    ('truncation = { kind = "disabled" }', "truncation", "disabled"),
    ('truncation = { kind = "retention_ratio", retention_ratio = 0.6, post_instructions_tokens = 8000 }',
     "truncation",
     {"type": "retention_ratio", "retention_ratio": 0.6, "token_limits": {"post_instructions": 8000}}),
    ("tracing = true", "tracing.workflow_name", "a"),
    ('tracing = true\ntracing_workflow = "desk"', "tracing.workflow_name", "desk"),
    ('language = "he-IL"', f"{HEARS}.language", "he"),
    ('language = ""', f"{HEARS}.language", None),
    ('transcription_model = ""', HEARS, None),
    ('transcription_delay = "low"', f"{HEARS}.delay", "low"),
    (TRANSCRIBES + 'transcription_prompt = "bicycles"', f"{HEARS}.prompt", "bicycles"),
    (TRANSCRIBES + 'transcription_keywords = ["Trunkline"]', f"{HEARS}.keywords", ["Trunkline"]),
    (TRANSCRIBES + 'transcription_languages = ["en", "he"]', f"{HEARS}.languages", ["en", "he"]),
    ('noise_reduction = "far_field"', "audio.input.noise_reduction", {"type": "far_field"}),
    ('noise_reduction = "near_field"\nnoise_reduction_strength = 0.5', "audio.input.noise_reduction",
     {"type": "near_field", "strength": 0.5}),
    ("turn_detection = { threshold = 0.7 }", f"{DETECTION}.threshold", 0.7),
    ("turn_detection = { silence_ms = 900 }", f"{DETECTION}.silence_duration_ms", 900),
    ("turn_detection = { prefix_ms = 100 }", f"{DETECTION}.prefix_padding_ms", 100),
    ("turn_detection = { idle_timeout_ms = 6000 }", f"{DETECTION}.idle_timeout_ms", 6000),
    ('turn_detection = { kind = "semantic_vad", eagerness = "low" }', f"{DETECTION}.eagerness", "low"),
    ('answers_turns = "brain"', f"{DETECTION}.create_response", False),
    ('interrupts = "brain"', f"{DETECTION}.interrupt_response", False),
]  # fmt: skip
"""A line of the file, where it stands in a session, what stands there."""

ANOTHER_SESSION = {
    'language = ""',
    TRANSCRIBES + 'transcription_languages = ["en", "he"]',
    'prompt = { id = "pmpt_1" }',
    'prompt = { id = "pmpt_1", version = "2", variables = { city = "Rome" } }',
}
"""Agents that the session of the static one cannot become: nobody says what a server makes of what is left
out."""

IN_A_HEADER = {"model", "headers", "headers_env", "safety_identifier_env"}
NOT_OF_A_SESSION = {
    "numbers", "greeting", "apology", "busy_message", "twilio_voice", "mcp", "approves_mcp", "destinations",
    "limits", "greeting_interruptible", "dtmf_barge_in", "idle_prompt", "idle_farewell", "cap_farewell",
    "fallback_number", "variables", "hand_over_to", "interruption", "confirm", "notices", "tool_sound",
    "hold_music", "recording",
}  # fmt: skip
"""Keys of an agent that its provider is not told as such. (What MCP servers are told: tests of the book.)"""


def settings(model: RealtimeSimulator) -> Settings:
    return load(env_file=None, openai_api_key="sk-test", openai_base_url=model.base_url)


def book(folder: Path, text: str) -> AgentBook:
    """Of a file with this one agent, `a`."""
    path = folder / "agents.toml"
    path.write_text(f"[agents.a]\n{text}\n", "utf-8")
    return AgentBook(load(env_file=None, agents_file=str(path)), get_log(), {})


def at(session: object, path: str) -> object:
    """What stands at a dotted path; None where nothing does."""
    for key in path.split("."):
        if isinstance(session, list):
            session = session[int(key)]
        elif isinstance(session, dict):
            session = session.get(key)
        else:
            return None
    return session


def effective(record: SessionRecord) -> dict[str, object]:
    """What its server has in effect, but for what differs between any two."""
    found = record.sent_of("session.updated")[-1]["session"]
    assert isinstance(found, dict)
    return {name: value for name, value in found.items() if name not in ("id", "expires_at")}


@pytest.mark.parametrize(("line", "path", "expected"), SETTINGS, ids=[line for line, _, _ in SETTINGS])
async def test_a_setting_is_in_effect(tmp_path: Path, line: str, path: str, expected: object) -> None:
    """A server that refuses whatever the SDK's types do not know has taken it."""
    agents = book(tmp_path, line)
    agent = agents.pick("a", "")
    async with RealtimeSimulator() as model, make_client(settings(model)) as client:
        (found,) = await check_agents(client, [(agent, agents.toolbox(agent))])
        record = model.sessions[0]

    assert found.ok, found.reason
    assert record.violations == []
    assert at(effective(record), path) == expected


@pytest.mark.parametrize("line", [line for line, _, _ in SETTINGS])
async def test_a_session_becomes_that_of_another_agent_or_says_that_it_cannot(
    tmp_path: Path, line: str
) -> None:
    """Whatever differs between two agents, there and back: after an update a session is as one that was
    opened so."""
    agents = book(tmp_path, line)
    static, other = agents.pick("default", ""), agents.pick("a", "")
    tools = {agent.name: tuple(agents.toolbox(agent).definitions()) for agent in (static, other)}
    async with RealtimeSimulator() as model, make_client(settings(model)) as client:
        engines: list[RealtimeEngine] = []
        for number, agent in enumerate((static, other, static, other)):
            opening = Opening(tools=tools[agent.name], tag=f"t{number}", seeded=False, headers={})
            engines.append(RealtimeEngine(client, agent, opening, BrainCounters()))
            await engines[-1].open()
        there = await engines[0].become(other, tools["a"])
        back = await engines[1].become(static, tools["default"])
        came, left, as_static, as_other = map(effective, model.sessions)
        for engine in engines:
            await engine.close()

    assert [record.violations for record in model.sessions] == [[], [], [], []]
    assert there is (line not in ANOTHER_SESSION)
    assert came == as_other if there else came == as_static
    assert left == as_static if back else left == as_other


def test_each_key_of_an_agent_is_tried_or_is_known_not_to_be() -> None:
    """A key that is added is to be seen in a session, or to be told here."""
    tried = {text.split(" ")[0] for line, _, _ in SETTINGS for text in line.split("\n")}
    assert tried | IN_A_HEADER | NOT_OF_A_SESSION == set(AgentTable.model_fields)


async def test_azure_is_asked_in_its_own_way(tmp_path: Path) -> None:
    """Its GA endpoint stands at another path, takes the key in a header of its own, and has deployments where
    others have models."""
    path = tmp_path / "agents.toml"
    path.write_text('[default]\nmodel = "our-deployment"\nheaders_env = { api-key = "AZURE_KEY" }\n', "utf-8")
    async with RealtimeSimulator(api_key="hunter2") as model:
        there = load(
            env_file=None, openai_api_key="unused", openai_base_url=model.azure_base_url,
            agents_file=str(path),
        )  # fmt: skip
        agents = AgentBook(there, get_log(), {"AZURE_KEY": "hunter2"})
        async with make_client(there) as client:
            agent = agents.pick("", "")
            (found,) = await check_agents(client, [(agent, agents.toolbox(agent))])
        record = model.sessions[0]

    assert found.ok, found.reason
    assert record.model == "our-deployment"
    assert "hunter2" not in str(record.headers) + str(found)
