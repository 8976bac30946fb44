"""The egress role: starts, drains and stops a process's calls, and does what is done once a second.

Why it exists: the skeleton (shared/process/life.py) asks each role for five things; here they are.

Owns: the order in which calls are let go of, the pace of what is done once a second, what is exported. Must
not know: how a call comes or goes, what is read, pacing, what was heard.
"""

from __future__ import annotations

import asyncio
from zlib import crc32

from egress.calls.call import EgressCall
from egress.calls.calls import Calls
from egress.calls.readers import Readers
from egress.counters import EgressHops, RoleCounters
from shared.clock import now_ms
from shared.ownership.counters import Where
from shared.process.dispatch import Dispatch, watch_owned
from shared.process.role import Process

SLICES = 10
SLICE_S = 0.1
"""Once a second, spread: each tenth of a second serves a tenth of the calls."""

DRAIN_CHECK_S = 0.1
HANDED_AT_ONCE = 10
"""Calls that go with each look of a draining process: an heir claims so many within the lead of each."""

NOBODY_CHECKS = 10
"""Looks in a row that find no sibling: then calls wait for whoever comes first."""


class EgressRole:
    """See `shared.process.role.Role`."""

    starts_without_redis = False

    def __init__(self, process: Process) -> None:
        self.own_streams = tuple(process.keys.back(process.name, lane) for lane in process.keys.ways)
        self.counters = RoleCounters()
        self.hops = EgressHops()
        self.calls = Calls(process, self.counters, self.hops)
        self.readers = Readers(process, self.calls, self.counters)
        self._process = process
        self._owned = watch_owned(process, self.calls)
        self._slice = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.counters.tick_late_ms = self.calls.metronome.late_ms
        process.metrics.add("egress", self.counters)
        process.metrics.add("hop", self.hops)
        process.metrics.add("window", self.calls.windows)
        self._export_totals()

    async def start(self) -> None:
        """Begins to read and to take calls. Never cancelled."""
        process = self._process
        self.readers.watch()
        for lane in range(process.settings.lanes):
            dispatch = Dispatch(process, lane, live_calls=self.live_calls, on_call=self.calls.take)
            self._tasks.append(process.spawn(dispatch.run(), f"dispatch-{lane}"))
        self._tasks.append(process.spawn(self._sweep(), "sweep"))
        self._tasks.append(process.spawn(self._owned.look_on(), "owned"))

    async def drain(self) -> None:
        """Hands calls to siblings, each at its next frame. Where all are full they go on here; where there is
        none they wait for whoever comes first, be it our next boot. Cancelled, it leaves those that are still
        here to `stop`."""
        nobody = 0
        while len(self.calls):
            heirs = await self.calls.find_heirs()
            if heirs is not None:
                self.calls.hand_over(heirs, HANDED_AT_ONCE)
                nobody = 0 if heirs.is_anybody else nobody + 1
            if nobody >= NOBODY_CHECKS:
                self._give_all_back()
            await asyncio.sleep(DRAIN_CHECK_S)

    async def stop(self) -> None:
        """Lets go of what is left, at once: the next owner goes on with the next frame. Never cancelled."""
        self.calls.metronome.stop()
        heirs = await self.calls.find_heirs() if len(self.calls) else None
        if heirs is not None:
            self.calls.hand_over(heirs, len(self.calls))
        self._give_all_back()
        for task in self._tasks:
            task.cancel()

    def live_calls(self) -> int:
        """How many calls this process serves now."""
        return len(self.calls)

    def not_ready(self) -> str:
        """Always ready: a process that has no slot asks for no call."""
        return ""

    # Private.

    async def _hand_over(self) -> None:
        heirs = await self.calls.find_heirs()
        if heirs is not None:
            self.calls.hand_over(heirs, HANDED_AT_ONCE)

    def _give_all_back(self) -> None:
        """Nobody is there, or nobody has room: whoever comes first takes them."""
        for call in self.calls.all():
            self._process.guard.run(Where.END, call.call_sid, self.calls.release, call, "")

    async def _sweep(self) -> None:
        while True:
            served = await self._slice_of_calls()
            self.calls.keep_up(served, now_ms())
            self.readers.ask_for_news(served)
            if self._slice == 0:
                self._export_totals()
                if self._process.draining and len(self.calls):
                    # Without a signal, by an operator's ring: who is there takes them, the rest stays.
                    self._process.spawn(self._hand_over(), "hand-over")

    async def _slice_of_calls(self) -> list[EgressCall]:
        """Those whose turn it is. Without calls a second is one slice: an idle egress is woken less, and what
        came meanwhile has its turn at its end, as late as any other."""
        if not len(self.calls):
            await asyncio.sleep(SLICES * SLICE_S)
            self._slice = 0
            return self.calls.all()
        await asyncio.sleep(SLICE_S)
        self._slice = (self._slice + 1) % SLICES
        return [call for call in self.calls.all() if crc32(call.call_sid.encode()) % SLICES == self._slice]

    def _export_totals(self) -> None:
        self.calls.add_up()
        self.calls.totals.export(self._process.metrics)
        metronome = self.calls.metronome
        self.counters.ticks, self.counters.ticks_late = metronome.ticks, metronome.ticks_late
