"""What there is."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest

from proofs.prove.chaos.setting import census
from shared.contract.keys import Keys
from shared.store.client import Store

KEYS, SID = Keys(1), "CA" + "1" * 32


def test_keys_are_told_by_kind() -> None:
    """What stays for people is none of them."""
    assert census.kind_of(KEYS.caller(SID)) == "caller"
    assert census.kind_of(KEYS.reply(SID)) == "reply"
    assert census.kind_of(KEYS.owned(0, "brain-0@h#1")) == "owned"
    assert census.kind_of(KEYS.wake(0, "brain-0@h#1")) == "wake"
    assert census.kind_of(KEYS.out("ingress-0@h#1")) == "out"
    assert census.kind_of(KEYS.card(SID)) is None
    assert census.kind_of(KEYS.part(SID, "journal")) is None
    assert census.kind_of("tl:config") is None


def test_tasks_are_read_from_the_metrics() -> None:
    """None where they are not said."""
    assert census.tasks_in("# HELP x\ntrunkline_tasks 17.0\n") == 17
    assert census.tasks_in("") is None


async def test_keys_and_entries_are_counted(store: Store) -> None:
    """As they stand in Redis."""
    await store.redis.xadd(KEYS.caller(SID), {"a": "b"})
    await store.redis.zadd(KEYS.slots(0), {SID: 1})

    found = await census._keys(store, KEYS)

    assert (found["caller"], found["entries of slots"], found["entries of live"]) == (1, 1, 0)


async def test_a_key_that_two_servers_name_is_counted_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A master and the replica that it has become, behind a client that does not know yet."""
    key = KEYS.caller(SID)

    async def twice(**_: object) -> AsyncIterator[bytes]:
        for name in (key.encode(), key.encode()):
            yield name

    monkeypatch.setattr(store.redis, "scan_iter", twice)

    assert (await census._keys(store, KEYS))["caller"] == 1


async def test_entries_of_all_lanes_are_counted(store: Store) -> None:
    """Where there are several."""
    for lane in (0, 3):
        await store.redis.zadd(Keys(4).slots(lane), {SID: 1})
    assert (await census._keys(store, Keys(4)))["entries of slots"] == 2
    assert (await census._keys(store, Keys(2)))["entries of slots"] == 1


def test_connections_to_redis_are_no_leak() -> None:
    """A pool keeps them, also when their server is gone; others count."""
    with socket.create_server(("127.0.0.1", 0)) as redis, socket.create_server(("127.0.0.1", 0)) as other:
        port = redis.getsockname()[1]
        before = census._fds(os.getpid(), {port})
        with socket.create_connection(redis.getsockname()), socket.create_connection(other.getsockname()):
            assert census._fds(os.getpid(), {port}) == before + 1
            redis.accept()[0].close()
            assert census._fds(os.getpid(), {port}) == before + 1


def test_processes_are_read_from_proc() -> None:
    """A gone one is left out."""
    pids = {"me": os.getpid(), "gone": 2**22 + 1}
    assert set(census._of(pids, partial(census._fds, redis_ports={1}))) == {"me"}
    assert census._of(pids, census._rss_bytes)["me"] > 2**20
