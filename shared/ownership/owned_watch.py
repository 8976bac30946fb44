"""Looks once a second at the lists of who owns what: at those of the dead, and at our own.

Why it exists: a claim may arrive when its worker is dead, or has forgotten that it asked; a failover brings a
card back that names somebody who is gone, or who has given the call back. Such a call has an owner, so nobody
takes it, and nobody serves it. Owns: how long the lists of the dead are looked at, when a call that names us
and that we do not know is taken up. Must not know: who is dead (liveness.py), what a role does with a call.

Each lane is looked at by itself: on a Cluster one master that is away holds up the calls of no other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from shared.contract.card import CallState
from shared.contract.errors import ContractError
from shared.contract.keys import Keys
from shared.contract.views import Owners
from shared.logs.log import Log
from shared.ownership import steps
from shared.ownership.counters import OwnershipCounters, Where
from shared.ownership.each_lane import each_lane
from shared.ownership.guard import CallGuard
from shared.ownership.liveness import How, WorkerStanding, WorkerState
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS, is_of_the_key

LOOK_S = 1.0
GONE_LOOKS = 3
"""A worker that shows no beat any more for so many looks has left: right after Redis was emptied those who
live show none either."""

FORGOTTEN_LOOKS = 3_600
OTHERS_MOST = 500
"""Workers whose lists are looked at, the newest ones."""

UNKNOWN_LOOKS = 3
"""The answer to a claim may still be under way."""

SETTLED_MOST = 20
"""Calls in one look that are taken up."""

UNREADABLE_LOOKS = 60
"""A card that cannot be read is tried again after so many."""


class CallHolder(Protocol):
    """A role, as far as a call may be unknown to it."""

    def knows(self, call_sid: str) -> bool:
        """Whether it serves the call, or claims it, or turns it away."""

    def has_room(self) -> bool:
        """Whether it could take one that has lost its owner."""

    def claim_again(self, call_sid: str, seen: int) -> None:
        """Claims a call that names us, with an epoch above `seen`, and serves it."""


@dataclass(slots=True)
class OwnedWatch:
    """One object a process; `on_dead` is for its neighbours, `look_on` is its task."""

    store: Store
    keys: Keys
    lanes: int
    role: str
    worker: str
    """Ourselves."""
    holder: CallHolder
    standings: Callable[[], Iterable[WorkerStanding]]
    """The others of our role."""
    guard: CallGuard
    counters: OwnershipCounters
    log: Log
    _others: dict[str, int] = field(default_factory=dict)
    """Everybody that was ever seen, and in how many looks they were not alive."""
    _unknown: dict[str, int] = field(default_factory=dict)
    """Calls that name us and that we do not know, and in how many looks."""

    async def on_dead(self, worker: str, how: How) -> None:
        """A worker is dead: its calls are for others to claim, now and as long as it stays dead. Raises
        STORE_ERRORS where a lane could not be asked, and all others were: then it is to be told again.
        Cancelled, some lanes are left to the next look."""
        self._others[worker] = GONE_LOOKS
        failed = await each_lane(self.store, range(self.lanes), partial(self._disown, worker))
        if failed:
            raise next(iter(failed.values()))

    async def look_on(self) -> None:
        """Looks until it is cancelled, which leaves the rest to others: they look too."""
        while True:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(*STORE_ERRORS):  # The next look finds the same.
                await self._look()

    # Private.

    async def _look(self) -> None:
        """A lane that does not answer, or whose list is none, is left to the next look."""
        lanes = range(self.lanes)
        asked = [(lane, worker) for worker in self._dead() for lane in lanes]
        answers = await self.store.ask_each(
            [
                *(("SMEMBERS", self.keys.owned(lane, self.worker)) for lane in lanes),
                *(("EXISTS", self.keys.owned(lane, worker)) for lane, worker in asked),
            ]
        )
        lists = [members for members in answers[: self.lanes] if not isinstance(members, Exception)]
        owning: dict[str, list[int]] = {}
        for (lane, worker), has_calls in zip(asked, answers[self.lanes :], strict=True):
            if has_calls and not isinstance(has_calls, Exception):
                owning.setdefault(worker, []).append(lane)
        for worker, its_lanes in owning.items():
            await each_lane(self.store, its_lanes, partial(self._disown, worker))
        await self._take_up({raw.decode(errors="replace") for members in lists for raw in members})

    def _dead(self) -> list[str]:
        """Of all that were ever seen those that are dead, or gone."""
        others, alive = self._others, set()
        for each in self.standings():
            if each.state in (WorkerState.SILENT, WorkerState.EXITED):
                others[each.worker] = GONE_LOOKS
            else:
                alive.add(each.worker)
                others[each.worker] = 0
        for worker in [worker for worker in others if worker not in alive]:
            others[worker] += 1
            if others[worker] > FORGOTTEN_LOOKS:
                del others[worker]
        while len(others) > OTHERS_MOST:
            del others[next(iter(others))]
        return [worker for worker, looks in others.items() if looks >= GONE_LOOKS]

    async def _disown(self, worker: str, lane: int) -> None:
        calls = await steps.disown(self.store, self.keys, lane, role=self.role, dead=worker, by=self.worker)
        if calls:
            self.counters.disowned += len(calls)
            self.log.warning("calls_disowned", name=worker, calls=len(calls))

    async def _take_up(self, named: set[str]) -> None:
        known = self.holder.knows
        self._unknown = {sid: self._unknown.get(sid, 0) + 1 for sid in named if not known(sid)}
        late = [sid for sid, looks in self._unknown.items() if looks >= UNKNOWN_LOOKS]
        failing: set[int] = set()
        for call_sid in late[:SETTLED_MOST]:
            lane = self.keys.lane(call_sid)
            if lane in failing:
                continue
            try:
                await self._settle(call_sid)
                continue
            except STORE_ERRORS as error:
                if not is_of_the_key(error, call_sid):
                    if not self.store.is_cluster:
                        raise
                    # The next look finds the same, and what is of other lanes before it.
                    failing.add(lane)
                    self._unknown |= {sid: 0 for sid in late if self.keys.lane(sid) == lane}
                    continue
                bug: Exception = error
            except Exception as error:  # noqa: BLE001 - of one call: the others are looked at
                bug = error
            self.guard.note(Where.LOOK, call_sid, bug)
            self._unknown[call_sid] = -UNREADABLE_LOOKS

    async def _settle(self, call_sid: str) -> None:
        """Serves a call that names us, or gives it back. The claim of one that does not takes it off our
        list."""
        try:
            owners = await steps.read_view(self.store, self.keys, call_sid, Owners)
        except ContractError as error:
            self.counters.unread(error, self.log.bind(call=call_sid))
            self._unknown[call_sid] = -UNREADABLE_LOOKS
            return
        owner, epoch = "", 0
        if owners is not None and owners.state is not CallState.ENDED:
            is_brain = self.role == "brain"
            owner = owners.brain if is_brain else owners.egress
            epoch = owners.brain_epoch if is_brain else owners.egress_epoch
        is_ours = owner == self.worker
        if is_ours:
            self.counters.found += 1
            self.log.warning("call_found", call=call_sid, epoch=epoch)
        if is_ours and not self.holder.has_room():
            await steps.release(
                self.store, self.keys, call_sid, role=self.role, worker=self.worker, epoch=epoch
            )
        else:
            self.holder.claim_again(call_sid, epoch if is_ours else 0)
