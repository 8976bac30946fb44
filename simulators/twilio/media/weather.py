"""The network between Twilio and the bridge: late messages, stalls, bursts; never reordered.

Why it exists: delay in the shape that TCP gives it is what a bridge's input really looks like. Owns: the due
time of each message. Must not know: sockets and clocks: the driver asks what is due and when to ask again.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulators.twilio.knobs import Window


@dataclass(slots=True)
class Weather:
    """Delays the messages of one stream. Windows are on the same clock as `now_ms`."""

    chance: random.Random
    jitter_ms: float = 0.0
    bursts: Sequence[Window] = ()
    """While one is open nothing passes; at its end everything does."""
    _held: deque[tuple[float, bytes]] = field(default_factory=deque)
    _last_due_ms: float = 0.0

    def hold(self, message: bytes, now_ms: float) -> None:
        """Takes one message on its way."""
        due_ms = now_ms
        if self.jitter_ms:
            due_ms += self.chance.uniform(0.0, self.jitter_ms)
        for burst in self.bursts:
            if burst.at_ms <= due_ms < burst.at_ms + burst.ms:
                due_ms = burst.at_ms + burst.ms
        self._last_due_ms = due_ms = max(due_ms, self._last_due_ms)
        self._held.append((due_ms, message))

    def release(self, now_ms: float) -> list[bytes]:
        """Messages that arrive now, in order."""
        released: list[bytes] = []
        while self._held and self._held[0][0] <= now_ms:
            released.append(self._held.popleft()[1])
        return released

    def release_all(self) -> list[bytes]:
        """Everything still on its way: the stream ends."""
        released = [message for _, message in self._held]
        self._held.clear()
        return released

    @property
    def next_at_ms(self) -> float | None:
        """When the next message arrives."""
        return self._held[0][0] if self._held else None
