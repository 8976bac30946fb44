"""Runs the tools of one call beside everything else, and says what became of each.

Why it exists: a tool may take seconds, hang or fail; the model, the caller and the audio must not notice
more of it than its answer.

Owns: the tasks, their counters, history and log lines, and what a tool's effect means to the sequencer.
Must not know: how a tool is found and run (tools), when its answer is spoken (sequencer).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from brain.counters import BrainCounters
from brain.memory.record import Record
from brain.sequencer import inputs
from brain.sequencer.actions import RunTool
from brain.sequencer.inputs import Input
from brain.tools.toolbox import (
    EndCall,
    Hold,
    SendDigits,
    Toolbox,
    ToolContext,
    ToolOutcome,
    ToolResult,
    Transfer,
    wrong,
)
from shared.clock import now_ms
from shared.logs.log import Log

MAX_ROUNDS = 12
"""Responses of the model that call tools, one after another, without a word of the caller. More is a loop:
it would do things, and cost, until the hard cap, while the caller hears nothing but the hold clip."""

MAX_AT_ONCE = 16
"""Runs under way in one call; a model may ask for any number in one response."""

TOO_MANY_ROUNDS = "not run: too many tools in a row; answer the caller with what is known, or ask them"
TOO_MANY_AT_ONCE = f"not run: {MAX_AT_ONCE} tools are under way; call it again when they have answered"

LAST_RESORT = "end_call"
"""The one tool that ends a loop."""

OnFailure = Callable[[str, str, str], None]
"""(call_id, tool, outcome) of a tool that failed: the operator's own systems may want to know."""


@dataclass(slots=True)
class ToolRuns:
    """The tools of one call. `give` hands an input to the sequencer; `hold` suspends idle prompts, ms."""

    toolbox: Toolbox
    context: ToolContext
    counters: BrainCounters
    record: Record
    log: Log
    give: Callable[[Input], None]
    hold: Callable[[float], None]
    on_failure: OnFailure
    _moves: dict[str, str] = field(default_factory=dict)
    """call_id → name of the tools that move the caller: their result is what became of the move."""
    _rounds: set[str] = field(default_factory=set)
    """Responses that called tools since the caller's last word; one above the bound is not noted."""
    _running: int = 0

    def caller_active(self) -> None:
        """The caller speaks or presses a key: what the model does now is an answer to that."""
        self._rounds.clear()

    async def run(self, action: RunTool) -> None:
        """One tool from its call to its result."""
        self.record.tool(action.call_id, action.name, "started", action.arguments)
        began_ms = now_ms()
        result = self._refusal(action) or await self._run(action)
        self.counters.tools_run += 1
        if result.outcome is not ToolOutcome.OK:
            self.counters.tools_failed += 1
            self.on_failure(action.call_id, action.name, result.outcome)
        self.log.info(
            "tool_run",
            tool=action.name,
            call_id=action.call_id,
            outcome=result.outcome,
            ms=round(now_ms() - began_ms),
        )
        self._finish(action, result)

    async def _run(self, action: RunTool) -> ToolResult:
        self._running += 1
        try:
            return await self.toolbox.run(action.name, action.arguments, self.context, action.call_id)
        finally:
            self._running -= 1

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

    def moved(self, call_id: str, output: str) -> None:
        """What became of a move that a tool had asked for."""
        name = self._moves.pop(call_id, None)
        if name is not None:
            self.record.tool(call_id, name, "result", output)

    def _finish(self, action: RunTool, result: ToolResult) -> None:
        match result.effect:
            case Transfer(number=number):
                self._move(action, "dial", number)
            case SendDigits(digits=digits):
                self._move(action, "digits", digits)
            case EndCall(farewell=farewell, cause=cause):
                self._answer(action, result)
                self.give(inputs.HangUpWished(cause=cause, farewell=farewell, response_id=action.response_id))
            case Hold(seconds=seconds):
                self.hold(seconds * 1000)
                self._answer(action, result)
            case None:
                self._answer(action, result)

    def _move(self, action: RunTool, kind: str, argument: str) -> None:
        self._moves[action.call_id] = action.name
        self.give(
            inputs.MoveWished(
                kind=kind, argument=argument, call_id=action.call_id, response_id=action.response_id
            )
        )

    def _answer(self, action: RunTool, result: ToolResult) -> None:
        self.record.tool(action.call_id, action.name, "result", result.output)
        self.give(inputs.ToolFinished(call_id=action.call_id, output=result.output, reply=result.reply))


def dial_result(status: str) -> str:
    """What the model is told when the other side did not take the call; `status` is Twilio's word."""
    reason = {"busy": "busy", "no-answer": "nobody answered"}.get(status, "the call could not be connected")
    return orjson.dumps({"status": "not_connected", "reason": reason}).decode()


DIGITS_SENT = '{"status":"sent"}'
