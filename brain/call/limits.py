"""What may not go on for ever on a call: silence, and the call itself.

Why it exists: a caller who put the handset aside, or a loop between two machines, costs money until
somebody hangs up. (A stream that brings no audio is ended by ingress, which holds the socket.) Owns: the
bounds and what was done about silence so far. Pure. It is asked twice a second. Must not know: the model, why
a call is busy.

Idle time is measured from the end of playback: the driver says `busy` while anything is audible, asked for,
generated or run, or the caller speaks.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.agents.agent import Agent


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitValues:
    """The agent's figures; 0 = no such limit."""

    hard_cap_s: float
    idle_prompt_s: float
    idle_prompts: int
    hold_max_s: float

    @classmethod
    def of(cls, agent: Agent) -> LimitValues:
        """Those of an agent."""
        limits = agent.limits
        return cls(
            hard_cap_s=limits.hard_cap_s,
            idle_prompt_s=limits.idle_prompt_s,
            idle_prompts=limits.idle_prompts,
            hold_max_s=limits.hold_max_s,
        )


@dataclass(frozen=True, slots=True)
class IdlePrompt:
    """Ask whether the caller is still there, for the `number`th time."""

    number: int


@dataclass(frozen=True, slots=True)
class IdleHangUp:
    """All prompts went unanswered."""


@dataclass(frozen=True, slots=True)
class HardCap:
    """The call has lasted as long as a call may."""


Step = IdlePrompt | IdleHangUp | HardCap


@dataclass(slots=True)
class CallLimits:
    """The limits of one call. `started_at_ms` is monotonic, and may lie before this process's time."""

    values: LimitValues
    started_at_ms: float
    _idle_since_ms: float | None = None
    _prompts: int = 0
    _held_until_ms: float = 0.0
    _is_capped: bool = False

    def caller_active(self) -> None:
        """The caller speaks or presses a key: they are there, and wait no longer."""
        self._idle_since_ms = None
        self._prompts = 0
        self._held_until_ms = 0.0

    def hold(self, now_ms: float, for_ms: float) -> float:
        """The caller asked for a moment: no prompts until then, or until they are active. Returns how long
        that may be, in ms."""
        held_ms = max(0.0, min(for_ms, self.values.hold_max_s * 1000))
        self._held_until_ms = now_ms + held_ms
        self._prompts = 0
        return held_ms

    def is_held(self, now_ms: float) -> bool:
        """Whether the caller asked for a moment that is not over."""
        return now_ms < self._held_until_ms

    def due(self, now_ms: float, *, busy: bool) -> list[Step]:
        """What is due now."""
        cap_ms = self.values.hard_cap_s * 1000
        if cap_ms and not self._is_capped and now_ms - self.started_at_ms >= cap_ms:
            self._is_capped = True
            return [HardCap()]
        return self._idle(now_ms, busy=busy)

    # Private.

    def _idle(self, now_ms: float, *, busy: bool) -> list[Step]:
        wait_ms = self.values.idle_prompt_s * 1000
        if busy or not wait_ms or self.is_held(now_ms) or self._is_capped:
            self._idle_since_ms = None
            return []
        if self._idle_since_ms is None:
            self._idle_since_ms = now_ms
            return []
        if now_ms - self._idle_since_ms < wait_ms:
            return []
        self._idle_since_ms = None
        self._prompts += 1
        if self._prompts <= self.values.idle_prompts:
            return [IdlePrompt(self._prompts)]
        # Once: what follows is a hang-up, which is busy until it is done.
        return [IdleHangUp()] if self._prompts == self.values.idle_prompts + 1 else []
