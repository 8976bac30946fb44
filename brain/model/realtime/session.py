"""What the Realtime server is told of an agent: the `session` objects of `session.update`.

Why it exists: defaults differ between models and change with time, so that every value that is relied on is
said. Owns: those objects, and which of them can follow one another in one session. Pure. Must not know: the
socket, when a session is told.

Source: the provider's reference of `session.update` and its SDK's types (openai.types.realtime). An update is
all or nothing: a key that the model does not have costs the whole session. So what an agent does not say is
not told.
"""

from __future__ import annotations

from typing import Final, cast

from brain.agents.agent import TOOL_MODES, Agent, Truncation
from brain.json_fields import Json

MU_LAW = "audio/pcmu"
"""G.711 µ-law, 8 kHz: what Twilio speaks, so nothing is ever resampled."""

CUSTOM_VOICE = "voice_"
"""How the id of a voice begins that was made from somebody's own."""

_AGAIN: Final[Json] = {"truncation": "auto", "parallel_tool_calls": True, "prompt": None}
"""What a session is told that was told more before: the server's documented defaults."""


def session_config(agent: Agent, tools: list[Json], *, answering: bool = True, call: str = "") -> Json:
    """The `session` of the first `session.update`, with every value that we rely on.

    `answering` False: it is told a past first, and must not answer turns before that (answering_session).
    `call`: the call's id, under which a trace is kept where the agent wants one.
    """
    config: Json = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "format": {"type": MU_LAW},
                "noise_reduction": _noise_reduction(agent),
                "transcription": _transcription(agent),
                "turn_detection": _turn_detection(agent, by_itself=answering),
            },
            "output": _output(agent),
        },
        "tools": list(tools),
        "tool_choice": _tool_choice(agent),
        "max_output_tokens": agent.max_output_tokens or "inf",
    }
    if agent.instructions or agent.prompt is None:  # They would take the place of the prompt's own.
        config["instructions"] = agent.instructions
    return config | _optional(agent, call)


def change_of(before: Json, after: Json, *, has_spoken: bool) -> Json | None:
    """The `session` of an update that brings a session from one configuration to another; both are whole, as
    `session_config` makes them. None: no update is known to do that, and it needs another session."""
    change = dict(after)
    if "tracing" in before and before["tracing"] != change.pop("tracing", None):
        return None  # It cannot be changed once it is on.
    heard_before, heard = _direction(before, "input"), _direction(after, "input")
    if any(_loses(heard_before[part], heard[part]) for part in ("transcription", "turn_detection")):
        return None  # Whether an object keeps what a new one leaves out is not documented.
    if _loses(before, after, ("reasoning", "instructions")):
        return None  # Nobody says what it would be then.
    spoken_before, spoken = _direction(before, "output"), _direction(after, "output")
    if has_spoken and spoken_before["voice"] != spoken["voice"]:
        return None
    if "speed" in spoken_before:
        spoken = {"speed": 1.0, **spoken}
    if _loses(heard_before["noise_reduction"], heard["noise_reduction"]):
        heard = {**heard, "noise_reduction": {**cast(Json, heard["noise_reduction"]), "strength": 1.0}}
    change["audio"] = {"input": heard, "output": spoken}
    return {**{name: value for name, value in _AGAIN.items() if name in before}, **change}


def answering_session(agent: Agent) -> Json:
    """The `session` of the update after a seed: from now on turns are answered as the agent says."""
    return _with_turn_detection(agent, by_itself=True)


def silenced_session(agent: Agent) -> Json:
    """The `session` of the update that ends the server's own responses (hang-up pending)."""
    return _with_turn_detection(agent, by_itself=False)


# Private.


