"""Who answers one call: an agent of the file, with what is known of the call filled in.

Why it exists: an agent of the file answers many calls; of this one a name is known, a language, how long it
may last. Owns: making the one of the other. Pure. Must not know: how anything got known, the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from brain.agents.agent import Agent
from brain.agents.book import AgentBook
from brain.incoming.answer import Context
from brain.json_fields import Json, text
from brain.tools.toolbox import Toolbox
from brain.variables import filled, names_in

WRITTEN = "description"
"""What of a tool's definition is a text for the model."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who answers a call now."""

    agent: Agent
    """As it answers this call."""
    base: Agent
    """As the file has it."""
    toolbox: Toolbox
    tools: tuple[Json, ...]
    """What the model is told of them."""
    variables: Mapping[str, str]
    context: Context

    @property
    def missing(self) -> int:
        """How many variables the agent's texts ask for that have no value: there they are empty."""
        return len(set(names_in(*self.base.texts.values())) - self.variables.keys())


def cast_of(book: AgentBook, asked_for: str, called: str, context: Context) -> Cast:
    """The agent that is asked for, else that of the called number, with what is known of the call. (Whom the
    context names counts once, when it comes: see `named`. Later another agent may have the call.)"""
    base = book.pick(asked_for, called)
    variables = {**base.variables, **context.variables}
    said: dict[str, Any] = {}
    if context.language is not None:
        # The one that is known is not to be guessed among several.
        said = {"language": context.language, "transcription_languages": ()}
    if context.limits:
        said["limits"] = replace(base.limits, **dict[str, Any](context.limits))
    agent = replace(base.with_texts(partial(filled, values=variables)), **said)
    toolbox = book.toolbox(base).within(agent.limits.tool_s)
    tools = tuple(_filled(each, variables) for each in toolbox.definitions())
    return Cast(agent, base, toolbox, tools, variables, context)


def named(book: AgentBook, asked_for: str, context: Context) -> str:
    """Who is asked for, now that the context is known. A name that no agent has is as none."""
    return context.agent if book.has(context.agent) else asked_for


# Private.


def _filled(definition: Json, variables: Mapping[str, str]) -> Json:
    written = text(definition, WRITTEN)
    if not names_in(written):
        return definition
    return {**definition, WRITTEN: filled(written, variables)}
