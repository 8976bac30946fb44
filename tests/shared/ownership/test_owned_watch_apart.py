"""The lists of who owns what on a real Cluster: a worker dies while one of three masters is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from proofs.prove.chaos.shapes.cluster import Cluster
from shared.logs.log import get_log
from shared.ownership import owned_watch, steps
from shared.ownership.counters import OwnershipCounters
from shared.ownership.liveness import How, WorkerStanding, WorkerState
from shared.ownership.owned_watch import UNKNOWN_LOOKS, OwnedWatch
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS
from tests.shared.ownership.test_owned_watch import OTHER, SELF, Holding
from tests.shared.ownership.test_steps import stream
from tests.support.apart import KEYS, LANES, call_of, empty, homes
from tests.support.guards import a_guard
from tests.support.waiting import running, wait_until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def apart(cluster: Cluster) -> AsyncIterator[Store]:
    """A client as a process has it, of a Cluster that is whole and empty."""
    await asyncio.to_thread(cluster.heal)
    await asyncio.to_thread(let_succeed, cluster, may=True)
    await asyncio.to_thread(empty, cluster)
    client = make_store(cluster.url, name=SELF)
    yield client
    await client.aclose()


def let_succeed(cluster: Cluster, *, may: bool) -> None:
    """Whether a replica takes the place of a master that is dead."""
    for node in cluster.fleet.awake():
        node.ask("CONFIG", "SET", "cluster-replica-no-failover", "no" if may else "yes")


async def claimed(store: Store, worker: str) -> None:
    """A call in each lane, which that brain has."""
    for lane in range(LANES):
        call_sid = call_of(lane)
        await steps.attach(store, KEYS, replace(stream(), call_sid=call_sid), max_resumes=3)
        await steps.claim(store, KEYS, call_sid, role="brain", worker=worker)


async def owned_in(store: Store, lanes: list[int], worker: str) -> list[int]:
    """In which of these lanes that brain has its call."""
    cards = {lane: await steps.read_card(store, KEYS, call_of(lane)) for lane in lanes}
    return [lane for lane, card in cards.items() if card["brain"] == worker]


def watching(store: Store, holding: Holding, state: WorkerState) -> OwnedWatch:
    standings = [WorkerStanding(OTHER, state, 0.0)]
    counters = OwnershipCounters()
    return OwnedWatch(
        store, KEYS, LANES, "brain", SELF, holding, lambda: standings, a_guard(), counters, get_log()
    )


async def test_the_calls_on_masters_that_are_well_are_given_free_at_once(
    cluster: Cluster, apart: Store
) -> None:
    """Those of the dead master when it has a successor: being told is repeated until all lanes were asked."""
    await claimed(apart, OTHER)
    found = await asyncio.to_thread(homes, cluster)
    victim = found[0]
    well = [lane for lane, home in enumerate(found) if home is not victim]
    watch = watching(apart, Holding(), WorkerState.SILENT)
    await asyncio.to_thread(let_succeed, cluster, may=False)
    await asyncio.to_thread(victim.kill)

    with pytest.raises(STORE_ERRORS):
        await watch.on_dead(OTHER, How.EXITED)

    assert await owned_in(apart, well, OTHER) == []
    assert watch.counters.disowned == len(well)
    await asyncio.to_thread(let_succeed, cluster, may=True)

    async def is_told() -> bool:
        try:
            await watch.on_dead(OTHER, How.EXITED)
        except STORE_ERRORS:
            return False
        return True

    await wait_until(is_told, "all lanes are asked", timeout_s=30)
    assert await owned_in(apart, list(range(LANES)), OTHER) == []


async def test_the_looks_go_on_in_lanes_that_are_well(
    cluster: Cluster, apart: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim of the dead that arrives late, and a call of ours that we do not know."""
    monkeypatch.setattr(owned_watch, "LOOK_S", 0.05)
    found = await asyncio.to_thread(homes, cluster)
    victim = found[0]
    well = [lane for lane, home in enumerate(found) if home is not victim]
    holding = Holding()
    watch = watching(apart, holding, WorkerState.SILENT)
    await claimed(apart, OTHER)
    await asyncio.to_thread(let_succeed, cluster, may=False)
    await asyncio.to_thread(victim.kill)
    async with running(watch.look_on()):

        async def are_free() -> bool:
            return await owned_in(apart, well, OTHER) == []

        await wait_until(are_free, "they are given free")
        await steps.claim(apart, KEYS, call_of(well[0]), role="brain", worker=SELF)
        await wait_until(lambda: bool(holding.asked), f"it is taken up after {UNKNOWN_LOOKS} looks")
    assert holding.asked[0][0] == call_of(well[0])
