"""What is known of a call before it is greeted: what the user's system has answered, what its number carries.

Why it exists: an answer comes from outside, in any size and shape, and its words end in instructions, URLs
and headers. Owns: what it may say, its bounds, the form in which it stands on the card (the same one). Pure.
Must not know: how one is asked for, what becomes of it. docs/webhooks.md explains it to its writers.

All or nothing: an answer of which one part cannot be meant is no answer, and the call goes its usual way.
What is wrong is told without a value: that may be a person's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from pydantic import ValidationError

from brain.agents.file import LimitsTable
from brain.agents.keys import LANGUAGE, NAME
from brain.errors import AnswerError
from brain.json_fields import Json
from brain.variables import name_of, problem_of

MOST_BYTES = 64 * 1024
MOST_REFUSAL_CHARS = 1_000
"""Of the words to a caller who is not wanted: a minute of them."""

MOST_DIGITS = 40
"""Of a number that is a value: more are no amount and no order."""

_AGENT: Final = re.compile(NAME, re.ASCII)
_LANGUAGE: Final = re.compile(LANGUAGE, re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is known of a call."""

    agent: str = ""
    """Who is to answer; empty: nobody has said so."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str | None = None
    """Of the caller; None: the agent's."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Those that are not the agent's, by their keys in the agents file."""
    refusal: str = field(default="", repr=False)
    """Words to a caller who is not to be served; empty: they are."""

    def beside(self, parameters: Mapping[str, str]) -> Context:
        """The same, where its number carries parameters too: an answer says it better. Those that there is no
        room for, or that can be no variables, are left out."""
        found = dict(self.variables)
        for name, value in parameters.items():
            known = name_of(name)
            if known and known not in found and not problem_of({**found, known: value}):
                found[known] = value
        return Context(
            agent=self.agent,
            variables=found,
            language=self.language,
            limits=self.limits,
            refusal=self.refusal,
        )

    def dump(self) -> str:
        """For the card: an answer that says the same."""
        said: Json = {"variables": dict(self.variables), "limits": dict(self.limits)}
        for name, value in (("agent", self.agent), ("refuse", self.refusal)):
            if value:
                said[name] = value
        if self.language is not None:
            said["language"] = self.language
        return orjson.dumps(said).decode()


NOTHING: Final = Context()
"""Nobody has said anything: the call goes its usual way."""


def read_answer(body: bytes | str) -> Context:
    """What an answer says. An empty one says nothing. Raises AnswerError."""
    if len(body) > MOST_BYTES:
        raise AnswerError(f"expected at most {MOST_BYTES} bytes")
    if not body.strip():
        return NOTHING
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise AnswerError("expected JSON") from None
    if not isinstance(found, dict):
        raise AnswerError("expected a JSON object")
    return Context(
        agent=_matching(found, "agent", _AGENT, "the name of an agent"),
        variables=_variables(found.get("variables")),
        language=None if found.get("language") is None else _language(found),
        limits=_limits(found.get("limits")),
        refusal=_refusal(found),
    )


def known(written: str | None) -> Context | None:
    """What was found out of a call, as `dump` wrote it; None: nobody has found anything out. A hand may have
    written it: what cannot be meant says nothing."""
    if written is None:
        return None
    try:
        return read_answer(written)
    except AnswerError:
        return NOTHING


# Private.


def _matching(found: Json, name: str, form: re.Pattern[str], expected: str) -> str:
    value = found.get(name)
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or form.fullmatch(value) is None:
        raise AnswerError(f"{name}: expected {expected}")
    return value


def _language(found: Json) -> str:
    return _matching(found, "language", _LANGUAGE, "a language such as he or en-US")


def _refusal(found: Json) -> str:
    value = found.get("refuse")
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not value.strip() or len(value) > MOST_REFUSAL_CHARS:
        raise AnswerError(f"refuse: expected words for the caller, {MOST_REFUSAL_CHARS} characters at most")
    return value


def _variables(found: object) -> dict[str, str]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise AnswerError("variables: expected an object")
    values = {name: _text(value, number) for number, (name, value) in enumerate(found.items(), 1)}
    known = {name: value for name, value in values.items() if value is not None}
    problem = problem_of(known)
    if problem:
        raise AnswerError(problem)
    return known


def _text(value: object, number: int) -> str | None:
    """A value in words; None for one that is said not to be known."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            text = orjson.dumps(value).decode()
            if len(text) <= MOST_DIGITS and text != "null":  # Infinity has no other word.
                return text
        case _:
            pass
    raise AnswerError(f"variable {number}: expected a text, a number, true or false")


def _limits(found: object) -> dict[str, float]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise AnswerError("limits: expected an object")
    try:
        table = LimitsTable.model_validate(found)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        key = str(problem["loc"][0]) if problem["loc"] else ""
        where = f"limits.{key}" if key in LimitsTable.model_fields else "limits"
        expected = f"some of {', '.join(LimitsTable.model_fields)}, each within its bounds"
        raise AnswerError(f"{where}: expected {expected}") from None
    said: dict[str, float] = table.model_dump(exclude_none=True)
    return said
