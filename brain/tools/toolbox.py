"""The tools of an agent, by name: what a tool is, what it may ask of the call, and running one to its end.

Why it exists: a tool is foreign code; whatever it does, the model gets an answer in time. Owns: the shapes of
tools, effects and results; the time limit; what the model is told when something goes wrong. Must not know:
the session, the call, Redis, what kind of thing a tool is. A tool that wants something of the call returns an
effect that says so (`EndCall`, `Transfer`, …).

A tool never runs in the task that reads the model's socket. It is not waited for beyond its time limit,
whether it can be stopped or not: what it returns after that is dropped.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import orjson
from pydantic import BaseModel

from brain.errors import BadArguments, ToolError, ToolFailed
from brain.json_fields import Json

MAX_OUTPUT_CHARS = 20_000
"""Longer results crowd out the conversation; the model is told that the rest was left out."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know of the call it runs in."""

    call_sid: str
    caller: str = field(repr=False)
    """The caller's number in full: it is looked up, and never logged."""
    called: str
    agent: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What is known of the call: from the number's parameters, from the user's system."""


# What a tool may ask of the call.


@dataclass(frozen=True, slots=True)
class EndCall:
    """End the call, after the farewell was heard. Without one, what the response said that called the tool is
    the farewell; if it said nothing, "Goodbye."."""

    farewell: str = ""
    cause: str = "agent"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Dial `number` (E.164 or sip:) for the caller; if nobody takes the call, the conversation goes on."""

    number: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Play keypad tones into the call."""

    digits: str


@dataclass(frozen=True, slots=True)
class Hold:
    """The caller asked for a moment: no idle prompts during it, or until they speak."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ChangeAgent:
    """Another agent goes on with the caller."""

    agent: str


@dataclass(frozen=True, slots=True)
class PauseRecording:
    """What follows is kept out of the recording of the call; not `is_paused`: it goes on."""

    is_paused: bool


Effect = EndCall | Transfer | SendDigits | Hold | ChangeAgent | PauseRecording


class ToolOutcome(enum.StrEnum):
    """What became of a tool."""

    OK = "ok"
    UNKNOWN_TOOL = "unknown_tool"
    BAD_ARGUMENTS = "bad_arguments"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    REFUSED = "refused"
    """Not run: too many at once, or one after another without a word of the caller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolResult:
    """What the model gets. `reply`: it should answer. `effect`: what is asked of the call."""

    outcome: ToolOutcome
    output: str
    reply: bool = True
    effect: Effect | None = None


class Tool(Protocol):
    """Anything that can be offered to the model."""

    @property
    def name(self) -> str:
        """What the model calls it."""

    @property
    def time_limit_s(self) -> float:
        """Of its own; 0 = the agent's. The smaller one holds."""

    def definition(self) -> Json:
        """The tool as it stands in `session.tools`."""

    async def run(self, arguments: str, context: ToolContext, call_id: str) -> object:
        """The result: an effect, a text, or anything that can be JSON. Raises BadArguments, ToolFailed,
        or whatever foreign code raises. Cancelled at its time limit."""


@dataclass(slots=True)
class Toolbox:
    """The tools of an agent, by name. `remote`: definitions of tools that the server runs (MCP)."""

    time_limit_s: float
    remote: tuple[Json, ...] = ()
    _tools: dict[str, Tool] = field(default_factory=dict)
    _attempts: set[asyncio.Task[ToolResult]] = field(default_factory=set)
    """Under way, and left behind after their time limit."""

    @classmethod
    def of(cls, tools: Iterable[Tool], time_limit_s: float, remote: tuple[Json, ...] = ()) -> Toolbox:
        """A box of these tools. Raises ToolError for two of one name."""
        box = cls(time_limit_s, remote)
        for each in tools:
            if each.name in box._tools:
                raise ToolError(f"expected one tool named {each.name}, got two: rename one")
            box._tools[each.name] = each
        return box

    def within(self, time_limit_s: float) -> Toolbox:
        """The same tools, with another time limit."""
        if time_limit_s == self.time_limit_s:
            return self
        return Toolbox(time_limit_s, self.remote, self._tools, self._attempts)

    def definitions(self) -> list[Json]:
        """What the session is told."""
        return [*(each.definition() for each in self._tools.values()), *self.remote]

    async def run(self, name: str, arguments: str, context: ToolContext, call_id: str) -> ToolResult:
        """Runs a tool to its result or its time limit. Raises nothing but CancelledError: cancelling it
        cancels the tool, and leaves one behind that does not let itself be cancelled."""
        found = self._tools.get(name)
        if found is None:
            return wrong(ToolOutcome.UNKNOWN_TOOL, f"there is no tool named {name}")
        limit_s = min(self.time_limit_s, found.time_limit_s or self.time_limit_s)
        attempt = asyncio.create_task(_attempt(found, arguments, context, call_id), name=f"tool-{found.name}")
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempts.discard)
        try:
            # Not `timeout`: that would wait for a tool that does not let itself be cancelled.
            done, _ = await asyncio.wait({attempt}, timeout=limit_s)
        finally:
            attempt.cancel()
        if not done:
            return wrong(ToolOutcome.TIMED_OUT, f"the tool did not answer within {limit_s:g} s")
        return attempt.result()


def wrong(outcome: ToolOutcome, message: str) -> ToolResult:
    """What the model is told of something that did not work."""
    return ToolResult(outcome=outcome, output=orjson.dumps({"error": message}).decode())


# Private.


async def _attempt(tool: Tool, arguments: str, context: ToolContext, call_id: str) -> ToolResult:
    """One run, whatever becomes of it. Raises CancelledError only when it is cancelled itself."""
    try:
        return _result(await tool.run(arguments, context, call_id))
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Something that the tool waited for was cancelled, not the tool: the model gets its answer.
        return wrong(ToolOutcome.FAILED, "the tool failed with CancelledError")
    except BadArguments as error:
        return wrong(ToolOutcome.BAD_ARGUMENTS, str(error))
    except ToolFailed as error:
        return wrong(ToolOutcome.FAILED, str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a tool is foreign code: the call goes on
        return wrong(ToolOutcome.FAILED, f"the tool failed with {type(error).__name__}")


def _result(value: object) -> ToolResult:
    match value:
        case EndCall():
            return ToolResult(outcome=ToolOutcome.OK, output='{"status":"ending"}', reply=False, effect=value)
        case Hold():
            return ToolResult(
                outcome=ToolOutcome.OK, output='{"status":"waiting"}', reply=False, effect=value
            )
        case PauseRecording(is_paused=is_paused):
            status = "paused" if is_paused else "recording"
            output = orjson.dumps({"recording": status}).decode()
            return ToolResult(outcome=ToolOutcome.OK, output=output, effect=value)
        case Transfer() | SendDigits() | ChangeAgent():
            # Its output is what became of it; nobody knows yet.
            return ToolResult(outcome=ToolOutcome.OK, output="", effect=value)
        case _:
            pass
    try:
        # A lone surrogate in a text has no UTF-8: it could go neither to the model nor to Redis.
        output = (
            value.encode(errors="replace").decode()
            if isinstance(value, str)
            else orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()
        )
    except orjson.JSONEncodeError:
        return wrong(ToolOutcome.FAILED, "the tool's result cannot be written as JSON")
    if len(output) > MAX_OUTPUT_CHARS:
        output = output[:MAX_OUTPUT_CHARS] + " … (the rest was cut)"
    return ToolResult(outcome=ToolOutcome.OK, output=output)


def _plain(value: object) -> object:
    """What orjson has no form for."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, (set, frozenset)) else str(value)
