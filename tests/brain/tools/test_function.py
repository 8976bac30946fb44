"""Python functions as tools: the schema from the signature, checked arguments, threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Annotated

import pytest
from pydantic import Field

from brain.errors import BadArguments, ToolError
from brain.tools.function import tool
from brain.tools.toolbox import Toolbox, ToolContext

CONTEXT = ToolContext(call_sid="CA" + "0" * 32, caller="…11", called="+15550001", agent="default")


@tool
async def add(left: int, right: Annotated[int, Field(description="The other one.")] = 1) -> int:
    """Add two numbers."""
    return left + right


def test_the_schema_comes_from_the_signature() -> None:
    """Types, defaults and descriptions, and nothing that the API would refuse."""
    assert add.definition() == {
        "type": "function",
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "left": {"type": "integer"},
                "right": {"type": "integer", "description": "The other one.", "default": 1},
            },
            "required": ["left"],
        },
    }


async def test_a_plain_function_runs_in_a_thread() -> None:
    """It may block without stopping the audio of other calls."""
    ran_in: list[threading.Thread] = []

    @tool
    def note() -> str:
        """Note the thread."""
        ran_in.append(threading.current_thread())
        return "noted"

    await Toolbox.of([note], 5.0).run("note", "", CONTEXT, "c1")

    assert ran_in[0] is not threading.main_thread()


def test_an_untyped_argument_is_refused_at_import() -> None:
    """The model could not know what to send."""

    def untyped(order) -> None:  # type: ignore[no-untyped-def]
        """Have no types."""

    with pytest.raises(ToolError, match="type hint"):
        tool(untyped)


async def test_a_tool_may_know_its_call() -> None:
    """A parameter of type ToolContext is given, and the model never sees it."""

    @tool
    async def whoami(context: ToolContext) -> str:
        """Say who."""
        return context.agent

    result = await Toolbox.of([whoami], 5.0).run("whoami", "{}", CONTEXT, "c1")

    assert result.output == "default"
    assert whoami.definition()["parameters"] == {
        "type": "object",
        "additionalProperties": False,
        "properties": {},
    }


def test_a_parameter_without_a_schema_is_refused_at_import() -> None:
    """Not at the first call, which would end in an apology."""

    def unfit(back: Callable[[], int]) -> None:
        """Call back."""

    with pytest.raises(ToolError, match="no schema can be made of"):
        tool(unfit)


async def test_arguments_that_do_not_fit_are_told_without_their_values() -> None:
    """They may be what the caller said."""
    with pytest.raises(BadArguments, match="left") as refused:
        await add.run('{"left": "secret"}', CONTEXT, "c1")
    assert "secret" not in str(refused.value)

    with pytest.raises(BadArguments, match="JSON"):
        await add.run("{", CONTEXT, "c1")


def test_an_argument_may_be_called_title() -> None:
    """Only the titles that pydantic makes up are left out of what the model is told."""

    @tool
    async def book(title: str) -> str:
        """Book."""
        return title

    parameters = book.definition()["parameters"]
    assert parameters == {
        "type": "object",
        "additionalProperties": False,
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
    }
