"""The janitor's rounds: which lanes are his, when he looks, what he does.

Why it exists: what is wrong is judged purely; somebody must hold the lease, read, and carry out. Owns: the
lease of each lane, the pace, the order of a round, what is told of a deed. Must not know: the rules, what a
script checks.

Two janitors of one lane do no harm: each script asks whose the lane is, and whether things are as they were
seen. The lease only saves the second one's work.

On a Cluster each lane is tidied by itself, and a worker is missed by the server of its own beat: one master
that is away, or takes no writes, stops the work in no other lane, and condemns nobody.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ingress.calls.ending import ABANDONED
from ingress.janitor import rules
from ingress.janitor.count import Count
from ingress.janitor.counters import JanitorCounters
from ingress.janitor.look import read_beats, read_lane
from ingress.janitor.patience import Patience
from ingress.janitor.rules import Condemn, Dismiss, Disown, Forget, Free, Offer, Relist, Wrong
from ingress.janitor.sight import BeatsSeen, CrewSeen
from shared.clock import wall_ms
from shared.contract.keys import WORKERS
from shared.contract.lua.scripts import ScriptCall
from shared.logs.text import places
from shared.ownership import steps, tidying
from shared.ownership.each_lane import each_lane
from shared.ownership.liveness import Counted, Liveness, WorkerState
from shared.ownership.tidying import Tidied
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS, is_of_the_key

ROUND_S = 5.0
GAP_ROUNDS = 3
DEEDS_MOST = 100
"""In a round and lane: a Redis that holds something quite different must not be changed at once."""

IDLE_MS = 60_000
"""A consumer has asked for nothing for so long, by Redis's clock too."""


