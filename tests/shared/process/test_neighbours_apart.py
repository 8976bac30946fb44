"""Neighbours on a real Cluster, whose beats stand on different masters: one refuses, one dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.node import Node
from proofs.prove.chaos.shapes.refusing import Refusal, allow, refuse
from shared.contract.keys import Keys
from shared.contract.record import CONTRACT
from shared.contract.worker import Beat, WorkerId, write_beat
from shared.logs.log import get_log
from shared.ownership.liveness import DEAD_AFTER_MS, POLL_MS, How, WorkerState
from shared.process.host import own_origin
from shared.process.lag import LoopLag
from shared.process.neighbours import Neighbours
from shared.store.client import make_store
from shared.store.reach.servers import Servers
from shared.store.writing.outboxes import make_outbox
from tests.support import shapes
from tests.support.waiting import running, wait_until

KEYS = Keys(1, spread=True)
BEAT_S = 0.5


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with shapes.cluster(tmp_path) as found:
        yield found


@dataclass(slots=True)
class Worker:
    """One that beats by an outbox and looks, as a process does."""

    neighbours: Neighbours
    is_beating: bool = True
    told: list[tuple[str, How]] = field(default_factory=list)

    async def take(self, worker: str, how: How) -> None:
        self.told.append((worker, how))

    def state(self, worker: str) -> WorkerState | None:
        found = [each.state for each in self.neighbours.standings() if each.worker == worker]
        return found[0] if found else None

    async def looked(self, times: int) -> int:
        """So many looks later: how often nothing was heard of a beat in them."""
        counters = self.neighbours.counters
        looks, unheard = counters.looks, counters.unheard
        await wait_until(lambda: counters.looks >= looks + times, f"it has looked {times} times")
        return counters.unheard - unheard

    async def hears(self) -> bool:
        """Whether it does now, again and again."""
        return await self.looked(4) == 0


@asynccontextmanager
async def living(cluster: Cluster, worker: WorkerId) -> AsyncIterator[Worker]:
    servers, store, lag = Servers(cluster.url), make_store(cluster.url, name=str(worker)), LoopLag()
    outbox = make_outbox(servers, KEYS, name=str(worker), commit_ms=1)
    made = Worker(Neighbours(worker, own_origin(), store, KEYS, lag, get_log()))
    made.neighbours.on_dead = made.take

    async def beat_on() -> None:
        number = 0
        while True:
            number += made.is_beating
            beat = Beat(
                beat=number, at_ms=0, host="h", pid=1, role="brain", calls=0, capacity=10, loop_lag_ms=0.0,
                draining=False, version="1", contract=CONTRACT, admin_port=0, pid_started=0,
                boot_id="", pid_ns=0,
            )  # fmt: skip
            for command in write_beat(KEYS, str(worker), beat):
                outbox.send(command)
            await asyncio.sleep(BEAT_S)

    lag.start()
    try:
        async with running(outbox.run(), beat_on(), made.neighbours.look_on(), made.neighbours.tell_on()):
            yield made
    finally:
        lag.stop()
        await servers.aclose()
        await store.aclose()


def on(cluster: Cluster, number: int, unlike: Node | None = None) -> tuple[WorkerId, Node]:
    """A worker, and the master on which its beat stands: another than `unlike`."""
    for boot in range(100):
        worker = WorkerId("brain", number, "h", f"b{boot}")
        (node,) = cluster.masters_of([KEYS.worker(str(worker))])
        if node is not unlike:
            return worker, node
    raise AssertionError("all of a hundred names are of one master")


async def test_the_master_of_a_beat_that_refuses_or_dies_is_no_death_of_its_worker(cluster: Cluster) -> None:
    """Neither while it is of no use, nor when it is again; nor does it hide a death. Its successor is found
    though the one that died never comes back."""
    first, own = on(cluster, 0)
    second, other = on(cluster, 1, unlike=own)
    name, key = str(second), KEYS.worker(str(second))
    longer = round(DEAD_AFTER_MS / POLL_MS) + 4
    async with living(cluster, first) as observer, living(cluster, second) as worker:
        await wait_until(lambda: observer.state(name) is WorkerState.BEATING, "it is seen to beat")

        before = await asyncio.to_thread(refuse, other, Refusal.NO_REPLICAS, key)
        assert await observer.looked(longer) >= longer - 2
        await asyncio.to_thread(allow, other, Refusal.NO_REPLICAS, before)
        await wait_until(observer.hears, "what was refused is over")

        await asyncio.to_thread(other.kill)
        assert await observer.looked(4) > 0
        await wait_until(observer.hears, "the successor is asked", timeout_s=20.0)
        await observer.looked(longer)
        assert (observer.told, observer.state(name)) == ([], WorkerState.BEATING)

        worker.is_beating = False
        await wait_until(lambda: bool(observer.told), "its death is told")
        assert observer.told == [(name, How.SILENT)]
