"""Calls that Redis says are at this ingress, and that are not.

Why it exists: an ATTACH whose answer was lost, a DETACH that a failover has lost, an older snapshot: each
leaves a card that says "attached, here", and nobody else would ever judge it, since this process lives. Owns:
the look at our own list, once a second, and how often a call must be missed. Must not know: who serves a
call, how it is told that its stream is gone (registry.py).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ingress.calls.ending import ABANDONED, NEW_STREAM_WITHIN_S, EndLater
from ingress.calls.registry import Registry
from ingress.calls.table import CallTable
from ingress.counters import CallCounters
from shared.contract.card import CallState
from shared.contract.steps import Leg
from shared.contract.views import JanitorView
from shared.ownership import steps
from shared.ownership.counters import Where
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS, is_of_the_key

LOOK_S = 1.0
UNKNOWN_LOOKS = 3
"""An answer of ATTACH, or a DETACH, may be under way."""

UNREADABLE_LOOKS = 60
SETTLED_MOST = 20
"""Calls in one look that are let go of."""


@dataclass(slots=True)
class Strays:
    """One object a process; `look_on` is its task."""

    process: Process
    table: CallTable
    registry: Registry
    counters: CallCounters
    _unknown: dict[str, int] = field(default_factory=dict)
    """Calls that name us and are not here, and in how many looks."""

    async def look_on(self) -> None:
        """Looks until it is cancelled, which is safe at any time."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except STORE_ERRORS as error:
                self.process.log.debug("strays_wait", reason=type(error).__name__)

    async def look(self) -> None:
        """A lane that does not answer keeps no other from its turn. Raises STORE_ERRORS where none can be
        asked. Cancelled, some are left to the next look."""
        process = self.process
        lists = [
            ("SMEMBERS", process.keys.owned(lane, process.name)) for lane in range(process.settings.lanes)
        ]
        named: list[str] = []
        for lane, members in enumerate(await process.store.ask_each(lists)):
            if isinstance(members, Exception):
                process.log.debug("strays_wait", lane=lane, reason=type(members).__name__)
                continue
            named += [raw.decode(errors="replace") for raw in members]
        before, self._unknown = self._unknown, {}
        for call_sid in named:
            if not self.table.has(call_sid):
                self._unknown[call_sid] = before.get(call_sid, 0) + 1
        late = [call_sid for call_sid, looks in self._unknown.items() if looks >= UNKNOWN_LOOKS]
        failing: set[int] = set()
        for call_sid in late[:SETTLED_MOST]:
            lane = process.keys.lane(call_sid)
            if lane in failing:
                continue
            try:
                await self._let_go(call_sid)
                continue
            except STORE_ERRORS as error:
                if not is_of_the_key(error):
                    if not process.store.is_cluster:
                        raise
                    # The next look finds the same, and what is of other lanes before it.
                    failing.add(lane)
                    self._unknown |= {sid: 0 for sid in late if process.keys.lane(sid) == lane}
                    continue
                bug: Exception = error
            except Exception as error:  # noqa: BLE001 - of one call: the others are looked at
                bug = error
            process.guard.note(Where.LOOK, call_sid, bug)
            self._unknown[call_sid] = -UNREADABLE_LOOKS

    # Private.

    async def _let_go(self, call_sid: str) -> None:
        """As a stream that was lost: it ends, unless it has another one soon."""
        process = self.process
        card = await steps.read_view(process.store, process.keys, call_sid, JanitorView)
        is_ours = card is not None and card.ingress == process.name and card.state == CallState.ATTACHED
        leg = "" if card is None else card.leg or ""
        if not is_ours or not leg.isdecimal():
            # Our list is of another time.
            await process.store.srem(process.keys.owned(process.keys.lane(call_sid), process.name), call_sid)
            return
        if self.table.has(call_sid):
            return  # It has come meanwhile.
        self.counters.strays += 1
        process.log.warning("call_stray", call=call_sid, leg=leg)
        stream = Leg(call_sid, int(leg), "" if card is None else card.stream_sid or "")
        if await self.registry.detach(stream, "not_here") is not None:
            await self.registry.defer(stream, EndLater(NEW_STREAM_WITHIN_S, ABANDONED))
