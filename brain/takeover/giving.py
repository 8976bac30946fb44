"""Gives the calls of a draining brain to others, one after another: carries out what `handover` decides.

Why it exists: a deploy restarts one process at a time, and its calls go on in its siblings. Owns: who is
there, asking by their doorbells, what they answer. Must not know: when a call may go (handover), what is
written then (the call).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from brain.takeover.handover import Ask, Give, HandOver, HandOverState, fit_heirs
from shared.clock import now_ms
from shared.contract.streams.doorbell import Why, ring_command
from shared.ownership.counters import Where
from shared.ownership.liveness import WorkerState
from shared.ownership.workers import SeenWorker, read_workers
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

TICK_S = 0.1
LOOK_MS = 500.0
AT_ONCE = 10
"""Hand-overs under way: each opens a session."""


class GivenCall(Protocol):
    """A call, as far as it can be given away."""

    call_sid: str

    def may_be_given(self) -> bool:
        """Whether anything is left to give: it is not on its way out."""

    def is_quiet(self, *, may_play: bool) -> bool:
        """Whether nobody would notice now."""

    def hand_over(self, heir: str) -> None:
        """Releases it to `heir`; empty: to whoever comes first."""


@dataclass(slots=True)
class Giving:
    """Of one process. `calls`: those that it has."""

    process: Process
    calls: Callable[[], Iterable[GivenCall]]
    may_stay: bool = True
    """The process lives on, and so do calls that nobody takes: an operator has taken it out. False: it
    ends."""
    _under_way: dict[str, HandOver] = field(default_factory=dict)
    _promised: Counter[str] = field(default_factory=Counter)
    _workers: list[SeenWorker] = field(default_factory=list)
    _looked_at_ms: float = float("-inf")

    async def run(self) -> None:
        """Until it is cancelled, which leaves what was asked of others to their time limits."""
        while True:
            if any(call.may_be_given() for call in self.calls()):
                await self._look()
            self._tick(now_ms())
            await asyncio.sleep(TICK_S)

    def answered(self, call_sid: str, worker: str, *, is_ready: bool) -> None:
        """An heir's answer, by our doorbell."""
        found = self._under_way.get(call_sid)
        if found is None:
            return
        if is_ready:
            found.ready(worker)
        else:
            found.declined(worker)

    # Private.

    async def _look(self) -> None:
        if now_ms() - self._looked_at_ms < LOOK_MS:
            return
        try:
            self._workers = await read_workers(self.process.store, self.process.keys)
        except STORE_ERRORS:
            return  # Whoever was there is taken to be there: a release that does not get through is repeated.
        self._looked_at_ms = now_ms()
        self._promised.clear()
        self._promised.update(each.heir for each in self._under_way.values() if each.heir)

    def _tick(self, now: float) -> None:
        if self._looked_at_ms < 0:
            return  # Redis was not asked yet, or is away: nothing could be released.
        calls = {call.call_sid: call for call in self.calls() if call.may_be_given()}
        for call_sid in [each for each in self._under_way if each not in calls]:
            del self._under_way[call_sid]
        for call_sid, call in calls.items():
            self.process.guard.run(Where.LOOK, call_sid, self._advance, call, now)

    def _advance(self, call: GivenCall, now: float) -> None:
        call_sid, found = call.call_sid, self._under_way.get(call.call_sid)
        is_idle = found is None or found.state is HandOverState.SEEKING
        if is_idle and sum(each.is_under_way for each in self._under_way.values()) >= AT_ONCE:
            return
        if found is None:
            found = self._under_way[call_sid] = HandOver(now)
        is_quiet = call.is_quiet(may_play=found.may_play(now))
        step = found.tick(now, self._heirs(found), is_quiet=is_quiet, may_stay=self.may_stay)
        if isinstance(step, Ask):
            self._promised[step.heir] += 1
            ring(self.process, step.heir, call_sid, Why.PREPARE)
        elif isinstance(step, Give):
            self.process.log.info("call_given", call=call_sid, heir=step.heir)
            call.hand_over(step.heir)

    def _heirs(self, found: HandOver) -> list[str]:
        process = self.process
        standings = process.neighbours.standings()
        silent = {each.worker: each.silent_ms for each in standings if each.state is WorkerState.BEATING}
        promised = dict(self._promised)
        if found.heir:  # Its own place is kept.
            promised[found.heir] = promised.get(found.heir, 0) - 1
        return fit_heirs(self._workers, silent, promised, own=process.name, role=process.worker.role)


def ring(process: Process, worker: str, call_sid: str, why: Why) -> None:
    """Rings another brain's doorbell about a call, in our name."""
    lane = process.keys.lane(call_sid)
    command = ring_command(process.keys, lane, worker, call_sid, why, by=process.name)
    process.outbox.send(command, urgent=True)
