"""Reading control messages on real servers: each once, in order, from a position."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from shared.contract.streams.control import Flushed, Letter, Say
from shared.logs.log import get_log
from shared.ownership.control_feed import ControlFeed
from shared.ownership.counters import OwnershipCounters
from shared.store.client import Store
from shared.store.writing.outbox import Outbox
from tests.shared.ownership.test_steps import CALL, KEYS
from tests.support.waiting import running, wait_until
from tests.support.ways import way_to


class Reading:
    """A feed, and what it was told."""

    def __init__(self, store: Store, outbox: Outbox, position: str = "0") -> None:
        self.letters: list[Letter] = []
        self.counters = OwnershipCounters()
        self.tasks: set[asyncio.Task[None]] = set()
        self.feed = ControlFeed(
            store, outbox, KEYS, CALL, self.spawn, self.letters.append, self.counters, get_log(), position
        )

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        self.tasks.add(asyncio.create_task(coroutine, name=name))

    async def read(self) -> list[Letter]:
        """Rings and waits until all is read."""
        self.feed.ring()
        await asyncio.gather(*self.tasks)
        return self.letters


@pytest.fixture
def reading(any_store: Store) -> Reading:
    """Of a stream that is there; nothing is swept."""
    return Reading(any_store, Outbox(way_to("redis://127.0.0.1:1/0"), name="t", commit_ms=0))


async def add(store: Store, **fields: str) -> bytes:
    """An entry of `control`; `sender` stands for the word `from`."""
    named = {("from" if name == "sender" else name): value for name, value in fields.items()}
    entry_id = await store.xadd(KEYS.control(CALL), named)
    assert entry_id is not None
    return entry_id


async def test_a_message_that_came_twice_is_read_once(any_store: Store, reading: Reading) -> None:
    """An unknown write is sent again; the number tells."""
    for _ in range(2):
        await add(any_store, kind="flushed", sender="egress-0@h#1", n="1", epoch="1", cut="3", items="[]")
    assert [letter.message for letter in await reading.read()] == [Flushed(cut=3, items="[]")]


async def test_an_owner_counts_again_under_a_higher_epoch(any_store: Store, reading: Reading) -> None:
    """A worker that lost a call and claimed it again begins at 1: its messages are new."""
    for epoch in ("1", "1001"):
        await add(any_store, kind="ended", sender="egress-0@h#1", n="1", epoch=epoch, outcome="x")
    assert [letter.epoch for letter in await reading.read()] == [1, 1001]


async def test_what_a_hand_types_counts_each_time(any_store: Store, reading: Reading) -> None:
    """Operators write no numbers: two `say` are two."""
    for _ in range(2):
        await add(any_store, kind="say", text="שלום")
    assert [letter.message for letter in await reading.read()] == [Say(text="שלום", force=False)] * 2


async def test_a_reader_goes_on_from_its_position(any_store: Store) -> None:
    """The position is stored on the card; a new owner starts there."""
    first = await add(any_store, kind="hangup")
    last = await add(any_store, kind="say", text="x")
    outbox = Outbox(way_to("redis://127.0.0.1:1/0"), name="t", commit_ms=0)
    reading = Reading(any_store, outbox, position=first.decode())
    assert [letter.kind for letter in await reading.read()] == ["say"]
    assert reading.feed.position == last.decode()


async def test_what_a_process_cannot_have_meant_is_counted(any_store: Store, reading: Reading) -> None:
    """A report without its figures is an error of the contract; what comes behind it is read."""
    await add(any_store, kind="audible", sender="egress-0@h#1", n="1", epoch="1", cut="3")
    await add(any_store, kind="say", text="x")
    assert [letter.kind for letter in await reading.read()] == ["say"]
    assert reading.counters.contract_errors == 1


async def test_a_sweep_finds_what_nobody_rang_for(store: Store, redis_url: str) -> None:
    """As a person types it; a sweep that finds nothing starts no reading."""
    outbox = Outbox(way_to(redis_url), name="t", commit_ms=0)
    reading = Reading(store, outbox)
    async with running(outbox.run()):
        reading.feed.sweep()
        assert await outbox.flushed(5)
        assert reading.tasks == set()
        await add(store, kind="say", text="x")
        reading.feed.sweep()
        await wait_until(lambda: len(reading.letters) == 1, "the message is read")


async def test_a_feed_that_was_stopped_tells_nothing(any_store: Store, reading: Reading) -> None:
    """The call is over: a late ring leads to nothing."""
    await add(any_store, kind="say", text="x")
    reading.feed.stop()
    assert await reading.read() == []


async def test_ids_that_begin_anew_lose_nothing(any_store: Store) -> None:
    """A failover has lost the last entries, and the new server's clock is behind: what comes has lower ids
    than what was read. Each is read once; what another owner had read, never."""
    key = KEYS.control(CALL)

    async def write(entry_id: str, **fields: str) -> None:
        named = {("from" if name == "sender" else name): value for name, value in fields.items()}
        await any_store.redis.xadd(key, named, id=entry_id)  # type: ignore[arg-type]

    await write("100-0", kind="say", text="another's")
    reading = Reading(
        any_store, Outbox(way_to("redis://127.0.0.1:1/0"), name="t", commit_ms=0), position="100-0"
    )
    await write("200-0", kind="say", text="a")
    await write("300-0", kind="dtmf", digit="1", leg="1", sender="ingress-0@h#1", n="1")
    assert len(await reading.read()) == 2
    await any_store.redis.delete(key)
    await write("100-0", kind="say", text="another's")
    await write("200-0", kind="say", text="a")
    await write("201-0", kind="dtmf", digit="2", leg="1", sender="ingress-0@h#1", n="2")
    assert [letter.number for letter in await reading.read()] == ["", "1", "2"]
    await write("202-0", kind="dtmf", digit="3", leg="1", sender="ingress-0@h#1", n="3")
    assert [letter.number for letter in await reading.read()] == ["", "1", "2", "3"]
