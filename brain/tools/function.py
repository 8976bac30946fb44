"""Python functions as the model's tools: the decorator, the schema from the signature, running them.

Why it exists: a function with type hints says all that a model has to know of it; nobody should write it
twice. Owns: making a tool of a function, checking the model's arguments against its hints. Must not know: the
call, the session.

An async function is awaited, a plain one has a thread (brain.tools.threads).
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast, get_type_hints

from pydantic import BaseModel, ConfigDict, PydanticUserError, ValidationError, create_model

from brain.errors import BadArguments, NoThread, ToolError, ToolFailed
from brain.json_fields import Json
from brain.tools.threads import THREADS
from brain.tools.toolbox import ToolContext

ToolFunction = Callable[..., object]


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionTool:
    """A Python function as a tool."""

    name: str
    description: str
    function: ToolFunction
    arguments: type[BaseModel]
    parameters: Json
    """The JSON schema of `arguments`, made once: it takes milliseconds, and every session is told of it."""
    is_async: bool
    context_name: str = ""
    """The parameter that takes the ToolContext, if any; the model never sees it."""
    time_limit_s: float = 0.0

    def definition(self) -> Json:
        """The tool as it stands in `session.tools`."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }

    async def run(self, arguments: str, context: ToolContext, call_id: str) -> object:
        """Runs the function with checked arguments. Raises BadArguments, ToolFailed, and whatever the
        function raises. Cancelling it leaves the thread of a plain one to its end."""
        values = _check_arguments(self.arguments, arguments)
        if self.context_name:
            values[self.context_name] = context
        if self.is_async:
            return await cast(Awaitable[object], self.function(**values))
        try:
            return await THREADS.run(self.function, values)
        except NoThread:
            raise ToolFailed("too many tools hang already: this one was not run") from None


def tool(function: ToolFunction) -> FunctionTool:
    """Makes a tool of a function with type hints; its docstring is the description.

    Describe an argument with `Annotated[str, Field(description="…")]`; a parameter of type ToolContext is
    given the call. Raises ToolError.
    """
    name = function.__name__
    hints = get_type_hints(function, include_extras=True)
    found: dict[str, tuple[object, object]] = {}
    context_name = ""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in hints or parameter.kind not in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.KEYWORD_ONLY,
        ):
            raise ToolError(
                f"expected each argument of tool {name} to be named and typed, got {parameter}: "
                "add a type hint"
            )
        if hints[parameter.name] is ToolContext:
            context_name = parameter.name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        found[parameter.name] = (hints[parameter.name], default)
    make = cast(Callable[..., type[BaseModel]], create_model)
    try:
        arguments = make(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **found)
        parameters = schema_of(arguments)
    except PydanticUserError as error:
        # Now, not at the first call.
        raise ToolError(
            f"tool {name} has parameters that no schema can be made of: {error.message}"
        ) from None
    return FunctionTool(
        name=name,
        description=inspect.getdoc(function) or "",
        function=function,
        arguments=arguments,
        parameters=parameters,
        is_async=inspect.iscoroutinefunction(function),
        context_name=context_name,
    )


def schema_of(arguments: type[BaseModel]) -> Json:
    """What a model is told of a tool's arguments. Raises PydanticUserError."""
    return _without_titles(arguments.model_json_schema())


# Private.


def _check_arguments(model: type[BaseModel], arguments: str) -> dict[str, object]:
    """The model's arguments by name. Raises BadArguments, also where they are not JSON."""
    try:
        return dict(model.model_validate_json(arguments or "{}"))
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in item['loc']) or 'arguments'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        # Without the values: they may be what the caller said.
        raise BadArguments("the arguments are wrong: " + "; ".join(problems)) from None


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
