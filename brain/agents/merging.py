"""One agent out of its table, `[default]` and the settings.

Why it exists: what a table leaves out comes from elsewhere, and a few keys belong together: whoever says one
of them has said the other too. Owns: these rules. Pure. Must not know: the file, where a secret stands (it is
asked for).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from brain.agents.agent import Agent, StoredPrompt
from brain.agents.file import AgentTable
from brain.agents.keys import PromptTable
from brain.json_fields import Json

Secret = Callable[[str, str], str]
"""The secret in an environment variable, for a key of the file. Raises AgentsFileError."""

OWN_WAY = frozenset(
    {
        "numbers", "turn_detection", "limits", "tools", "mcp", "destinations", "prompt", "truncation",
        "transcription_keywords", "transcription_languages", "headers", "headers_env",
        "safety_identifier_env", "variables", "confirm", "notices", "tool_sound", "hold_music",
        "recording",
    }
)  # fmt: skip
"""Keys that an agent has in another shape than the file."""


def merged(
    base: Agent, table: AgentTable, servers: Mapping[str, Json], secret: Secret, path: str = ""
) -> Agent:
    """`base` with everything that the table says. `path`: of the table, for what a secret's error names.
    Raises AgentsFileError."""
    said: dict[str, Any] = table.model_dump(exclude_none=True, exclude=set(OWN_WAY))
    if table.language is not None and table.language != base.language:
        base = _with_tongue(base, has_own_words=table.apology is not None or table.busy_message is not None)
    said |= _of_the_interruption(base, table)
    said |= _of_the_session(base, table)
    said |= _of_the_connection(table, secret, path)
    detection = table.turn_detection.model_dump(exclude_none=True)
    limits = table.limits.model_dump(exclude_none=True)
    return replace(
        base,
        turn_detection=replace(base.turn_detection, **detection) if detection else base.turn_detection,
        limits=replace(base.limits, **limits) if limits else base.limits,
        tools=base.tools if table.tools is None else tuple(dict.fromkeys(table.tools)),
        mcp=base.mcp if table.mcp is None else tuple(servers[name] for name in table.mcp),
        destinations=base.destinations if table.destinations is None else dict(table.destinations),
        variables={**base.variables, **(table.variables or {})},
        **said,
    )


# Private.


def _of_the_interruption(base: Agent, table: AgentTable) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if table.interruption == "confirm":
        # It is ours to say what a voice does, unless the table itself says otherwise, which is then told.
        said |= {"answers_turns": table.answers_turns or "brain", "interrupts": table.interrupts or "brain"}
    confirm = table.confirm.model_dump(exclude_none=True)
    if table.confirm.backchannels is not None:
        confirm["backchannels"] = tuple(table.confirm.backchannels)
    if confirm:
        said["confirm"] = replace(base.confirm, **confirm)
    return said


def _of_the_session(base: Agent, table: AgentTable) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if table.prompt is not None:
        said["prompt"] = _prompt(table.prompt)
        if table.instructions is None:
            # Its own words are those of the prompt: ours would take their place.
            said["instructions"] = "" if table.prompt.id else base.instructions
    elif table.instructions is not None:
        said["prompt"] = None
    truncation = table.truncation.model_dump(exclude_none=True)
    if truncation:
        said["truncation"] = replace(base.truncation, **truncation)
    if table.transcription_keywords is not None:
        said["transcription_keywords"] = tuple(table.transcription_keywords)
    if table.transcription_languages is not None:
        said["transcription_languages"] = tuple(table.transcription_languages)
    return said


def _prompt(table: PromptTable) -> StoredPrompt | None:
    if not table.id:
        return None
    return StoredPrompt(id=table.id, version=table.version or "", variables=dict(table.variables))


def _of_the_connection(table: AgentTable, secret: Secret, path: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if table.headers is not None or table.headers_env is not None:
        found = dict(table.headers or {})
        for name, variable in (table.headers_env or {}).items():
            found[name] = secret(variable, f"{path}headers_env.{name}")
        said["headers"] = found
    if table.safety_identifier_env is not None:
        said["safety_key"] = secret(table.safety_identifier_env, f"{path}safety_identifier_env")
    return said


def _with_tongue(base: Agent, *, has_own_words: bool) -> Agent:
    """For an agent of another language: its own words are read in that, inherited ones in the base's."""
    if has_own_words:
        return replace(base, twilio_voice="", twilio_language="")
    return replace(base, twilio_language=base.twilio_language or base.language)
