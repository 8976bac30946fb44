"""Tools by name: running one within its time, and what the model is told of it."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import orjson
import pytest
from pydantic import BaseModel, Field

from brain.errors import ToolError
from brain.tools.builtin import end_call
from brain.tools.demo import check_order
from brain.tools.function import tool
from brain.tools.toolbox import Toolbox, ToolContext, ToolOutcome

CONTEXT = ToolContext(call_sid="CA" + "0" * 32, caller="…11", called="+15550001", agent="default")


@tool
async def add(left: int, right: Annotated[int, Field(description="The other one.")] = 1) -> int:
    """Add two numbers."""
    return left + right


@tool
def broken(path: str) -> str:
    """Fail."""
    raise OSError(f"cannot open {path}")


@tool
async def endless() -> None:
    """Never end."""
    await asyncio.Event().wait()


def box(limit_s: float = 5.0) -> Toolbox:
    return Toolbox.of([add, broken, endless, check_order, end_call], limit_s)


async def test_a_result_is_json() -> None:
    """What the function returned."""
    result = await box().run("add", '{"left": 2, "right": 3}', CONTEXT, "c1")

    assert (result.outcome, result.output, result.reply) == (ToolOutcome.OK, "5", True)


@pytest.mark.parametrize(
    ("name", "arguments", "outcome", "says"),
    [
        ("add", "{not json", ToolOutcome.BAD_ARGUMENTS, "JSON"),
        ("add", '{"right": 1}', ToolOutcome.BAD_ARGUMENTS, "left"),
        ("add", '{"left": 1, "what": 2}', ToolOutcome.BAD_ARGUMENTS, "what"),
        ("nothing", "{}", ToolOutcome.UNKNOWN_TOOL, "nothing"),
        ("broken", '{"path": "secret"}', ToolOutcome.FAILED, "OSError"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model(
    name: str, arguments: str, outcome: ToolOutcome, says: str
) -> None:
    """A clear error result; the call goes on, and a value never stands in it."""
    result = await box().run(name, arguments, CONTEXT, "c1")

    assert result.outcome is outcome
    assert says in orjson.loads(result.output)["error"]
    assert "secret" not in result.output


async def test_a_tool_has_a_time_limit() -> None:
    """The model is told, and need not wait."""
    result = await box(limit_s=0.02).run("endless", "{}", CONTEXT, "c1")

    assert result.outcome is ToolOutcome.TIMED_OUT


async def test_the_same_tools_may_have_another_time_limit() -> None:
    """For one call: that of the others stays, and what is left behind belongs to all of them."""
    tools = box()
    mine = tools.within(0.02)

    assert (await mine.run("endless", "{}", CONTEXT, "c1")).outcome is ToolOutcome.TIMED_OUT
    assert (mine.definitions(), tools.time_limit_s) == (tools.definitions(), 5.0)
    assert mine._attempts is tools._attempts
    assert tools.within(5.0) is tools


def test_two_tools_of_one_name_are_refused() -> None:
    """One would never be called."""
    with pytest.raises(ToolError, match="check_order"):
        Toolbox.of([check_order, check_order], 1.0)


@tool
async def deserted() -> str:
    """Wait for something that is cancelled by somebody else."""
    waited_for: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    waited_for.cancel()
    return await waited_for


@tool
def mangled() -> str:
    """Give a text that has no UTF-8."""
    return "caf\udce9"


async def test_a_cancellation_inside_a_tool_is_a_failure_of_the_tool() -> None:
    """The model gets an answer; a cancellation of the tool itself still is one."""
    result = await Toolbox.of([deserted], 5.0).run("deserted", "{}", CONTEXT, "c1")
    assert result.outcome is ToolOutcome.FAILED

    begun = asyncio.Event()

    @tool
    async def begun_and_endless() -> None:
        """Never end."""
        begun.set()
        await asyncio.Event().wait()

    waits = Toolbox.of([begun_and_endless], 5.0)
    task = asyncio.create_task(waits.run("begun_and_endless", "{}", CONTEXT, "c1"))
    await asyncio.wait_for(begun.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_text_without_utf8_does_not_end_the_call() -> None:
    """It is repaired before it goes to the model and to Redis."""
    result = await Toolbox.of([mangled], 5.0).run("mangled", "{}", CONTEXT, "c1")

    assert result.outcome is ToolOutcome.OK
    assert result.output.encode() == b"caf?"


async def test_a_tool_that_cannot_be_cancelled_is_left_behind() -> None:
    """Its time limit holds all the same, and so does the end of the call."""
    let_go = asyncio.Event()

    @tool
    async def stubborn() -> str:
        """Go on."""
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    tools = Toolbox.of([stubborn], 0.05)
    async with asyncio.timeout(5):
        assert (await tools.run("stubborn", "{}", CONTEXT, "c1")).outcome is ToolOutcome.TIMED_OUT
    let_go.set()


async def test_a_tool_that_times_out_inside_has_failed() -> None:
    """The limit that passed was not ours: the model is not told a wrong figure."""

    @tool
    async def impatient() -> str:
        """Give up soon."""
        raise TimeoutError

    result = await Toolbox.of([impatient], 9.0).run("impatient", "{}", CONTEXT, "c1")

    assert (result.outcome, "9 s" in result.output) == (ToolOutcome.FAILED, False)


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_tool_that_leaves_the_program_does_not(is_async: bool) -> None:
    """sys.exit() in foreign code must not end a process with a hundred calls."""

    @tool
    async def leave() -> None:
        """Leave."""
        sys.exit(3)

    @tool
    def leave_thread() -> None:
        """Leave."""
        sys.exit(3)

    tools = Toolbox.of([leave, leave_thread], 5.0)
    result = await tools.run("leave" if is_async else "leave_thread", "{}", CONTEXT, "c1")

    assert (result.outcome, result.output) == (
        ToolOutcome.FAILED,
        '{"error":"the tool failed with SystemExit"}',
    )


async def test_a_model_of_pydantic_is_a_result() -> None:
    """As JSON, wherever it stands; a set is a list, a key need not be a text."""

    class Bicycle(BaseModel):
        name: str
        left: int

    @tool
    async def look() -> dict[int, object]:
        """Look."""
        return {1: Bicycle(name="city", left=3), 2: {"red"}}

    result = await Toolbox.of([look], 5.0).run("look", "{}", CONTEXT, "c1")

    assert orjson.loads(result.output) == {"1": {"name": "city", "left": 3}, "2": ["red"]}