def _optional(agent: Agent, call: str) -> Json:
    """What is told only where an agent says it."""
    found: Json = {}
    if agent.reasoning_effort:
        found["reasoning"] = {"effort": agent.reasoning_effort}
    if agent.parallel_tool_calls is not None:
        found["parallel_tool_calls"] = agent.parallel_tool_calls
    if agent.truncation.kind:
        found["truncation"] = _truncation(agent.truncation)
    if agent.prompt is not None:
        prompt: Json = {"id": agent.prompt.id}
        if agent.prompt.version:
            prompt["version"] = agent.prompt.version
        if agent.prompt.variables:
            prompt["variables"] = dict(agent.prompt.variables)
        found["prompt"] = prompt
    if agent.tracing:
        found["tracing"] = {
            "workflow_name": agent.tracing_workflow or agent.name,
            "group_id": call,
            "metadata": {"call": call},
        }
    return found


def _truncation(truncation: Truncation) -> Json | str:
    if truncation.kind != "retention_ratio":
        return truncation.kind
    found: Json = {"type": "retention_ratio", "retention_ratio": truncation.retention_ratio}
    if truncation.post_instructions_tokens:
        found["token_limits"] = {"post_instructions": truncation.post_instructions_tokens}
    return found


def _tool_choice(agent: Agent) -> Json | str:
    chosen = agent.tool_choice
    if chosen in TOOL_MODES:
        return chosen
    if chosen in agent.tools:
        return {"type": "function", "name": chosen}
    return {"type": "mcp", "server_label": chosen}


def _output(agent: Agent) -> Json:
    voice: object = {"id": agent.voice} if agent.voice.startswith(CUSTOM_VOICE) else agent.voice
    output: Json = {"format": {"type": MU_LAW}, "voice": voice}
    if agent.speed != 1.0:
        output["speed"] = agent.speed
    return output


def _noise_reduction(agent: Agent) -> Json | None:
    if not agent.noise_reduction:
        return None
    found: Json = {"type": agent.noise_reduction}
    if agent.noise_reduction_strength is not None:
        found["strength"] = agent.noise_reduction_strength
    return found


def _transcription(agent: Agent) -> Json | None:
    if not agent.transcription_model:
        return None
    found: Json = {"model": agent.transcription_model}
    language = agent.language.partition("-")[0]  # The server takes no tag with a country in it.
    if agent.transcription_languages:
        found["languages"] = list(agent.transcription_languages)
    elif language:
        found["language"] = language
    if agent.transcription_prompt:
        found["prompt"] = agent.transcription_prompt
    if agent.transcription_keywords:
        found["keywords"] = list(agent.transcription_keywords)
    if agent.transcription_delay:
        found["delay"] = agent.transcription_delay
    return found


def _with_turn_detection(agent: Agent, *, by_itself: bool) -> Json:
    detection = _turn_detection(agent, by_itself=by_itself)
    return {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}


def _turn_detection(agent: Agent, *, by_itself: bool) -> Json:
    """The whole detector, always: a partial object is not promised to keep its other values. `by_itself`:
    whether the server may do anything of its own, where the agent lets it."""
    detection = agent.turn_detection
    answers: Json = {
        "create_response": by_itself and agent.answers_turns == "server",
        "interrupt_response": by_itself and agent.server_interrupts,
    }
    if detection.kind == "semantic_vad":
        return {"type": "semantic_vad", "eagerness": detection.eagerness, **answers}
    found: Json = {
        "type": "server_vad",
        "threshold": detection.threshold,
        "prefix_padding_ms": detection.prefix_ms,
        "silence_duration_ms": detection.silence_ms,
        **answers,
    }
    if detection.idle_timeout_ms:
        found["idle_timeout_ms"] = detection.idle_timeout_ms
    return found


def _direction(config: Json, name: str) -> Json:
    return cast(Json, cast(Json, config["audio"])[name])


def _loses(before: object, after: object, names: tuple[str, ...] = ()) -> bool:
    """Whether an object has keys that the next one of the same kind has not; `names`: those that count."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False  # It is switched off, or on.
    if before.get("type") != after.get("type"):
        return False  # Another kind begins from its own defaults.
    return any(name not in after for name in before if not names or name in names)
