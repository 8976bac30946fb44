"""The janitor on a real Cluster, whose lanes and beats stand on different masters: one is of no use."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from ingress.janitor.look import read_count
from ingress.janitor.sweep import ROUND_S, Janitor
from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.node import Node
from proofs.prove.chaos.shapes.refusing import Refusal, allow, refuse
from shared.contract.admission.count import OnTheLine
from shared.contract.keys import WORKERS, Keys
from shared.contract.worker import PULSE
from shared.ownership import admitting, steps
from shared.process.life import make_process
from shared.settings import load
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS
from tests.shared.ownership.test_steps import stream
from tests.support import shapes
from tests.support.servers import OWN_TIMEOUT_S

LANES = 12
KEYS = Keys(LANES, spread=True)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with shapes.cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
async def apart(cluster: Cluster) -> AsyncIterator[Store]:
    """A client of the Cluster, which is empty."""
    for node in await asyncio.to_thread(masters, cluster):
        await asyncio.to_thread(node.ask, "FLUSHALL")
    client = make_store(cluster.url, name="test", timeout_s=OWN_TIMEOUT_S)
    yield client
    await client.aclose()


def masters(cluster: Cluster) -> list[Node]:
    (first,) = cluster.masters_of([KEYS.calls(0)])
    return [first, *cluster.others(first)]


def lanes_of(cluster: Cluster, node: Node) -> list[int]:
    found = cluster.masters_of([KEYS.calls(lane) for lane in range(LANES)])
    return [lane for lane, master in enumerate(found) if master is node]


def sid(lane: int, which: int = 0) -> str:
    """A call of a lane, by number."""
    found = (f"CA{number:032x}" for number in range(10_000))
    return [call_sid for call_sid in found if KEYS.lane(call_sid) == lane][which]


def elsewhere(cluster: Cluster, lane: int) -> str:
    """An ingress whose beat stands on another master than a lane."""
    names = [f"ingress-{number}@h#{lane}" for number in range(20)]
    home, *found = cluster.masters_of([KEYS.calls(lane), *(KEYS.worker(name) for name in names)])
    return next(name for name, master in zip(names, found, strict=True) if master is not home)


@dataclass
class Rounds:
    """A janitor whose rounds take no time."""

    store: Store
    janitor: Janitor
    alive: list[str] = field(default_factory=list)
    now_ms: float = 0.0
    _beat: int = 0

    async def go(self, seconds: float) -> None:
        """So long; everybody who is alive beats in each round, and so do we, as far as our servers take
        it."""
        for _ in range(round(seconds / ROUND_S)):
            self._beat += 1
            self.now_ms += ROUND_S * 1000
            for worker in (self.janitor.process.name, *self.alive):
                await self.beat(worker)
            await self.janitor.round()

    async def beat(self, worker: str) -> None:
        said = dict.fromkeys(PULSE, "1") | {"contract": "3", "beat": str(self._beat)}
        with contextlib.suppress(*STORE_ERRORS):
            await self.store.hset(KEYS.worker(worker), mapping=said)
        with contextlib.suppress(*STORE_ERRORS):
            await self.store.sadd(WORKERS, worker)

    def done(self) -> dict[str, int]:
        return {what: count for what, count in self.janitor.counters.deeds.items() if count}


@asynccontextmanager
async def rounds(store: Store, url: str) -> AsyncIterator[Rounds]:
    process = make_process("ingress", 99, load(env_file=None, redis_url=url, lanes=LANES))
    made = Rounds(store, Janitor(process))
    process.lag.awake_ms = lambda: made.now_ms  # type: ignore[method-assign]
    yield made
    await process.store.aclose()
    await process.servers.aclose()


@pytest.mark.parametrize("which", range(3))
async def test_a_master_that_refuses_condemns_nobody_and_stops_no_other_lane(
    cluster: Cluster, apart: Store, which: int
) -> None:
    """For two minutes, whatever it has: lanes, beats, our own one, the list of workers, the count. A call in
    each lane, whose ingress beats on another master; a slot in each that is to be freed."""
    holders = await asyncio.to_thread(lambda: [elsewhere(cluster, lane) for lane in range(LANES)])
    for lane, holder in enumerate(holders):
        held = replace(stream(), call_sid=sid(lane), ingress=holder)
        await steps.attach(apart, KEYS, held, max_resumes=3)
        await apart.zadd(KEYS.slots(lane), {sid(lane, 1): 9e12})
    await admitting.hold(apart, [OnTheLine(sid(lane)) for lane in range(LANES)])
    victim = (await asyncio.to_thread(masters, cluster))[which]
    its = await asyncio.to_thread(lanes_of, cluster, victim)
    async with rounds(apart, cluster.url) as it:
        it.alive += holders
        await it.go(20)
        assert it.done() == {}
        before = await asyncio.to_thread(refuse, victim, Refusal.NO_REPLICAS, KEYS.calls(its[0]))
        try:
            await it.go(120)
        finally:
            await asyncio.to_thread(allow, victim, Refusal.NO_REPLICAS, before)
        assert it.done() == {"free": LANES - len(its)}
        await it.go(60)
        assert it.done() == {"free": LANES}


async def test_a_worker_that_is_silent_on_a_master_that_is_well_is_missed(
    cluster: Cluster, apart: Store
) -> None:
    """As on one server."""
    holder = await asyncio.to_thread(elsewhere, cluster, 0)
    await steps.attach(apart, KEYS, replace(stream(), call_sid=sid(0), ingress=holder), max_resumes=3)
    await admitting.hold(apart, [OnTheLine(sid(0))])
    async with rounds(apart, cluster.url) as it:
        it.alive.append(holder)
        await it.go(20)
        it.alive.clear()
        await it.go(55)
        assert it.done() == {}
        await it.go(15)
        assert it.done() == {"condemn": 1}


async def test_the_count_is_held_against_the_lanes_that_answer(cluster: Cluster, apart: Store) -> None:
    """Of a dead master's calls nothing is said; they keep their places."""
    for lane in range(LANES):
        await apart.hset(KEYS.card(sid(lane)), "state", "ended")
    count_is_on, *homes = await asyncio.to_thread(
        cluster.masters_of, ["tl:{admitted}", *(KEYS.calls(lane) for lane in range(LANES))]
    )
    victim = next(node for node in homes if node is not count_is_on)
    await admitting.hold(apart, [OnTheLine(sid(lane)) for lane in range(LANES)])
    assert set((await read_count(apart, KEYS)).cards) == {sid(lane) for lane in range(LANES)}
    await asyncio.to_thread(victim.kill)
    try:
        seen = await read_count(apart, KEYS)
    finally:
        await asyncio.to_thread(cluster.heal)
    assert set(seen.cards) == {sid(lane) for lane, home in enumerate(homes) if home is not victim}
    assert len(seen.places) == LANES
