"""Reports to egress: mark echoes at once, progress every 100 ms, many calls in one entry.

Why it exists: an entry for each frame written would double the traffic for what ten a second say as well. The
first frame after a pause is told at once: when a reply begins to play is what the account of what was heard
begins with. Owns: when a report goes. Must not know: what a report makes egress do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from ingress.counters import CallCounters
from shared.clock import now_ms
from shared.contract.streams.pairs import Pair
from shared.ownership.counters import Where
from shared.ownership.guard import CallGuard
from shared.store.writing.pair_batch import PairBatch

PROGRESS_S = 0.1

Send = Callable[[str, list[Pair]], None]
"""Writes one `back` entry to an egress worker; never waits."""


class Moving(Protocol):
    """A call whose progress is reported."""

    call_sid: str

    def progress(self, now_ms: float) -> tuple[str, Pair, bool] | None:
        """(egress worker, `forwarded` pair, whether to report again soon); None: nothing to tell."""


class BackPost:
    """Gathers reports by egress worker."""

    def __init__(
        self, send: Send, counters: CallCounters, guard: CallGuard, clock: Callable[[], float] = now_ms
    ) -> None:
        self._batch = PairBatch(send)
        self._clock = clock
        self._guard = guard
        self._counters = counters
        self._begun: dict[Moving, None] = {}
        """Moved after a pause: told at the end of this turn, in the order in which they moved."""
        self._told: set[Moving] = set()
        """Told within this tenth of a second: what moves of them is told at its end."""
        self._moving: dict[Moving, None] = {}
        self._staying: dict[Moving, None] = {}
        """They want to be reported again although nothing moved: that keeps no beginning waiting."""
        self._soon: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None

    def at_once(self, worker: str, pair: Pair) -> None:
        """An echo or an answer: goes at the end of this turn of the loop."""
        self._batch.add(worker, pair)
        self._flush_soon()

    def moved(self, call: Moving) -> None:
        """A frame of the call was written: its progress goes within 100 ms, after a pause at once."""
        if call in self._told:
            self._moving[call] = None
        elif call not in self._begun:
            self._begun[call] = None
            self._flush_soon()

    def paused(self, call: Moving) -> None:
        """What the carrier has of it is about to be forgotten: how far it came is told at once, and the next
        frame is the first one after a pause, however short that was."""
        self._told.discard(call)
        if call in self._moving:
            del self._moving[call]
            self._tell([call], has_moved=False)
            self._flush_soon()

    def forget(self, call: Moving) -> None:
        """The call is not here any more."""
        self._begun.pop(call, None)
        self._told.discard(call)
        self._moving.pop(call, None)
        self._staying.pop(call, None)

    # Private.

    def _report(self) -> None:
        self._timer = None
        self._told.clear()
        moving, self._moving = self._moving, {}
        staying, self._staying = self._staying, {}
        self._tell(moving)
        self._tell([call for call in staying if call not in moving], has_moved=False)
        self._flush()

    def _tell(self, calls: Iterable[Moving], *, has_moved: bool = True) -> None:
        now = self._clock()
        for call in calls:
            told = self._guard.run(Where.TIMER, call.call_sid, call.progress, now)
            if told is None:
                continue
            worker, pair, again = told
            self._batch.add(worker, pair)
            if has_moved:
                self._told.add(call)
            if again:
                self._staying[call] = None
        if (self._told or self._staying) and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PROGRESS_S, self._report)

    def _flush_soon(self) -> None:
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        begun, self._begun = self._begun, {}
        self._tell(begun)
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self._counters.back_entries += self._batch.send()
