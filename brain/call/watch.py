"""Watches one call for what nobody says: silence, a hole in what was heard, too long a call, keys, a late
model.

Why it exists: no event tells of what does not happen. Owns: asking the pure cores `limits`, `keypad`, `hole`
and `owing` twice a second, and what their answers mean to the others; what the teller looks at. Must not
know: the model, Redis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brain.agents.agent import Agent
from brain.call.limits import CallLimits, HardCap, IdleHangUp, IdlePrompt
from brain.call.lines import CallLog
from brain.call.owing import AT_WORK, AnswerDue, Standing
from brain.call.window import ModelWindow
from brain.caller.hole import LINE_WAS_CUT, Hole
from brain.caller.keypad import KEYS, Keypad, Typed
from brain.sequencer import Reason, inputs
from brain.sequencer.inputs import Input
from brain.telling import budget
from brain.telling.phase import Moment
from brain.telling.teller import CallTeller
from shared.contract.streams.journal import Kind


@dataclass(slots=True)
class CallWatch:
    """The watch over one call. `give` hands an input to the sequencer."""

    agent: Agent
    limits: CallLimits
    keypad: Keypad
    hole: Hole
    due: AnswerDue
    window: ModelWindow
    lines: CallLog
    give: Callable[[Input], None]
    teller: CallTeller
    announce: Callable[[], Input | None] = lambda: None
    """Asked where nobody says or waits for anything: an announcement that must be said again."""

    def check(self, now_ms: float, call: Standing) -> None:
        """Twice a second: what is due is done."""
        if not call.is_ending:
            # Who is owed an answer is not asked whether they are there.
            is_waiting = call.owed is not None or not call.has_session or not call.is_here
            is_busy = call.is_busy or is_waiting
            self._check_caller(now_ms, busy=is_busy or self._announces())
            self._check_hole(now_ms, busy=call.is_busy or call.owed is not None)
        self.due.check_model(now_ms, call)
        self.window.check(now_ms)
        self._tell(now_ms, call)

    @property
    def keys_wait(self) -> bool:
        """Whether keys were pressed that the model was not told yet."""
        return self.keypad.next_deadline_ms is not None

    def pressed(self, digit: str, now_ms: float) -> None:
        """The caller pressed a key. The digit itself may be a card number's: it is written nowhere."""
        self.caller_active()
        self.lines.note(Kind.DTMF)
        if digit in KEYS:
            # At once: what was typed is known only when the group is complete.
            self.give(inputs.KeyPressed(barge_in=self.agent.dtmf_barge_in))
        typed = self.keypad.press(digit, now_ms)
        if typed is not None:
            self._typed(typed)

    def caller_active(self) -> None:
        """The caller speaks."""
        self.limits.caller_active()
        self.hole.forget()

    # Private.

    def _announces(self) -> bool:
        """Whether an announcement is said now."""
        words = self.announce()
        if words is not None:
            self.give(words)
        return words is not None

    def _check_caller(self, now_ms: float, *, busy: bool) -> None:
        typed = self.keypad.due(now_ms)
        if typed is not None:
            self._typed(typed)
        for step in self.limits.due(now_ms, busy=busy):
            match step:
                case IdlePrompt(number=number):
                    self.lines.note(Kind.IDLE, prompt=str(number))
                    self.give(inputs.WishToSpeak(reason=Reason.IDLE_PROMPT, text=self.agent.idle_prompt))
                case IdleHangUp():
                    self._end("idle", self.agent.idle_farewell)
                case HardCap():
                    self._end("hard_cap", self.agent.cap_farewell)

    def _check_hole(self, now_ms: float, *, busy: bool) -> None:
        if self.hole.due(now_ms, busy=busy or self.limits.is_held(now_ms)):
            self.lines.note(Kind.GAP, ms=str(round(self.hole.length_ms)))
            self.give(inputs.WishToSpeak(reason=Reason.TURN, text=LINE_WAS_CUT))

    def _tell(self, now_ms: float, call: Standing) -> None:
        """What people are told of it; a budget that is spent ends the call."""
        is_owed = call.owed is not None or call.slot in AT_WORK
        self.teller.look(
            Moment(
                is_here=call.is_here,
                is_caller_speaking=call.is_caller_speaking,
                is_audible=call.is_audible,
                tools_run=call.tools_run,
                is_held=self.limits.is_held(now_ms),
                is_owed=is_owed,
            )
        )
        if not call.is_ending:
            for what in self.teller.budgets_spent():
                self._end(f"budget_{what}", budget.FAREWELL)

    def _typed(self, typed: Typed) -> None:
        self.give(inputs.CallerWrote(text=typed.text, barge_in=self.agent.dtmf_barge_in))

    def _end(self, cause: str, farewell: str) -> None:
        self.lines.note(Kind.LIMIT, cause=cause)
        self.give(inputs.HangUpWished(cause=cause, farewell=farewell))
