"""When the next commit goes: at the end of this turn of the loop, or when more have gathered.

Why it exists: the rule (gathering) takes the time and knows no timer; the outbox knows what a commit is and
not when it is worth one. Owns: the one timer, what gathers for it. Must not know: what is written, whether
there is a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.clock import now_ms
from shared.store.gathering import Batch, Gathering


class CommitTimer:
    """Calls `commit` once for each time that it is set, unless it is stopped before."""

    def __init__(self, commit: Callable[[], None], bound_ms: float, lag_ms: Callable[[], float]) -> None:
        """`bound_ms`: the longest that a write waits for others; `lag_ms`: how late the loop mostly is."""
        self._commit = commit
        self._lag_ms = lag_ms
        self._batch = Batch(Gathering(bound_ms))
        self.add = self._batch.add
        """One more write. No function of ours stands between: each frame passes here."""
        self._handle: asyncio.Handle | None = None
        self._is_urgent = False

    def set(self, *, urgent: bool) -> None:
        """What waits is to go: with all that this turn of the loop adds, or, if it is not urgent, when the
        rule says so."""
        if self._handle is not None:
            if self._is_urgent or not urgent:
                return
            self._handle.cancel()
        self._is_urgent = urgent
        self._handle = asyncio.get_running_loop().call_soon(self._fire if urgent else self._decide)

    def stop(self) -> None:
        """No commit, until it is set again."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._is_urgent = None, False

    def gone(self, now: float) -> None:
        """All that had gathered is on its way."""
        self._batch.gone(now)

    # Private.

    def _decide(self) -> None:
        wait_ms = self._batch.wait_ms(now_ms(), self._lag_ms())
        if wait_ms > 0:
            self._handle = asyncio.get_running_loop().call_later(wait_ms / 1000, self._fire)
        else:
            self._fire()

    def _fire(self) -> None:
        self._handle, self._is_urgent = None, False
        self._commit()
