"""The janitor on a real Cluster, whose lanes and beats stand on different masters: one is of no use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from ingress.janitor.look import read_count
from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.node import Node
from proofs.prove.chaos.shapes.refusing import Refusal, allow, refuse
from shared.contract.admission.count import OnTheLine
from shared.ownership import admitting, steps
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS
from tests.ingress.janitor.test_sweep import Rounds, rounds
from tests.shared.ownership.test_steps import stream
from tests.support.apart import KEYS, LANES, call_of, empty, homes, masters
from tests.support.servers import OWN_TIMEOUT_S

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def apart(cluster: Cluster) -> AsyncIterator[Store]:
    """A client of the Cluster, which is empty."""
    await asyncio.to_thread(empty, cluster)
    client = make_store(cluster.url, name="test", timeout_s=OWN_TIMEOUT_S)
    yield client
    await client.aclose()


def lanes_of(cluster: Cluster, node: Node) -> list[int]:
    return [lane for lane, master in enumerate(homes(cluster)) if master is node]


def elsewhere(cluster: Cluster, lane: int) -> str:
    """An ingress whose beat stands on another master than a lane."""
    names = [f"ingress-{number}@h#{lane}" for number in range(20)]
    home, *found = cluster.masters_of([KEYS.calls(lane), *(KEYS.worker(name) for name in names)])
    return next(name for name, master in zip(names, found, strict=True) if master is not home)


def rounds_of(store: Store, cluster: Cluster) -> AbstractAsyncContextManager[Rounds]:
    """Everybody beats as far as the servers take it."""
    return rounds(store, cluster.url, 99, keys=KEYS, may_refuse=STORE_ERRORS)


@pytest.mark.parametrize("which", range(3))
async def test_a_master_that_refuses_condemns_nobody_and_stops_no_other_lane(
    cluster: Cluster, apart: Store, which: int
) -> None:
    """For two minutes, whatever it has: lanes, beats, our own one, the list of workers, the count. A call in
    each lane, whose ingress beats on another master; a slot in each that is to be freed."""
    holders = await asyncio.to_thread(lambda: [elsewhere(cluster, lane) for lane in range(LANES)])
    for lane, holder in enumerate(holders):
        held = replace(stream(), call_sid=call_of(lane), ingress=holder)
        await steps.attach(apart, KEYS, held, max_resumes=3)
        await apart.zadd(KEYS.slots(lane), {call_of(lane, 1): 9e12})
    await admitting.hold(apart, [OnTheLine(call_of(lane)) for lane in range(LANES)])
    victim = (await asyncio.to_thread(masters, cluster))[which]
    its = await asyncio.to_thread(lanes_of, cluster, victim)
    async with rounds_of(apart, cluster) as it:
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
    await steps.attach(apart, KEYS, replace(stream(), call_sid=call_of(0), ingress=holder), max_resumes=3)
    await admitting.hold(apart, [OnTheLine(call_of(0))])
    async with rounds_of(apart, cluster) as it:
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
        await apart.hset(KEYS.card(call_of(lane)), "state", "ended")
    count_is_on, *found = await asyncio.to_thread(
        cluster.masters_of, ["tl:{admitted}", *(KEYS.calls(lane) for lane in range(LANES))]
    )
    victim = next(node for node in found if node is not count_is_on)
    await admitting.hold(apart, [OnTheLine(call_of(lane)) for lane in range(LANES)])
    assert set((await read_count(apart, KEYS)).cards) == {call_of(lane) for lane in range(LANES)}
    await asyncio.to_thread(victim.kill)
    try:
        seen = await read_count(apart, KEYS)
    finally:
        await asyncio.to_thread(cluster.heal)
    assert set(seen.cards) == {call_of(lane) for lane, home in enumerate(found) if home is not victim}
    assert len(seen.places) == LANES
