"""The tools that act on the call itself: what they ask of it, and what they refuse."""

from __future__ import annotations

import pytest

from brain.tools.builtin import NAMES, end_call, hold, make, send_digits
from brain.tools.toolbox import (
    ChangeAgent,
    EndCall,
    Hold,
    PauseRecording,
    SendDigits,
    Toolbox,
    ToolContext,
    ToolOutcome,
    Transfer,
)

CONTEXT = ToolContext(call_sid="CA" + "0" * 32, caller="…11", called="+15550001", agent="default")
DESTINATIONS = {"desk": "+15550003333", "sales": "sip:sales@example.com"}
AGENTS = {"billing": "Invoices and payments.", "night": ""}


def box() -> Toolbox:
    made = [make(name, DESTINATIONS, AGENTS) for name in NAMES]
    return Toolbox.of([tool for tool in made if tool is not None], 5.0)


async def test_a_tool_may_end_the_call() -> None:
    """end_call answers with its farewell and wants no other reply."""
    result = await box().run("end_call", '{"farewell": "שלום"}', CONTEXT, "c1")

    assert result.effect == EndCall(farewell="שלום")
    assert not result.reply


@pytest.mark.parametrize("arguments", ["{}", '{"farewell": ""}'])
async def test_a_farewell_may_be_left_out(arguments: str) -> None:
    """By a model that has said goodbye already."""
    result = await box().run("end_call", arguments, CONTEXT, "c1")

    assert result.effect == EndCall(farewell="")


@pytest.mark.parametrize(("paused", "told"), [("true", "paused"), ("false", "recording")])
async def test_the_recording_may_be_paused(paused: str, told: str) -> None:
    """The model is told what it is now, and goes on."""
    result = await box().run("pause_recording", f'{{"paused": {paused}}}', CONTEXT, "c1")
    assert result.effect == PauseRecording(paused == "true")
    assert (result.output, result.reply) == (f'{{"recording":"{told}"}}', True)


async def test_a_transfer_goes_to_one_of_the_agents_own_destinations() -> None:
    """The names stand in the schema, so that the model cannot invent one."""
    tools = box()

    moved = await tools.run("transfer_call", '{"destination": "sales"}', CONTEXT, "c1")
    invented = await tools.run("transfer_call", '{"destination": "boss"}', CONTEXT, "c2")

    assert moved.effect == Transfer("sip:sales@example.com", "sales")
    assert invented.outcome is ToolOutcome.BAD_ARGUMENTS
    assert "'desk' or 'sales'" in invented.output


async def test_another_agent_may_go_on() -> None:
    """One of those that the agent may hand over to, each with what it is for."""
    tools = box()
    (told,) = [each for each in tools.definitions() if each["name"] == "hand_over"]

    changed = await tools.run("hand_over", '{"agent": "billing"}', CONTEXT, "c1")
    invented = await tools.run("hand_over", '{"agent": "boss"}', CONTEXT, "c2")

    assert changed.effect == ChangeAgent("billing")
    assert invented.outcome is ToolOutcome.BAD_ARGUMENTS
    assert told["parameters"]["properties"]["agent"] == {  # type: ignore[index]
        "description": "Who goes on with the caller. billing: Invoices and payments.",
        "enum": ["billing", "night"],
        "type": "string",
    }


@pytest.mark.parametrize(
    ("digits", "fits"), [("12w3#", True), ("", False), ("12-34", False), ("1" * 33, False)]
)
async def test_only_keys_are_pressed(digits: str, fits: bool) -> None:
    """What is not a key would be a surprise on the other side."""
    result = await box().run("send_digits", f'{{"digits": "{digits}"}}', CONTEXT, "c1")

    assert (result.effect == SendDigits(digits)) is fits


async def test_a_caller_who_asks_for_a_moment_gets_it() -> None:
    """Quietly: nothing is said about it."""
    result = await box().run("hold", '{"seconds": 60}', CONTEXT, "c1")

    assert (result.effect, result.reply) == (Hold(60), False)


def test_every_name_makes_its_tool() -> None:
    """A transfer only where there is somewhere to go, an agent where there is another; nothing for any other
    name."""
    assert [tool.name for name in NAMES if (tool := make(name, DESTINATIONS, AGENTS)) is not None] == [*NAMES]
    assert make("transfer_call", {}, AGENTS) is None
    assert make("hand_over", DESTINATIONS, {}) is None
    assert make("order_pizza", DESTINATIONS, AGENTS) is None
    assert [end_call.name, send_digits.name, hold.name] == ["end_call", "send_digits", "hold"]