@dataclass(slots=True)
class Janitor:
    """One object an ingress process; `run` is its task."""

    process: Process
    counters: JanitorCounters = field(default_factory=JanitorCounters)
    _lanes: dict[int, Patience[Wrong]] = field(default_factory=dict)
    """Those that are ours."""
    _names: Patience[Forget] = field(default_factory=lambda: Patience(GAP_ROUNDS * ROUND_S * 1000))
    _liveness: Liveness = field(
        default_factory=lambda: Liveness(poll_ms=ROUND_S * 1000, dead_after_ms=rules.SILENT_MS)
    )
    _own_beat: int | None = None
    _workers: frozenset[str] = frozenset()
    """All that were there at the last look."""
    _emptied: int = 0
    _count: Count = field(init=False)
    """Of all calls: it is in no lane."""

    def __post_init__(self) -> None:
        self._count = Count(self.process, self.counters, GAP_ROUNDS * ROUND_S * 1000)
        metrics = self.process.metrics
        metrics.add("janitor", self.counters)
        metrics.gauge("janitor_lanes", "Lanes that this process tidies up", lambda: len(self._lanes))
        metrics.gauge(
            "janitor_waiting",
            "What looks wrong, and not for long enough yet",
            lambda: sum(each.waiting for each in self._lanes.values()),
        )

    async def run(self) -> None:
        """Goes its rounds until it is cancelled, which leaves the rest to the next janitor."""
        while True:
            try:
                await self.round()
            except STORE_ERRORS as error:
                self._failed()
                self.process.log.debug("janitor_waits", reason=type(error).__name__)
            except Exception as bug:  # noqa: BLE001 - what stands in Redis must not end a process that serves
                self._failed()
                self.process.log.error("janitor_failed", error=type(bug).__name__, places=places(bug))
            await asyncio.sleep(ROUND_S)

    async def round(self) -> None:
        """Looks at the count and through the lanes, where they are ours. Raises STORE_ERRORS; on a Cluster a
        part whose server is of no use keeps no other from its turn. Cancelled, some are left out."""
        await self._look_at_count()
        leased = await self._lease()
        if not self._lanes:
            self._start_over()
            return
        seen = await read_beats(self.process.store, self.process.keys, self._workers)
        self._workers = seen.names
        crew = self._crew(seen)
        if crew is None:
            return
        awake_ms = self.process.lag.awake_ms()
        for lane in leased:
            try:
                await self._look_through(lane, crew, awake_ms)
            except STORE_ERRORS as error:
                self._leave_out(error, lane=lane)
        if 0 in leased:
            for name in self._names.look(rules.names(crew), awake_ms):
                try:
                    await self._forget(name)
                except STORE_ERRORS as error:
                    self._leave_out(error, of=name.worker)

    # Private.

    def _failed(self) -> None:
        self.counters.rounds_failed += 1
        self._liveness.missed()

    def _start_over(self) -> None:
        """What was seen is of another time."""
        self._names.forget()
        for patience in self._lanes.values():
            patience.forget()

    def _leave_out(self, error: Exception, **of: object) -> None:
        """A part of a round could not be done. Raises `error` where one server has all of them."""
        if not self.process.store.is_cluster:
            raise error
        self.counters.rounds_failed += 1
        self.process.log.debug("janitor_waits", reason=type(error).__name__, **of)

    async def _look_at_count(self) -> None:
        """One that cannot be read keeps no lane from its turn."""
        try:
            await self._count.round()
        except STORE_ERRORS as error:
            if is_of_the_key(error):
                self.counters.late += 1
            else:
                self._leave_out(error, of="count")

    async def _lease(self) -> list[int]:
        """Those of our lanes whose server says that they are. Raises STORE_ERRORS if none says anything."""
        process = self.process
        leased: list[int] = []

        async def ask(lane: int) -> None:
            step = tidying.lease(process.keys, lane, worker=process.name)
            owner = tidying.read_lease(await steps.run(process.store, step))
            if owner != process.name:
                self._lose(lane, owner)
                return
            leased.append(lane)
            if lane not in self._lanes:
                process.log.info("janitor_has_lane", lane=lane)
                self._lanes[lane] = Patience(GAP_ROUNDS * ROUND_S * 1000)

        failed = await each_lane(process.store, range(process.settings.lanes), ask)
        if len(failed) == process.settings.lanes:
            raise next(iter(failed.values()))
        for lane, error in failed.items():
            self._leave_out(error, lane=lane)
        return sorted(leased)

    async def _look_through(self, lane: int, crew: CrewSeen, awake_ms: float) -> None:
        """One of ours. Raises STORE_ERRORS."""
        seen = await read_lane(self.process.store, self.process.keys, lane, self._workers)
        self.counters.rounds += 1
        for wrong in self._lanes[lane].look(rules.judge(seen, crew), awake_ms)[:DEEDS_MOST]:
            if lane in self._lanes:
                await self._try(lane, wrong)

    def _lose(self, lane: int, owner: str) -> None:
        if self._lanes.pop(lane, None) is not None:
            self.process.log.warning("janitor_lost_lane", lane=lane, owner=owner)

    def _crew(self, seen: BeatsSeen) -> CrewSeen | None:
        """Who lives. Where that cannot be told at this moment nothing counts: None. On a Cluster that may be
        the fault of one server, and what is of the lanes of the others is judged all the same."""
        process, liveness = self.process, self._liveness
        if self._emptied != process.emptied:
            self._emptied = process.emptied
            liveness.emptied()
            self._start_over()
        own = seen.beats.get(process.name)
        wrote = own is not None and self._own_beat is not None and own > self._own_beat
        self._own_beat = own
        others = {worker: beat for worker, beat in seen.beats.items() if beat is not None}
        liveness.look(others, process.lag.awake_ms(), wrote=wrote, unheard=seen.unheard)
        if liveness.counted is not Counted.YES or not wrote:
            return CrewSeen(alive=frozenset(), is_known=False) if process.store.is_cluster else None
        alive = {each.worker for each in liveness.standings() if each.state is WorkerState.BEATING}
        absent = {worker for worker, beat in seen.beats.items() if beat is None and seen.is_whole}
        return CrewSeen(
            alive=frozenset(alive),
            absent=frozenset(absent - seen.unheard),
            unheard=seen.unheard,
            is_known=seen.is_whole,
        )

    async def _try(self, lane: int, wrong: Wrong) -> None:
        """One that cannot be done, since a key holds something else than it must, keeps none from the
        next."""
        try:
            await self._mend(lane, wrong)
        except STORE_ERRORS as error:
            if not is_of_the_key(error):
                raise
            self.counters.late += 1

    async def _mend(self, lane: int, wrong: Wrong) -> None:
        keys, me = self.process.keys, self.process.name
        match wrong:
            case Condemn():
                step = tidying.condemn(
                    keys, wrong.call_sid, by=me, state=wrong.state, leg=wrong.leg,
                    stream_sid=wrong.stream_sid, ingress=wrong.ingress, outcome=ABANDONED, why=wrong.why,
                    wall_ms=wall_ms(),
                )  # fmt: skip
                await self._ask(lane, step, "condemn", call=wrong.call_sid, why=wrong.why, of=wrong.ingress)
            case Offer(call_sid, role):
                step = tidying.offer(keys, call_sid, by=me, role=role, wall_ms=wall_ms())
                await self._ask(lane, step, "offer", call=call_sid, role=role)
            case Relist(worker, call_sid):
                step = tidying.relist(keys, lane, by=me, worker=worker, named=[call_sid])
                await self._ask(lane, step, "relist", call=call_sid, of=worker)
            case Free(call_sid):
                await self._ask(lane, tidying.free(keys, lane, call_sid, by=me), "free", call=call_sid)
            case Dismiss(stream, group, consumer):
                step = tidying.dismiss(
                    keys, lane, stream, by=me, group=group, consumer=consumer, idle_ms=IDLE_MS
                )
                await self._ask(lane, step, "dismiss", of=consumer, stream=stream)
            case Disown(worker, role):
                calls = await steps.disown(self.process.store, keys, lane, role=role, dead=worker, by=me)
                if calls:
                    self._tell("disown", of=worker, calls=len(calls))

    async def _ask(self, lane: int, step: ScriptCall, what: str, **fields: object) -> None:
        said = tidying.read_tidied(await steps.run(self.process.store, step))
        if said is Tidied.OK:
            self._tell(what, **fields)
            return
        self.counters.late += 1
        if said is Tidied.FENCED:
            self._lose(lane, "")

    async def _forget(self, name: Forget) -> None:
        """A worker that lives after all shows itself again with its next beat."""
        if await self.process.store.srem(WORKERS, name.worker):
            self._tell("forget", of=name.worker)

    def _tell(self, what: str, **fields: object) -> None:
        self.counters.deeds[what] += 1
        self.process.log.warning("janitor", what=what, **fields)
