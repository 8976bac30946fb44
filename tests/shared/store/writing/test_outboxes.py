"""The writers of a process on a Cluster: each lane to its master, in its order, whatever another does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.crc import key_slot

from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.moving import move
from proofs.prove.chaos.shapes.node import Node
from shared.clock import now_ms
from shared.contract.command import Command
from shared.contract.keys import Keys
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS, OutboxFull
from shared.store.inbox import Entry, Inbox
from shared.store.reach.servers import Servers
from shared.store.writing.outbox import Outbox
from shared.store.writing.outboxes import OUTSIDE_MOST, Outboxes, make_outbox
from tests.support.waiting import running, wait_until

LANES = 8
KEYS = Keys(LANES, spread=True)


def stream(lane: int) -> str:
    return KEYS.out("ingress-0@h#1", lane)


def slot_of(lane: int) -> int:
    return key_slot(stream(lane).encode())


def write(outbox: Outboxes, lane: int, number: int) -> None:
    key = stream(lane).encode()
    outbox.send(Command(key, (b"XADD", key, b"*", b"n", b"%d" % number)))


@asynccontextmanager
async def writing(cluster: Cluster) -> AsyncIterator[tuple[Outboxes, Store]]:
    servers, store = Servers(cluster.url), make_store(cluster.url, name="t")
    outbox = make_outbox(servers, KEYS, name="egress-0@h#1", commit_ms=1)
    assert isinstance(outbox, Outboxes)
    try:
        for lane in range(LANES):
            await store.delete(stream(lane))
        async with running(outbox.run()):
            yield outbox, store
    finally:
        await servers.aclose()
        await store.aclose()


async def numbers(store: Store, lane: int) -> list[int]:
    return [int(fields[b"n"]) for _, fields in await store.xrange(stream(lane))]


async def has_lane(cluster: Cluster, lane: int) -> Node:
    (node,) = await asyncio.to_thread(cluster.masters_of, [stream(lane)])
    return node


async def test_each_lane_is_written_in_its_order(cluster: Cluster) -> None:
    """Through connections of its own; keys outside the lanes find their way, too."""
    async with writing(cluster) as (outbox, store):
        for number in range(200):
            for lane in range(LANES):
                write(outbox, lane, number)
        outbox.send(Command(b"workers", (b"SADD", b"tl:workers", b"egress-0@h#1")))
        assert await outbox.flushed(10)
        for lane in range(LANES):
            assert await numbers(store, lane) == list(range(200))
        assert await store.smembers("tl:workers") == {b"egress-0@h#1"}
        assert outbox.connected
        assert outbox.trouble == ""


async def test_a_slot_too_many_is_refused_and_holds_up_nothing(cluster: Cluster) -> None:
    """Sent to whoever has another slot, it would be answered MOVED for ever, and the lane with it."""
    answers: list[object] = []
    async with writing(cluster) as (outbox, store):
        for number in range(2 * OUTSIDE_MOST):
            key = b"more:%d" % number
            outbox.send(Command(key, (b"HSET", key, b"n", b"1")), on_reply=answers.append)
        write(outbox, 0, 1)
        assert await outbox.flushed(10)
        assert await numbers(store, 0) == [1]
    refused = [answer for answer in answers if isinstance(answer, OutboxFull)]
    assert outbox.counters.refused == len(refused) > 0
    assert len(answers) == 2 * OUTSIDE_MOST


async def test_a_lane_whose_slot_moves_keeps_its_order(cluster: Cluster) -> None:
    """Key by key, while it is written: nothing is lost, nothing overtakes, nothing is written twice."""
    lane, is_moved = 3, asyncio.Event()
    async with writing(cluster) as (outbox, store):
        master = await has_lane(cluster, lane)
        other = (await asyncio.to_thread(cluster.others, master))[0]

        async def write_on() -> int:
            number = 0
            while not is_moved.is_set() or number < 300:
                write(outbox, lane, number)
                number += 1
                await asyncio.sleep(0.002)  # The pace of the traffic amid which the slot moves.
            return number

        writer = asyncio.create_task(write_on())
        await asyncio.to_thread(move, cluster, slot_of(lane), master, other)
        is_moved.set()
        written = await writer
        assert await outbox.flushed(10)
        assert await numbers(store, lane) == list(range(written))
        assert await has_lane(cluster, lane) is other


async def test_a_dead_master_holds_up_its_own_lanes_only(cluster: Cluster) -> None:
    """Those of others are written at once; its own when its replica is master."""
    async with writing(cluster) as (outbox, store):
        for lane in range(LANES):
            write(outbox, lane, 0)
        assert await outbox.flushed(10)
        master = await has_lane(cluster, 0)
        well = 1
        while await has_lane(cluster, well) is master:
            well += 1
        await asyncio.to_thread(master.kill)
        await wait_until(lambda: outbox.lane_away_since_ms(0) is not None, "lane 0 is away")
        write(outbox, 0, 1)
        write(outbox, well, 1)

        async def is_written() -> bool:
            return await numbers(store, well) == [0, 1]

        await wait_until(is_written, "the other lane is written")
        assert outbox.lane_away_since_ms(well) is None

        def is_told_apart() -> bool:
            away_ms = outbox.lane_slowest_ms(0, now_ms())
            return 2 * outbox.lane_slowest_ms(well, now_ms()) < away_ms <= outbox.slowest_ms(now_ms())

        await wait_until(is_told_apart, "lane 0 is slow, and the other one is not")
        assert "hash slots" in outbox.trouble
        await wait_until(lambda: outbox.lane_away_since_ms(0) is None, "lane 0 is back", timeout_s=30)
        assert await outbox.flushed(30)

        async def is_there() -> bool:
            try:  # The store's first command goes to the master that it knew.
                return (await numbers(store, 0))[-1:] == [1]
            except STORE_ERRORS:
                return False

        await wait_until(is_there, "lane 0 has what was written meanwhile")
    cluster.heal()


async def test_a_reader_follows_its_lane(cluster: Cluster) -> None:
    """A slot moves while it reads: each entry once, in order."""
    lane, got = 5, list[int]()

    def take(entries: list[Entry]) -> None:
        got.extend(int(fields[1]) for _, fields in entries)

    async with writing(cluster) as (outbox, store):
        servers = Servers(cluster.url)
        inbox = Inbox(servers.way(KEYS.calls(lane)), name="ingress-0@h#1", read_gap_ms=1)
        inbox.watch(stream(lane), "0", take)
        async with running(inbox.run()):
            write(outbox, lane, 0)
            await wait_until(lambda: got == [0], "it reads")
            master = await has_lane(cluster, lane)
            other = (await asyncio.to_thread(cluster.others, master))[0]
            await asyncio.to_thread(move, cluster, slot_of(lane), master, other)
            for number in range(1, 50):
                write(outbox, lane, number)
            await wait_until(lambda: len(got) == 50, "it reads on at the other", timeout_s=20)
        await servers.aclose()
        assert got == list(range(50))
        assert await numbers(store, lane) == got


def test_one_server_has_one_outbox() -> None:
    """In fewer system calls."""
    servers = Servers("redis://127.0.0.1:1/0")
    assert isinstance(make_outbox(servers, Keys(LANES), name="t", commit_ms=1), Outbox)
