"""One heap of due times for a session.

Why it exists: the driver needs one timer a session, not one for each thing that may come due: it asks for the
next due time, sleeps, and calls `fire`. Owns: the order in which due things fire. Pure. Must not know: what
they are.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

Callback = Callable[[float], None]


class Timers:
    """Callbacks by due time; equal times fire in the order in which they were set."""

    __slots__ = ("_heap", "_numbers")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callback]] = []
        self._numbers = count()

    def at(self, due_at_ms: float, callback: Callback) -> None:
        """Calls `callback(due_at_ms)` once that time is reached. There is no cancelling: a callback checks by
        itself whether it is still wanted."""
        heapq.heappush(self._heap, (due_at_ms, next(self._numbers), callback))

    def next_due_at_ms(self) -> float | None:
        """When `fire` should be called next; `None` when nothing is set."""
        return self._heap[0][0] if self._heap else None

    def fire(self, now_ms: float) -> None:
        """Calls everything due by `now_ms`, each with its own due time, so that a late driver makes the same
        events as a punctual one."""
        heap = self._heap
        while heap and heap[0][0] <= now_ms:
            due_at_ms, _, callback = heapq.heappop(heap)
            callback(due_at_ms)
