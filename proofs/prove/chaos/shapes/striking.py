"""Brings a fault of servers about, and takes it away where it passes.

Why it exists: each kind is done in its own way, to the one server that has the call that is looked at. Owns:
these ways, and when each is over. Must not know: calls, or what follows.

What waits for a server waits in a thread: the simulators run on the loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from proofs.prove.chaos.faults import ServerFault, ServersAre
from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.moving import move, used_slots
from proofs.prove.chaos.shapes.node import Node, until
from proofs.prove.chaos.shapes.opening import Opened
from proofs.prove.chaos.shapes.refusing import Refusal, allow, refuse
from proofs.prove.chaos.shapes.sentinel import Watched

TAKEN_OVER_WITHIN_S: Final = 20.0
BACK_AFTER_S: Final = 3.0
"""A master that was killed is started again so long after another has taken over: by whoever runs it."""

OLDER_BY_S: Final = 5.0
"""Between a snapshot and the restart that begins with it."""

OURS: Final = "tl:*"

REFUSALS: Final[Mapping[ServersAre, Refusal]] = {
    ServersAre.FULL: Refusal.FULL,
    ServersAre.WITHOUT_DISK: Refusal.NO_DISK,
    ServersAre.WITHOUT_REPLICAS: Refusal.NO_REPLICAS,
    ServersAre.READ_ONLY: Refusal.READ_ONLY,
}

CLOCKS_S: Final[Mapping[ServersAre, int]] = {ServersAre.AHEAD: 60, ServersAre.BEHIND: -240}
"""By how much the clock of the server leaps."""


@dataclass(slots=True)
class Strike:
    """One fault. `key` says which server is hit: the one that has it."""

    opened: Opened
    fault: ServerFault
    key: str
    faults_ms: list[float]
    """Where each blow is noted."""

    async def bring(self) -> None:
        """Brings it about; returns when it is over. Raises ShapeFailed. Cancelling it takes it away."""
        kind = self.fault.kind
        (master,) = await asyncio.to_thread(self.opened.shape.masters_of, [self.key])
        if kind in REFUSALS:
            await self._refuses(master, REFUSALS[kind])
            return
        match kind:
            case ServersAre.WELL:
                self._note()
                await asyncio.sleep(self.fault.lasts_s)
            case ServersAre.FROZEN:
                await self._stands_still(master)
            case ServersAre.RESTARTED | ServersAre.RESTARTED_OLDER | ServersAre.RESTARTED_WHOLE:
                await self._restarts(master, kind)
            case ServersAre.KILLED | ServersAre.LOSING:
                await self._dies(master, loses=kind is ServersAre.LOSING)
            case ServersAre.HANDED_OVER:
                self._note()
                await asyncio.to_thread(self.opened.shape.hand_over, master)
                await self._taken_over(master)
            case ServersAre.MOVED:
                await self._moves(master)
            case ServersAre.UNREACHED | ServersAre.PARTED:
                await self._unplugged()
            case ServersAre.AHEAD | ServersAre.BEHIND:
                await self._leaps(master, CLOCKS_S[kind])

    # Private.

    def _note(self) -> None:
        self.faults_ms.append(time.monotonic() * 1000)

    async def _refuses(self, master: Node, refusal: Refusal) -> None:
        self._note()
        before = await asyncio.to_thread(refuse, master, refusal, self.key)
        try:
            await asyncio.sleep(self.fault.lasts_s)
        finally:
            await asyncio.to_thread(allow, master, refusal, before)

    async def _stands_still(self, master: Node) -> None:
        self._note()
        master.pause()
        try:
            await asyncio.sleep(self.fault.lasts_s)
        finally:
            master.go_on()

    async def _restarts(self, master: Node, kind: ServersAre) -> None:
        """Killed, and back with all, with less or with nothing."""
        settings: dict[str, str] = {}
        await asyncio.to_thread(master.forget)
        if kind is ServersAre.RESTARTED_WHOLE:
            settings = {"appendonly": "yes"}
            await asyncio.to_thread(master.keep_log)
        elif kind is ServersAre.RESTARTED_OLDER:
            await asyncio.to_thread(master.snapshot)
            await asyncio.sleep(OLDER_BY_S)
        self._note()
        await asyncio.to_thread(master.kill)
        try:
            await asyncio.sleep(self.fault.lasts_s)
        finally:
            await asyncio.to_thread(partial(master.start, **settings))
        if settings:
            await asyncio.to_thread(master.ask, "CONFIG", "SET", "appendonly", "no")
        # The next start begins with what its own row wants.
        await asyncio.to_thread(master.forget)

    async def _dies(self, master: Node, *, loses: bool) -> None:
        """Killed; another takes over; it is started again, empty, as a master that nobody follows."""
        if loses:
            watched = self.opened.shape
            assert isinstance(watched, Watched), "such a row has Sentinels"
            await asyncio.to_thread(watched.let_lag, master)
            await asyncio.sleep(self.fault.lasts_s)
        self._note()
        await asyncio.to_thread(master.kill)
        try:
            await self._taken_over(master)
            await asyncio.sleep(BACK_AFTER_S)
        finally:
            await asyncio.to_thread(master.start)

    async def _taken_over(self, master: Node) -> None:
        def is_taken() -> bool:
            (found,) = self.opened.shape.masters_of([self.key])
            return found is not master and found.info("replication")["role"] == "master"

        await _in_a_thread(is_taken, f"another server in place of {master.name}")

    async def _moves(self, master: Node) -> None:
        """All slots of its master that are in use go to another one, one after the other."""
        cluster = self.opened.shape
        assert isinstance(cluster, Cluster), "such a row has a Cluster"
        target = (await asyncio.to_thread(cluster.others, master))[0]
        slots = await asyncio.to_thread(used_slots, master, OURS)
        self._note()
        for slot in slots:
            await asyncio.to_thread(move, cluster, slot, master, target)

    async def _unplugged(self) -> None:
        host = self.opened.host
        assert host is not None, "such a row has a second host"
        await host.unplug()
        self._note()
        try:
            await asyncio.sleep(self.fault.lasts_s)
        finally:
            await host.plug_in()

    async def _leaps(self, master: Node, by_s: int) -> None:
        """And back, which is a leap as well."""
        clock = self.opened.clock
        assert clock is not None, "such a row has a clock of its own"
        try:
            for to_s in (by_s, 0):
                clock.leap(to_s)
                is_there = partial(_is_ahead, master, to_s)
                await _in_a_thread(is_there, f"a clock of {master.name} that is {to_s:+d} s ahead")
                self._note()
                await asyncio.sleep(self.fault.lasts_s)
        finally:
            clock.leap(0)


# Private.


def _is_ahead(node: Node, by_s: int) -> bool:
    """Whether its clock is so much ahead of ours, to the second."""
    seconds, _ = node.ask("TIME")
    return abs(int(seconds) - time.time() - by_s) <= 2


async def _in_a_thread(condition: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(until, condition, what, TAKEN_OVER_WITHIN_S)
