"""The places of this process's calls: said again and again to the count of all calls.

Why it exists: a call gets its place at the webhook, for the seconds until its stream is there; from then on
whoever holds its socket knows best that it is on the line, also where Redis has forgotten it. Owns: which
calls are said when. Must not know: who else has places, who gives one back.

A call is said within a second of its stream, all of them every ten seconds, and at once where Redis may be
another one: one command for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ingress.calls.table import CallTable
from ingress.counters import CallCounters
from shared.clock import now_ms
from shared.contract.admission.count import NOBODY, OnTheLine
from shared.ownership import admitting
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

LOOK_S = 1.0
AGAIN_MS = 10_000.0
"""A place that was lost is found again within this, and a caller's minutes are counted to this."""


@dataclass(slots=True)
class Holding:
    """One object a process; `run` is its task. `name_of`: under which name a caller's day is kept, by their
    number; empty: it is not."""

    process: Process
    table: CallTable
    counters: CallCounters
    name_of: Callable[[str], str]
    _said: set[str] = field(default_factory=set)
    """Calls whose places are theirs, as far as we know."""
    _all_said_ms: float = 0.0
    _redis_run: tuple[int, int] | None = None

    async def run(self) -> None:
        """Looks until it is cancelled, which is safe at any time."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look(now_ms())
            except STORE_ERRORS as error:
                self.counters.store_errors += 1
                self.process.log.debug("holding_waits", reason=type(error).__name__)

    async def look(self, now: float) -> None:
        """Raises STORE_ERRORS: those that were not said are said with the next look. Cancelling is safe."""
        here = {sid for sid, call in self.table.calls.items() if call.stream is not None}
        self._said &= here
        redis_run = self.process.redis_run
        is_due = redis_run != self._redis_run or now - self._all_said_ms >= AGAIN_MS
        wanted = here if is_due else here - self._said
        calls = [OnTheLine(sid, self._caller(sid)) for sid in sorted(wanted)]
        had_none = await admitting.hold(self.process.store, calls)
        self._said |= wanted
        if is_due:
            self._redis_run, self._all_said_ms = redis_run, now
        if had_none:
            self.counters.places_regained += had_none
            self.process.log.warning("places_regained", calls=had_none)

    # Private.

    def _caller(self, call_sid: str) -> str:
        call = self.table.calls.get(call_sid)
        told = None if call is None else call.told
        return NOBODY if told is None else self.name_of(told.caller_line)
