"""The caller's last words: their text may come after the call has ended, and belongs to what is told of it.

Why it exists: a model writes down what it heard some moments later, and a call that is let go of at once
loses the sentence with which it ended. Owns: how long such a text is waited for. Must not know: how a call
ends, who is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from brain.memory.conversation import Conversation
from shared.clock import now_ms

WAIT_MS = 1500.0
"""How long after a call's end its transcripts are waited for: less than `call.ended` waits for them."""

LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class LastWords:
    """Of one call. `has_session`: whether a text can still come."""

    conversation: Conversation
    has_session: Callable[[], bool]

    @property
    def are_awaited(self) -> bool:
        """Whether the model still has to write down what the caller said."""
        return self.has_session() and self.conversation.awaits_words

    async def wait(self, then: Callable[[], None]) -> None:
        """Calls `then` when they are there, or cannot come any more. Cancelling it loses them."""
        until_ms = now_ms() + WAIT_MS
        while self.are_awaited and now_ms() < until_ms:  # noqa: ASYNC110 - two facts, in two parts
            await asyncio.sleep(LOOK_S)
        then()
