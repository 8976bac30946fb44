"""Neighbours on a real Cluster, whose beats stand on different masters: one refuses, one dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.node import Node
from proofs.prove.chaos.shapes.refusing import Refusal, allow, refuse
from shared.contract.keys import Keys
from shared.contract.worker import WorkerId, write_beat
from shared.logs.log import get_log
from shared.ownership.liveness import DEAD_AFTER_MS, POLL_MS, How, WorkerState
from shared.process.beat import BEAT_S
from shared.process.host import own_origin
from shared.process.lag import LoopLag
from shared.process.neighbours import Neighbours
from shared.store.client import make_store
from shared.store.reach.servers import Servers
from shared.store.writing.outboxes import make_outbox
from tests.shared.process.test_neighbours import BEAT
from tests.support.observer import Observer
from tests.support.waiting import running, wait_until

KEYS = Keys(1, spread=True)


@asynccontextmanager
async def living(cluster: Cluster, worker: WorkerId) -> AsyncIterator[Observer]:
    """One that beats by an outbox, as a process does."""
    servers, store, lag = Servers(cluster.url), make_store(cluster.url, name=str(worker)), LoopLag()
    outbox = make_outbox(servers, KEYS, name=str(worker), commit_ms=1)
    made = Observer(Neighbours(worker, own_origin(), store, KEYS, lag, get_log()))

    async def beat_on() -> None:
        number = 0
        while True:
            number += made.is_beating
            for command in write_beat(KEYS, str(worker), replace(BEAT, beat=number)):
                outbox.send(command)
            await asyncio.sleep(BEAT_S)  # The pace of its beats.

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


async def hears(observer: Observer) -> bool:
    """Whether it does now, again and again."""
    return await observer.looked(4) == 0


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
        await wait_until(lambda: hears(observer), "what was refused is over")

        await asyncio.to_thread(other.kill)
        assert await observer.looked(4) > 0
        await wait_until(lambda: hears(observer), "the successor is asked", timeout_s=20.0)
        await observer.looked(longer)
        assert (observer.told, observer.state(name)) == ([], WorkerState.BEATING)

        worker.is_beating = False
        await wait_until(lambda: bool(observer.told), "its death is told")
        assert observer.told == [(name, How.SILENT)]
