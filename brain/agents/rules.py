"""What one key of an agent says of another: a session that the provider would refuse, a name that nobody has.

Why it exists: a value may be right by itself and wrong beside another, which may stand in `[default]` or in
the settings; so the whole agent is judged, as it would answer. Owns: these rules, which models take what.
Pure. Must not know: the file, what the provider says (`agents check --live` asks it).

Which model takes which key: the provider's reference of `session.update`. A model that is not named here may
be a deployment's own name: nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from brain.agents import interruption
from brain.agents.agent import TOOL_MODES, Agent
from brain.tools.builtin import PAUSE
from brain.variables import OF_THE_CALL, names_in
from shared.contract.speech import DEFAULT

WORDY = ("gpt-transcribe", "gpt-live-transcribe")
"""Transcription models that take keywords and several languages."""

DELAYED = ("gpt-realtime-whisper",)
"""Those that take a delay, and no prompt."""

TRANSCRIBERS = ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", *WORDY, *DELAYED)

UNREASONING = ("gpt-realtime-1.5", "gpt-realtime-mini", "gpt-realtime-2025", "gpt-4o-")
"""How models begin that refuse a session with a key of reasoning models; gpt-realtime itself is one."""

Problem = tuple[str, str]
"""A key, and what is wrong with it."""


def problems_of(agents: Mapping[str, Agent]) -> list[str]:
    """A line for each problem. What an agent has from `[default]` is told there."""
    inherited = set(_problems(agents[DEFAULT], agents))
    found = []
    for name, agent in agents.items():
        path = DEFAULT if name == DEFAULT else f"agents.{name}"
        for problem in _problems(agent, agents):
            if name == DEFAULT or problem not in inherited:
                found.append(f"{path}.{problem[0]}: {problem[1]}.")
    return found


def unset(agent: Agent, tools: Mapping[str, str]) -> dict[str, list[str]]:
    """Variables that texts of the agent and of its tools ask for, and that it has no value for by itself:
    where each is asked for. `tools`: texts by their keys in the file."""
    found: dict[str, list[str]] = {}
    for texts, known in ((agent.texts, set(agent.variables)), (tools, {*agent.variables, *OF_THE_CALL})):
        for key, text in texts.items():
            for name in names_in(text):
                if name not in known:
                    found.setdefault(name, []).append(key)
    return found


# Private.


def _problems(agent: Agent, agents: Mapping[str, Agent]) -> Iterator[Problem]:
    yield from _transcription(agent)
    yield from _reasoning(agent)
    yield from _choice(agent)
    yield from _hand_over(agent, agents)
    yield from _recording(agent)
    yield from interruption.problems(agent)
    if agent.turn_detection.kind == "semantic_vad" and agent.turn_detection.idle_timeout_ms:
        yield "turn_detection.idle_timeout_ms", "is for server_vad, and this one is semantic_vad: remove it"
    if agent.noise_reduction_strength is not None and not agent.noise_reduction:
        yield "noise_reduction_strength", "there is no noise_reduction: choose one, or remove this key"
    if agent.truncation.post_instructions_tokens and agent.truncation.kind != "retention_ratio":
        yield "truncation.post_instructions_tokens", 'is for kind = "retention_ratio": say so, or remove it'


def _transcription(agent: Agent) -> Iterator[Problem]:
    model = agent.transcription_model
    keys: dict[str, tuple[object, Callable[[str], bool], str]] = {
        "transcription_prompt": (agent.transcription_prompt, lambda m: not m.startswith(DELAYED), WORDY[0]),
        "transcription_keywords": (agent.transcription_keywords, lambda m: m.startswith(WORDY), WORDY[0]),
        "transcription_languages": (agent.transcription_languages, lambda m: m.startswith(WORDY), WORDY[0]),
        "transcription_delay": (agent.transcription_delay, lambda m: m.startswith(DELAYED), DELAYED[0]),
    }
    for key, (value, takes, better) in keys.items():
        if not value:
            continue
        if not model:
            yield key, "there is no transcription_model: choose one, or remove this key"
        elif model.startswith(TRANSCRIBERS) and not takes(model):
            yield key, f"{model} does not take it: choose a transcription_model such as {better}"


def _reasoning(agent: Agent) -> Iterator[Problem]:
    if agent.model != "gpt-realtime" and not agent.model.startswith(UNREASONING):
        return
    for key, value in (
        ("reasoning_effort", agent.reasoning_effort or None),
        ("parallel_tool_calls", agent.parallel_tool_calls),
    ):
        if value is not None:
            yield key, f"{agent.model} does not reason, and would refuse the session: remove it"


def _choice(agent: Agent) -> Iterator[Problem]:
    chosen = agent.tool_choice
    servers = {str(server.get("server_label", "")) for server in agent.mcp}
    if chosen in TOOL_MODES:
        if chosen == "required" and not agent.tools and not servers:
            yield "tool_choice", "requires a tool, and there is none: add tools, or remove it"
    elif chosen not in agent.tools and chosen not in servers:
        known = ", ".join(sorted({*TOOL_MODES, *agent.tools, *servers}))
        yield "tool_choice", f"there is no tool {chosen!r} here. Known are: {known}"


def _hand_over(agent: Agent, agents: Mapping[str, Agent]) -> Iterator[Problem]:
    for name in agent.hand_over_to:
        if name not in agents:
            yield "hand_over_to", f"there is no agent {name!r}. Known are: {', '.join(sorted(agents))}"
    if "hand_over" in agent.tools and not agent.hand_over_to:
        example = 'hand_over_to = { sales = "Orders and prices." }'
        yield "hand_over_to", f"expected another agent, since tools has hand_over: write {example}"


def _recording(agent: Agent) -> Iterator[Problem]:
    recording = agent.recording
    if recording.record and recording.announcement is None and recording.announced == "by_us":
        example = 'announcement = { file = "recorded.wav", text = "This call is recorded." }'
        yield (
            "recording.announcement",
            f"expected a recording that tells the caller, since record is true: write {example}; or"
            ' announced = "elsewhere", if they know before they reach us',
        )
    if recording.announcement is not None and recording.announced == "elsewhere":
        yield "recording.announced", "is elsewhere, and there is an announcement: remove one of them"
    if PAUSE in agent.tools and not recording.record:
        yield "recording.record", f"expected true, since tools has {PAUSE}: say so, or remove the tool"
