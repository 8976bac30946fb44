"""Python functions as the model's tools.

Owns: the decorator, the JSON schema from the signature, checking the arguments, the time limit, and what
the model is told when something goes wrong. Must not know: the session, the call, Redis. A tool that
wants something of the call returns a value that says so (`EndCall`).

A tool never runs in the task that reads the model's socket: an async one is a task of its own, a plain
one a thread. A thread cannot be stopped: after the time limit its result is dropped.
"""

from __future__ import annotations

import asyncio
import enum
import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import cast, get_type_hints

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from brain.events import Json

MAX_OUTPUT_CHARS = 20_000
"""Longer results crowd out the conversation; the model is told that the rest was cut."""

ToolFunction = Callable[..., object]


class ToolError(Exception):
    """A tool that cannot be offered: its signature has no types, or its name is taken."""


@dataclass(frozen=True, slots=True)
class EndCall:
    """What a tool returns to end the call, after the farewell was heard."""

    farewell: str
    cause: str = "agent"


class ToolOutcome(enum.StrEnum):
    OK = "ok"
    UNKNOWN_TOOL = "unknown_tool"
    BAD_ARGUMENTS = "bad_arguments"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolResult:
    """What the model gets. `reply`: it should answer. `end_call` is set by a tool that ends the call."""

    outcome: ToolOutcome
    output: str
    reply: bool = True
    end_call: EndCall | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """One tool, ready to be offered."""

    name: str
    description: str
    function: ToolFunction
    arguments: type[BaseModel]
    is_async: bool

    def definition(self) -> Json:
        """The tool as it stands in `session.tools`."""
        schema = self.arguments.model_json_schema()
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": _without_titles(schema),
        }


def tool(function: ToolFunction) -> Tool:
    """Makes a tool of a function with type hints; its docstring is the description.

    Describe an argument with `Annotated[str, Field(description="…")]`. Raises ToolError.
    """
    name = function.__name__
    hints = get_type_hints(function, include_extras=True)
    found: dict[str, tuple[object, object]] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in hints or parameter.kind not in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.KEYWORD_ONLY,
        ):
            raise ToolError(
                f"expected each argument of tool {name} to be named and typed, got {parameter}: "
                "add a type hint"
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        found[parameter.name] = (hints[parameter.name], default)
    make = cast(Callable[..., type[BaseModel]], create_model)
    return Tool(
        name=name,
        description=inspect.getdoc(function) or "",
        function=function,
        arguments=make(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **found),
        is_async=inspect.iscoroutinefunction(function),
    )


@dataclass(slots=True)
class Toolbox:
    """The tools of an agent, by name."""

    time_limit_s: float
    _tools: dict[str, Tool] = field(default_factory=dict)

    @classmethod
    def of(cls, tools: Iterable[Tool], time_limit_s: float) -> Toolbox:
        box = cls(time_limit_s)
        for each in tools:
            if each.name in box._tools:
                raise ToolError(f"expected one tool named {each.name}, got two: rename one")
            box._tools[each.name] = each
        return box

    def definitions(self) -> list[Json]:
        return [each.definition() for each in self._tools.values()]

    async def run(self, name: str, arguments: str) -> ToolResult:
        """Runs a tool to its result or its time limit. Raises nothing but CancelledError."""
        found = self._tools.get(name)
        if found is None:
            return _wrong(ToolOutcome.UNKNOWN_TOOL, f"there is no tool named {name}")
        try:
            checked = found.arguments.model_validate_json(arguments or "{}")
        except ValidationError as error:
            return _wrong(ToolOutcome.BAD_ARGUMENTS, _explain(error))
        values = dict(checked)
        try:
            async with asyncio.timeout(self.time_limit_s):
                if found.is_async:
                    result = await cast(Awaitable[object], found.function(**values))
                else:
                    result = await asyncio.to_thread(found.function, **values)
        except TimeoutError:
            return _wrong(ToolOutcome.TIMED_OUT, f"the tool did not answer within {self.time_limit_s:g} s")
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Something that the tool waited for was cancelled, not the tool: the model gets its answer.
            return _wrong(ToolOutcome.FAILED, "the tool failed with CancelledError")
        except Exception as error:  # noqa: BLE001 - a tool is foreign code: the call goes on without it
            return _wrong(ToolOutcome.FAILED, f"the tool failed with {type(error).__name__}")
        return _result(result)


# Private.


def _result(value: object) -> ToolResult:
    if isinstance(value, EndCall):
        return ToolResult(outcome=ToolOutcome.OK, output='{"status":"ending"}', reply=False, end_call=value)
    try:
        # A lone surrogate in a text has no UTF-8: it could go neither to the model nor to Redis.
        output = (
            value.encode(errors="replace").decode()
            if isinstance(value, str)
            else orjson.dumps(value, default=str).decode()
        )
    except orjson.JSONEncodeError:
        return _wrong(ToolOutcome.FAILED, "the tool's result cannot be written as JSON")
    if len(output) > MAX_OUTPUT_CHARS:
        output = output[:MAX_OUTPUT_CHARS] + " … (the rest was cut)"
    return ToolResult(outcome=ToolOutcome.OK, output=output)


def _wrong(outcome: ToolOutcome, message: str) -> ToolResult:
    return ToolResult(outcome=outcome, output=orjson.dumps({"error": message}).decode())


def _explain(error: ValidationError) -> str:
    """What was expected, without the values: they may be what the caller said."""
    problems = [
        f"{'.'.join(str(part) for part in item['loc']) or 'arguments'}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False)
    ]
    return "the arguments are wrong: " + "; ".join(problems)


def _without_titles(schema: Json) -> Json:
    """pydantic's generated titles say nothing to a model; a property named `title` stays."""
    cleaned: Json = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key in ("properties", "$defs") and isinstance(value, dict):
            cleaned[key] = {name: _without_titles(each) for name, each in value.items()}
        elif isinstance(value, dict):
            cleaned[key] = _without_titles(value)
        else:
            cleaned[key] = value
    return cleaned
