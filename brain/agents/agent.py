"""Who the model is on a call: instructions, voice, language, greeting, tools, limits.

Why it exists: an agent is chosen once, by the called number, and everything of a call that differs between
agents stands in it. Owns: the agent, and the one of the settings alone. Pure. Must not know: how a model is
told of it (brain.model), the calls, the file that agents are written in (brain.agents.file).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import orjson

from brain.json_fields import Json
from brain.sound.kinds import Loop, Notice
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnDetection:
    """How the server finds the end of a turn. `eagerness` is for semantic_vad, the figures for server_vad."""

    kind: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: float = 0.5
    silence_ms: int = 500
    prefix_ms: int = 300
    idle_timeout_ms: int = 0
    """After so long a silence the server speaks by itself; 0 = never."""
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirm:
    """How long a voice may be taken for noise, where `interruption` is confirm."""

    wait_ms: int = 2000
    """By then it is decided; until then nothing is said."""
    min_ms: int = 250
    """A voice that is heard for less is noise."""
    backchannels: tuple[str, ...] | None = None
    """What a caller says who only listens; None: the words of their language (brain.agents.interruption)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPrompt:
    """Instructions that stand at the model's provider. `variables` are filled in there."""

    id: str
    version: str = ""
    """Empty: the newest."""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Truncation:
    """What the server forgets of a conversation that grows too long. The figures are for retention_ratio."""

    kind: Literal["", "auto", "disabled", "retention_ratio"] = ""
    """Empty: nothing is said, and the provider does as it likes."""
    retention_ratio: float = 0.8
    """How much of the most that it may know stays."""
    post_instructions_tokens: int = 0
    """The most that it may know beside its instructions and tools; 0 = as much as the model can."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What may not go on for ever. 0 = no limit, but for `tool_s`."""

    hard_cap_s: float = 3600.0
    idle_prompt_s: float = 10.0
    idle_prompts: int = 2
    hold_max_s: float = 300.0
    tool_s: float = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """Whether both sides of its calls are recorded."""

    record: bool = False
    announcement: Notice | None = None
    """What the caller hears before: played by us, and never cut. None: they were told before they came."""
    announced: Literal["by_us", "elsewhere"] = "by_us"


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
    interruption: Literal["at_once", "confirm"] = "at_once"
    """What a voice over the reply does: it cuts it, or stops it until it is known to be speech."""
    confirm: Confirm = field(default_factory=Confirm)
    interrupts: Literal["", "server", "brain"] = ""
    """Who cancels a response that the caller speaks over; empty: whoever answers turns."""
    notices: tuple[Notice, ...] = ()
    """What is said word for word before the greeting, in this order."""
    recording: Recorded = field(default_factory=Recorded)
    tool_sound: Loop | None = None
    """What the caller hears while a tool works."""
    hold_music: Loop | None = None
    """What they hear in a moment that they have asked for."""
    idle_prompt: str = ""
    """What the model is told to say to a silent caller."""
    idle_farewell: str = ""
    cap_farewell: str = ""
    fallback_number: str = ""
    """Dialled after the apology; empty: the call ends."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What stands for `{{name}}` in the texts where nobody says it of the call."""
    hand_over_to: Mapping[str, str] = field(default_factory=dict)
    """Agents that may go on with the caller: name → what for, as the model is told."""

    # What of a session is the provider's; empty: nothing is said of it, and the provider does as it likes.
    reasoning_effort: Literal["", "minimal", "low", "medium", "high", "xhigh"] = ""
    parallel_tool_calls: bool | None = None
    tool_choice: str = "auto"
    """auto, none, required, or the name of a tool or an MCP server of the agent's."""
    prompt: StoredPrompt | None = None
    truncation: Truncation = field(default_factory=Truncation)
    transcription_prompt: str = ""
    transcription_keywords: tuple[str, ...] = ()
    transcription_languages: tuple[str, ...] = ()
    """Those that the caller may speak; they take the place of `language`."""
    transcription_delay: Literal["", "minimal", "low", "medium", "high", "xhigh"] = ""
    noise_reduction_strength: float | None = None
    tracing: bool = False
    """Whether the provider keeps a trace of the session, under the id of the call."""
    tracing_workflow: str = ""
    """Its name there; empty: the agent's."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of the connection, with their secrets."""
    safety_key: str = field(default="", repr=False)
    """What the caller's number is hashed with, so that the provider knows a caller again without it; empty:
    it is not told."""

    @property
    def connection(self) -> tuple[str, dict[str, str], str]:
        """What cannot be changed while a session is open."""
        return self.model, dict(self.headers), self.safety_key

    @property
    def said_first(self) -> tuple[Notice, ...]:
        """All recordings that are said before the greeting, that of a recorded call before all others."""
        announcement = self.recording.announcement if self.recording.record else None
        return self.notices if announcement is None else (announcement, *self.notices)

    @property
    def is_stored(self) -> bool:
        """Whether its words stand at the provider: they cannot be repeated beside what is wanted once."""
        return self.prompt is not None and not self.instructions

    @property
    def texts(self) -> dict[str, str]:
        """Those in which variables are filled in, by their keys in the file."""
        found = {name: str(getattr(self, name)) for name in _TEXTS}
        found |= {f"transcription_keywords.{n}": each for n, each in enumerate(self.transcription_keywords)}
        if self.prompt is not None:
            found |= {f"prompt.variables.{name}": each for name, each in self.prompt.variables.items()}
        return found

    def with_texts(self, fill: Callable[[str], str]) -> Agent:
        """The same agent, with each of these texts as `fill` returns it."""
        filled: dict[str, Any] = {name: fill(getattr(self, name)) for name in _TEXTS}
        filled["transcription_keywords"] = tuple(filter(None, map(fill, self.transcription_keywords)))
        if self.prompt is not None:
            variables = {name: fill(each) for name, each in self.prompt.variables.items()}
            filled["prompt"] = replace(self.prompt, variables=variables)
        return replace(self, **filled)

    @property
    def server_interrupts(self) -> bool:
        """Whether the model's server is to cut a response by itself that the caller speaks over. It would cut
        what must be heard, and a reply that noise is to leave alone: then every cut is ours."""
        must_be_heard = (self.greeting and not self.greeting_interruptible) or any(
            not notice.interruptible for notice in self.said_first
        )
        if self.interruption == "confirm" or must_be_heard:
            return False
        return (self.interrupts or self.answers_turns) == "server"

    def snapshot(self) -> str:
        """The profile for the card, as JSON, without secrets, sounds and the long instructions.
        Of the agent as its file has it: what is known of a caller stands in a field of its own."""
        shown = asdict(self)
        shown["mcp"] = [str(server.get("server_label", "")) for server in self.mcp]
        shown["instructions"] = f"{len(self.instructions)} characters"
        shown["headers"], shown["safety_key"] = sorted(self.headers), bool(self.safety_key)
        shown["notices"] = [notice.file for notice in self.notices]
        announcement = self.recording.announcement
        shown["recording"]["announcement"] = "" if announcement is None else announcement.file
        for name, loop in (("tool_sound", self.tool_sound), ("hold_music", self.hold_music)):
            shown[name] = "" if loop is None else loop.file
        return orjson.dumps(shown).decode()


TOOL_MODES = frozenset({"auto", "none", "required"})
"""Of `tool_choice`; any other word is the name of a tool, or of a server of tools."""

_TEXTS = (
    "instructions", "greeting", "idle_prompt", "idle_farewell", "cap_farewell", "transcription_prompt",
)  # fmt: skip

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
