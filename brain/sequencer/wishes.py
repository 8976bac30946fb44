"""Reasons to speak, and how long a wish to speak may wait.

Why it exists: what is wished and what is sent are not the same; a wish outlives refusals, lost creates and
lost sessions, and ends in one of three ways.

Owns: the reasons, their order, their expiry. Must not know: when a gate is open (that is `door`).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final


class Reason(enum.StrEnum):
    """Why a response is wanted. The order here is the order in which waiting wishes are served."""

    FAREWELL = "farewell"
    GREETING = "greeting"
    OPERATOR = "operator"
    TOOL_OUTPUTS = "tool_outputs"
    TURN = "turn"
    IDLE_PROMPT = "idle_prompt"


EXPIRY_MS: Final[dict[Reason, float]] = {
    # As long as the hang-up itself may last, at most: hang_up sets the true figure.
    Reason.FAREWELL: 16_000.0,
    # Until the caller hears an apology for it: 12 s of silence, while they speak not counted (docs/design.md,
    # Sound is owed). Then the call is over.
    Reason.GREETING: 16_000.0,
    # An operator who sees nothing for half a minute will say it again.
    Reason.OPERATOR: 30_000.0,
    # The outputs stay in the conversation; after this the caller has long asked again.
    Reason.TOOL_OUTPUTS: 30_000.0,
    Reason.TURN: 16_000.0,
    # "Are you still there?" is only true at the moment it was wished.
    Reason.IDLE_PROMPT: 3_000.0,
}

SUPERSEDED_BY_SERVER: Final = frozenset({Reason.GREETING, Reason.TURN, Reason.IDLE_PROMPT})
"""What a server-made response answers just as well. Tool outputs depend on what it could see."""

ANSWERS_CONVERSATION: Final = frozenset({Reason.TOOL_OUTPUTS, Reason.TURN})
"""Creates without instructions of their own: one such response answers both."""

MAX_TEXT_CHARS: Final = 4_000
"""Bound of coalesced operator texts: the oldest words win, as they were promised first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One wish to speak. It ends spoken, superseded or expired, each with a journal line.

    `number` identifies it over retries. `not_before_ms` holds it back after a refusal, 0 = not held;
    `backoff_ms` is the next such pause. `answered_ids`: the tool calls (by call id) and texts of the caller
    (by item id) that it answers. `audio_only`: it was answered in writing once, so audio is asked for in so
    many words. `goes_on`: it asks for the rest of an answer that stopped in the middle. `without_tools`:
    there were too many rounds of tools, so the answer is asked for with none.
    """

    number: int
    reason: Reason
    text: str
    force: bool
    expires_at_ms: float
    backoff_ms: float
    not_before_ms: float = 0.0
    answered_ids: tuple[str, ...] = ()
    audio_only: bool = False
    goes_on: bool = False
    without_tools: bool = False

    def merged_with(self, newer: Wish) -> Wish:
        """Both wishes as one: nothing that either asked for is lost."""
        if newer.text and self.text and newer.text != self.text:
            text = f"{self.text}\n{newer.text}"[:MAX_TEXT_CHARS]
        else:
            text = newer.text or self.text
        return replace(
            self,
            text=text,
            force=self.force or newer.force,
            expires_at_ms=max(self.expires_at_ms, newer.expires_at_ms),
            not_before_ms=min(self.not_before_ms, newer.not_before_ms),
            answered_ids=tuple(dict.fromkeys((*self.answered_ids, *newer.answered_ids))),
            audio_only=self.audio_only or newer.audio_only,
            goes_on=self.goes_on or newer.goes_on,
            without_tools=self.without_tools or newer.without_tools,
        )
