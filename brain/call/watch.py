"""Watches one call for what nobody says: silence, too long a call, keys that were pressed.

Owns: asking the two pure cores, `limits` and `keypad`, twice a second, and what their answers mean to the
sequencer. Must not know: the model, Redis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brain.agents.agent import Agent
from brain.call.limits import CallLimits, HardCap, IdleHangUp, IdlePrompt
from brain.call.lines import CallLog
from brain.caller.keypad import Keypad, Typed
from brain.sequencer import Reason, inputs
from brain.sequencer.inputs import Input


@dataclass(slots=True)
class CallWatch:
    """The watch over one call. `give` hands an input to the sequencer."""

    agent: Agent
    limits: CallLimits
    keypad: Keypad
    lines: CallLog
    give: Callable[[Input], None]

    def look(self, now_ms: float, *, busy: bool) -> None:
        """Twice a second."""
        typed = self.keypad.take(now_ms)
        if typed is not None:
            self._typed(typed)
        for step in self.limits.look(now_ms, busy=busy):
            match step:
                case IdlePrompt(number=number):
                    self.lines.note("idle", {"prompt": str(number)})
                    self.give(inputs.WishToSpeak(reason=Reason.IDLE_PROMPT, text=self.agent.idle_prompt))
                case IdleHangUp():
                    self._end("idle", self.agent.idle_farewell)
                case HardCap():
                    self._end("hard_cap", self.agent.cap_farewell)

    def pressed(self, digit: str, now_ms: float) -> None:
        """The caller pressed a key. The digit itself may be a card number's: it is written nowhere."""
        self.limits.caller_active()
        self.lines.note("dtmf", {})
        typed = self.keypad.press(digit, now_ms)
        if typed is not None:
            self._typed(typed)

    def caller_active(self) -> None:
        """The caller speaks."""
        self.limits.caller_active()

    def _typed(self, typed: Typed) -> None:
        self.give(inputs.CallerWrote(text=typed.text, barge_in=self.agent.dtmf_barge_in))

    def _end(self, cause: str, farewell: str) -> None:
        self.lines.note("limit", {"cause": cause})
        self.give(inputs.HangUpWished(cause=cause, farewell=farewell))
