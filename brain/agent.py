"""Who the model is on a call: instructions, voice, language, greeting; and the session built from it.

Owns: the agent and the `session` object of `session.update`. Pure. Must not know: the socket, the calls.
There is one agent, from the settings, until profiles by number exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from brain.events import Json
from shared.settings import Settings

MU_LAW = "audio/pcmu"
"""G.711 µ-law, 8 kHz: what Twilio speaks, so nothing is ever resampled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """One agent. Every text may be in any language."""

    model: str
    voice: str
    language: str
    instructions: str
    greeting: str
    """What the model is told to say first; empty = the caller speaks first."""
    transcription_model: str
    """Empty = the caller is not transcribed."""
    answers_turns: Literal["server", "brain"]
    vad_threshold: float
    vad_silence_ms: int
    vad_prefix_ms: int
    apology: str
    """Spoken by Twilio when the model cannot be had."""


def default_agent(settings: Settings) -> Agent:
    """The agent of every call."""
    return Agent(
        model=settings.model,
        voice=settings.voice,
        language=settings.language,
        instructions=settings.instructions,
        greeting=settings.greeting,
        transcription_model=settings.transcription_model,
        answers_turns=settings.answers_turns,
        vad_threshold=settings.vad_threshold,
        vad_silence_ms=settings.vad_silence_ms,
        vad_prefix_ms=settings.vad_prefix_ms,
        apology=settings.apology,
    )


def session_config(agent: Agent, tools: list[Json]) -> Json:
    """The `session` of the first `session.update`: every value that we rely on, said explicitly."""
    by_server = agent.answers_turns == "server"
    transcription: Json | None = None
    if agent.transcription_model:
        transcription = {"model": agent.transcription_model, "language": agent.language}
    return {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": agent.instructions,
        "audio": {
            "input": {
                "format": {"type": MU_LAW},
                "noise_reduction": None,
                "transcription": transcription,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": agent.vad_threshold,
                    "prefix_padding_ms": agent.vad_prefix_ms,
                    "silence_duration_ms": agent.vad_silence_ms,
                    "create_response": by_server,
                    "interrupt_response": by_server,
                },
            },
            "output": {"format": {"type": MU_LAW}, "voice": agent.voice},
        },
        "tools": list(tools),
        "tool_choice": "auto",
    }


def silenced_session(agent: Agent) -> Json:
    """The `session` of the update that ends the server's own responses (hang-up pending).

    The whole detector is named again: a partial object is not promised to keep its other values.
    """
    return {
        "type": "realtime",
        "audio": {
            "input": {
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": agent.vad_threshold,
                    "prefix_padding_ms": agent.vad_prefix_ms,
                    "silence_duration_ms": agent.vad_silence_ms,
                    "create_response": False,
                    "interrupt_response": False,
                }
            }
        },
    }
