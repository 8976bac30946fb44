"""Runs the tools of one call beside everything else, and says what became of each.

Why it exists: a tool may take seconds, hang or fail; the model, the caller and the audio must not notice
more of it than its answer.

Owns: how many run, their counters, history and log lines, and what a tool's effect means to the sequencer.
Must not know: how a tool is found and run (toolbox), when its answer is spoken (sequencer), where it is
noted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from brain.counters import BrainCounters
from brain.sequencer import inputs
from brain.sequencer.actions import RunTool
from brain.sequencer.inputs import Input
from brain.tools.attempts import ToolAttempts
from brain.tools.toolbox import (
    ChangeAgent,
    EndCall,
    Hold,
    PauseRecording,
    SendDigits,
    Toolbox,
    ToolContext,
    ToolOutcome,
    ToolResult,
    Transfer,
    wrong,
)
from shared.clock import now_ms, wall_ms
from shared.contract.card import Next
from shared.contract.streams.history import ToolState
from shared.logs.log import Log

MAX_ROUNDS = 12
"""Responses of the model that call tools, one after another, without a word of the caller. More is a loop:
it would do things, and cost, until the hard cap, while the caller hears nothing but the hold clip."""

MAX_AT_ONCE = 16
"""Runs under way in one call; a model may ask for any number in one response."""

TOO_MANY_ROUNDS = "not run: too many tools in a row; answer the caller with what is known, or ask them"
TOO_MANY_AT_ONCE = f"not run: {MAX_AT_ONCE} tools are under way; call it again when they have answered"

GOODBYE = "Goodbye."
"""For a tool that ends the call without saying how: said unless the response that called it has spoken."""

LAST_RESORT = "end_call"
"""The one tool that ends a loop."""

OnFailure = Callable[[str, str, str, str], None]
"""(call_id, tool, outcome, agent) of a tool that failed: the operator's own systems may want to know.
`agent`: who called it; another one may have the call by now."""


ChangeOfAgent = Callable[[str, str], Awaitable[str]]
"""(agent, response that asked for it): another agent goes on with the caller; returns what the model is
told. Cancelling it leaves the agent that there is by then."""


async def nobody_else(agent: str, response_id: str) -> str:
    """Where there is no other agent."""
    return wrong(ToolOutcome.UNKNOWN_TOOL, "there is no other agent").output


class ToolNotes(Protocol):
    """Where what was done is noted, for the next session and the next brain."""

    async def tool_started(self, call_id: str, name: str, arguments: str) -> None:
        """A tool is about to be run; returns once the next brain would know, so that none runs it twice."""

    def tool(self, call_id: str, name: str, state: ToolState, value: str) -> None:
        """`value`: its result."""

    def quiet_until(self, at_ms: int) -> None:
        """The caller has asked for a moment, by the clock on the wall."""


@dataclass(frozen=True, slots=True)
class _Own:
    """A tool that was called, with what the agent had that called it."""

    action: RunTool
    toolbox: Toolbox
    context: ToolContext


@dataclass(slots=True)
class ToolRuns:
    """The tools of one call. `give` hands an input to the sequencer; `hold` suspends idle prompts: from when,
    for how long, ms; it says how long that may be."""

    toolbox: Toolbox
    context: ToolContext
    counters: BrainCounters
    notes: ToolNotes
    log: Log
    give: Callable[[Input], None]
    hold: Callable[[float, float], float]
    on_failure: OnFailure
    attempts: ToolAttempts
    """Of the process: what is run outlives the call."""
    change_agent: ChangeOfAgent = nobody_else
    pause: Callable[[bool], None] = lambda _is_paused: None
    """Keeps what follows out of the recording, or lets it in again."""
    _moves: dict[str, str] = field(default_factory=dict)
    """call_id → name of the tools that move the caller: their result is what became of the move."""
    _rounds: set[str] = field(default_factory=set)
    """Responses that called tools since the caller's last word; one above the bound is not noted."""
    _running: int = 0

    def caller_active(self) -> None:
        """The caller speaks or presses a key: what the model does now is an answer to that."""
        self._rounds.clear()

    async def run(self, action: RunTool) -> None:
        """One tool from its call to its result. Cancelling it tells nobody of a result; the tool itself goes
        on to its end, which is counted, and told to the user's systems if it failed."""
        own = _Own(action, self.toolbox, self.context)  # Another agent may have the call in a moment.
        await self.notes.tool_started(action.call_id, action.name, action.arguments)
        result = self._refusal(action)
        if result is None:
            self._running += 1
            result = await asyncio.shield(self.attempts.begin(self._attempt(own), action.name))
        else:
            self._ended(own, result.outcome, now_ms())
        if isinstance(result.effect, ChangeAgent):
            # What that led to is its result.
            output = await self.change_agent(result.effect.agent, action.response_id)
            result = ToolResult(outcome=result.outcome, output=output)
        self._finish(action, result)

    def moved(self, call_id: str, output: str) -> None:
        """What became of a move that a tool had asked for."""
        name = self._moves.pop(call_id, None)
        if name is not None:
            self.notes.tool(call_id, name, ToolState.RESULT, output)

    def inherit(self, call_id: str, name: str) -> None:
        """Another brain's tool has asked for a move that is not over yet."""
        if call_id:
            self._moves[call_id] = name

    # Private.

    async def _attempt(self, own: _Own) -> ToolResult:
        began_ms, action = now_ms(), own.action
        try:
            result = await own.toolbox.run(action.name, action.arguments, own.context, action.call_id)
        except asyncio.CancelledError:
            # The process ends, and nobody knows what the tool has done.
            self._ended(own, ToolOutcome.FAILED, began_ms)
            raise
        finally:
            self._running -= 1
        self._ended(own, result.outcome, began_ms)
        return result

    def _ended(self, own: _Own, outcome: ToolOutcome, began_ms: float) -> None:
        action = own.action
        self.counters.tools_run += 1
        if outcome is not ToolOutcome.OK:
            self.counters.tools_failed += 1
            self.on_failure(action.call_id, action.name, outcome, own.context.agent)
        self.log.info(
            "tool_run",
            tool=action.name,
            call_id=action.call_id,
            outcome=outcome,
            ms=round(now_ms() - began_ms),
        )

    def _refusal(self, action: RunTool) -> ToolResult | None:
        """Why this tool is not run; None when it is."""
        is_loop = action.response_id not in self._rounds and len(self._rounds) >= MAX_ROUNDS
        if is_loop and action.name != LAST_RESORT:
            return wrong(ToolOutcome.REFUSED, TOO_MANY_ROUNDS)
        if not is_loop:
            self._rounds.add(action.response_id)
        if self._running >= MAX_AT_ONCE:
            return wrong(ToolOutcome.REFUSED, TOO_MANY_AT_ONCE)
        return None

    def _finish(self, action: RunTool, result: ToolResult) -> None:
        match result.effect:
            case Transfer(number=number):
                self._move(action, Next.DIAL, number)
            case SendDigits(digits=digits):
                self._move(action, Next.DIGITS, digits)
            case EndCall(farewell=farewell, cause=cause):
                self._answer(action, result)
                self.give(
                    inputs.HangUpWished(
                        cause=cause,
                        farewell=farewell or GOODBYE,
                        response_id=action.response_id,
                        only_if_unsaid=not farewell,
                    )
                )
            case Hold(seconds=seconds):
                held_ms = self.hold(now_ms(), seconds * 1000)
                self._answer(action, result)
                self.notes.quiet_until(wall_ms() + round(held_ms))
            case PauseRecording(is_paused=is_paused):
                self.pause(is_paused)
                self._answer(action, result)
            case ChangeAgent() | None:
                self._answer(action, result)

    def _move(self, action: RunTool, kind: Next, argument: str) -> None:
        self._moves[action.call_id] = action.name
        self.give(
            inputs.MoveWished(
                kind=kind, argument=argument, call_id=action.call_id, response_id=action.response_id
            )
        )

    def _answer(self, action: RunTool, result: ToolResult) -> None:
        self.notes.tool(action.call_id, action.name, ToolState.RESULT, result.output)
        self.give(inputs.ToolFinished(call_id=action.call_id, output=result.output, reply=result.reply))
