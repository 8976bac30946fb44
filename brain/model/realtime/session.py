"""What the Realtime server is told of an agent: the `session` objects of `session.update`.

Why it exists: defaults differ between models and change with time, so that every value that is relied on is
said. Owns: those objects. Pure. Must not know: the socket, when a session is told.
"""

from __future__ import annotations

from brain.agents.agent import Agent
from brain.json_fields import Json

MU_LAW = "audio/pcmu"
"""G.711 µ-law, 8 kHz: what Twilio speaks, so nothing is ever resampled."""


def session_config(agent: Agent, tools: list[Json], *, answering: bool = True) -> Json:
    """The `session` of the first `session.update`, with every value that we rely on.

    `answering` False: it is told a past first, and must not answer turns before that (answering_session).
    """
    transcription: Json | None = None
    if agent.transcription_model:
        transcription = {"model": agent.transcription_model}
        language = agent.language.partition("-")[0]  # The server takes no tag with a country in it.
        if language:
            transcription["language"] = language
    output: Json = {"format": {"type": MU_LAW}, "voice": agent.voice}
    if agent.speed != 1.0:
        output["speed"] = agent.speed
    return {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": agent.instructions,
        "audio": {
            "input": {
                "format": {"type": MU_LAW},
                "noise_reduction": {"type": agent.noise_reduction} if agent.noise_reduction else None,
                "transcription": transcription,
                "turn_detection": _turn_detection(agent, answering and agent.answers_turns == "server"),
            },
            "output": output,
        },
        "tools": list(tools),
        "tool_choice": "auto",
        "max_output_tokens": agent.max_output_tokens or "inf",
    }


def answering_session(agent: Agent) -> Json:
    """The `session` of the update after a seed: from now on turns are answered as the agent says."""
    return _with_turn_detection(agent, agent.answers_turns == "server")


def silenced_session(agent: Agent) -> Json:
    """The `session` of the update that ends the server's own responses (hang-up pending)."""
    return _with_turn_detection(agent, by_server=False)


# Private.


def _with_turn_detection(agent: Agent, by_server: bool) -> Json:
    return {"type": "realtime", "audio": {"input": {"turn_detection": _turn_detection(agent, by_server)}}}


def _turn_detection(agent: Agent, by_server: bool) -> Json:
    """The whole detector, always: a partial object is not promised to keep its other values."""
    detection = agent.turn_detection
    interrupts = by_server and agent.server_interrupts
    answers: Json = {"create_response": by_server, "interrupt_response": interrupts}
    if detection.kind == "semantic_vad":
        return {"type": "semantic_vad", "eagerness": detection.eagerness, **answers}
    return {
        "type": "server_vad",
        "threshold": detection.threshold,
        "prefix_padding_ms": detection.prefix_ms,
        "silence_duration_ms": detection.silence_ms,
        **answers,
    }
