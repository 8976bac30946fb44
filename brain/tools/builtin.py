"""The tools that act on the call itself: end it, transfer it, hand it over, send digits, wait.

Why it exists: every agent needs them, and nobody should write them twice. Owns: what the model is told of
each, and the checks of its arguments. Pure. They only say what is wanted (an effect): carrying it out, after
what was said has been heard, is the call's. Must not know: the call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, cast

from pydantic import ConfigDict, Field, create_model

from brain.errors import ToolFailed
from brain.tools.function import FunctionTool, schema_of, tool
from brain.tools.toolbox import ChangeAgent, EndCall, Hold, PauseRecording, SendDigits, Tool, Transfer
from shared.contract.card import TONES_MOST

DIGITS = re.compile(rf"[0-9*#ABCDwW]{{1,{TONES_MOST}}}")
PAUSE: Final = "pause_recording"
NAMES: Final = ("end_call", "transfer_call", "send_digits", "hold", "hand_over", PAUSE)
"""Every name that `make` knows."""


@tool
async def end_call(
    farewell: Annotated[
        str,
        Field(
            description="What is said to the caller before the call ends, in their language. Leave it out if"
            " you have said goodbye already."
        ),
    ] = "",
) -> EndCall:
    """End the call. The farewell is spoken for you, so do not say goodbye yourself before calling this."""
    return EndCall(farewell=farewell)


@tool
async def send_digits(
    digits: Annotated[
        str,
        Field(description="The keys to press: 0-9, * and #; w waits half a second.", max_length=TONES_MOST),
    ],
) -> SendDigits:
    """Press keys on the telephone keypad, for example to get through a menu. Say so to the caller first."""
    if DIGITS.fullmatch(digits) is None:
        raise ToolFailed(
            f"expected 1 to {TONES_MOST} of 0-9 * # A-D w W as digits, got {len(digits)} characters"
        )
    return SendDigits(digits)


@tool
async def hold(
    seconds: Annotated[
        float, Field(description="How long the caller asked you to wait.", ge=1, le=3600)
    ] = 120.0,
) -> Hold:
    """Wait quietly because the caller asked for a moment. Ends as soon as the caller speaks."""
    return Hold(seconds)


@tool
async def pause_recording(
    paused: Annotated[
        bool, Field(description="true: nothing is recorded from now on. false: it is recorded again.")
    ],
) -> PauseRecording:
    """Keep what follows out of the recording of this call, before the caller says something that must not be
    kept, such as the number of a card; and have it recorded again when that is done."""
    return PauseRecording(paused)


def transfer_call(destinations: Mapping[str, str]) -> FunctionTool:
    """The transfer of one agent: it may only name one of the agent's own destinations."""
    # The names are part of the schema, so that the model cannot invent one.
    names = cast(type[str], Literal.__getitem__(tuple(destinations)))

    async def transfer(destination: str) -> Transfer:
        return Transfer(destinations[destination], destination)

    described = Field(description="Who the caller is connected with.")
    arguments = create_model(
        "transfer_call_arguments",
        __config__=ConfigDict(extra="forbid"),
        destination=(cast(type[str], Annotated[names, described]), ...),
    )
    return FunctionTool(
        name="transfer_call",
        description="Connect the caller with somebody else. Tell the caller first. If nobody takes the call,"
        " you are told, and the conversation goes on.",
        function=transfer,
        arguments=arguments,
        parameters=schema_of(arguments),
        is_async=True,
    )


def hand_over(agents: Mapping[str, str]) -> FunctionTool:
    """The way from one agent to others: `agents`, and what each is for."""
    # The names are part of the schema, so that the model cannot invent one.
    names = cast(type[str], Literal.__getitem__(tuple(agents)))

    async def change(agent: str) -> ChangeAgent:
        return ChangeAgent(agent)

    purposes = " ".join(f"{name}: {purpose}" for name, purpose in agents.items() if purpose)
    described = Field(description=f"Who goes on with the caller. {purposes}".rstrip())
    arguments = create_model(
        "hand_over_arguments",
        __config__=ConfigDict(extra="forbid"),
        agent=(cast(type[str], Annotated[names, described]), ...),
    )
    return FunctionTool(
        name="hand_over",
        description="Let another agent go on with this conversation, in the same call. It knows what was"
        " said: do not say goodbye, and do not tell the caller that they must wait.",
        function=change,
        arguments=arguments,
        parameters=schema_of(arguments),
        is_async=True,
    )


def make(name: str, destinations: Mapping[str, str], agents: Mapping[str, str]) -> Tool | None:
    """The built-in tool of this name; None if there is none, or nobody to transfer or hand over to."""
    match name:
        case "end_call":
            return end_call
        case "send_digits":
            return send_digits
        case "hold":
            return hold
        case "pause_recording":
            return pause_recording
        case "transfer_call" if destinations:
            return transfer_call(destinations)
        case "hand_over" if agents:
            return hand_over(agents)
        case _:
            return None
