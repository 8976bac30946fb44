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
from brain.record import Record
from brain.sequencer import inputs
from brain.sequencer.actions import RunTool
from brain.sequencer.inputs import Input
from brain.tools import EndCall, Hold, SendDigits, Toolbox, ToolContext, ToolResult, Transfer
from shared.clock import now_ms
from shared.logs import Log

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

    async def run(self, action: RunTool) -> None:
        """One tool from its call to its result."""
        self.record.tool(action.call_id, action.name, "started", action.arguments)
        began_ms = now_ms()
        result = await self.toolbox.run(action.name, action.arguments, self.context, action.call_id)
        self.counters.tools_run += 1
        if result.outcome != "ok":
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
