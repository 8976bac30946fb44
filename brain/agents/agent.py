"""Who the model is on a call: instructions, voice, language, greeting, tools, limits.

Why it exists: an agent is chosen once, by the called number, and everything of a call that differs between
agents stands in it. Owns: the agent, and the one of the settings alone. Pure. Must not know: how a model is
told of it (brain.model), the calls, the file that agents are written in (brain.agents.file).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

import orjson

from brain.json_fields import Json
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnDetection:
    """How the server finds the end of a turn. `eagerness` is for semantic_vad, the figures for server_vad."""

    kind: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: float = 0.5
    silence_ms: int = 500
    prefix_ms: int = 300
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What may not go on for ever. 0 = no limit, but for `tool_s`."""

    hard_cap_s: float = 3600.0
    idle_prompt_s: float = 10.0
    idle_prompts: int = 2
    hold_max_s: float = 300.0
    tool_s: float = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """One agent. Every text may be in any language."""

    name: str
    model: str
    voice: str
    language: str
    """Of the caller, as ISO 639-1 writes it or a tag such as en-US; empty: not known."""
    instructions: str
    greeting: str
    """What the model is told to say first; empty = the caller speaks first."""
    transcription_model: str
    """Empty = the caller is not transcribed."""
    answers_turns: Literal["server", "brain"]
    turn_detection: TurnDetection
    apology: str
    """Spoken by Twilio when there is no session with the model."""
    busy_message: str
    """Spoken by Twilio when all lines are taken."""
    twilio_voice: str = ""
    """Twilio's name of the voice that speaks both; empty: one that speaks the language."""
    twilio_language: str = ""
    """The language of both; empty: the agent's own."""
    noise_reduction: Literal["", "near_field", "far_field"] = ""
    speed: float = 1.0
    max_output_tokens: int = 0
    """0 = no limit."""
    tools: tuple[str, ...] = ()
    mcp: tuple[Json, ...] = ()
    """MCP servers as they stand in `session.tools`, with their secrets."""
    approves_mcp: bool = False
    """The answer to an MCP server that asks before it runs a tool."""
    destinations: Mapping[str, str] = field(default_factory=dict)
    """Where the caller may be transferred to: name → number."""
    limits: Limits = field(default_factory=Limits)
    greeting_interruptible: bool = True
    """Whether the caller may cut the greeting short: not where it must be heard, such as a legal notice."""
    dtmf_barge_in: bool = True
    """Whether a pressed key interrupts what is being said."""
    idle_prompt: str = ""
    """What the model is told to say to a silent caller."""
    idle_farewell: str = ""
    cap_farewell: str = ""
    fallback_number: str = ""
    """Dialled after the apology; empty: the call ends."""

    @property
    def server_interrupts(self) -> bool:
        """Whether the model's server is to cut a response by itself that the caller speaks over. It would cut
        a greeting that must be heard as well: then every cut is ours."""
        return self.answers_turns == "server" and (self.greeting_interruptible or not self.greeting)

    def snapshot(self) -> str:
        """The profile for the card, as JSON, without secrets and without the long instructions."""
        shown = asdict(self)
        shown["mcp"] = [str(server.get("server_label", "")) for server in self.mcp]
        shown["instructions"] = f"{len(self.instructions)} characters"
        return orjson.dumps(shown).decode()


IDLE_PROMPT = "The caller has been silent. Ask in one short sentence whether they are still there."
IDLE_FAREWELL = "The caller has been silent for long. Say goodbye."
CAP_FAREWELL = "The longest time for a call is over. Say so, and say goodbye."


def default_agent(settings: Settings) -> Agent:
    """The agent of the settings alone: of every call without a profile, and the base of each profile."""
    return Agent(
        name="default",
        model=settings.model,
        voice=settings.voice,
        language=settings.language,
        instructions=settings.instructions,
        greeting=settings.greeting,
        transcription_model=settings.transcription_model,
        answers_turns=settings.answers_turns,
        turn_detection=TurnDetection(
            threshold=settings.vad_threshold,
            silence_ms=settings.vad_silence_ms,
            prefix_ms=settings.vad_prefix_ms,
        ),
        apology=settings.apology,
        busy_message=settings.busy_message,
        twilio_voice=settings.apology_voice,
        twilio_language=settings.apology_language,
        tools=("check_order", "end_call") if settings.demo_tools else ("end_call",),
        limits=Limits(
            hard_cap_s=settings.hard_cap_s,
            idle_prompt_s=settings.idle_prompt_s,
            idle_prompts=settings.idle_prompts,
            tool_s=settings.tool_timeout_s,
        ),
        idle_prompt=IDLE_PROMPT,
        idle_farewell=IDLE_FAREWELL,
        cap_farewell=CAP_FAREWELL,
        fallback_number=settings.fallback_number,
    )
