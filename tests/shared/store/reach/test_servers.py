"""Which server has a key: with Sentinels and on a Cluster, before and after a death or a slot's move."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from redis.asyncio.cluster import NodesManager
from redis.crc import key_slot

from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.sentinel import Watched
from shared.contract.keys import Keys
from shared.redis_url import RedisHost
from shared.resp import pack
from shared.store.client import make_store
from shared.store.errors import STORE_ERRORS
from shared.store.reach.link import ReplyError
from shared.store.reach.servers import Servers, moved_of
from tests.support import shapes
from tests.support.waiting import wait_until

LANES = 16
KEYS = Keys(LANES, spread=True)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with shapes.sentinel(tmp_path_factory.mktemp("sentinel")) as found:
        yield found


async def pinged(servers: Servers, key: str) -> bool:
    """Whether the server of a key takes a write now."""
    try:
        link = await servers.way(key).open(name="t")
    except STORE_ERRORS:
        return False
    reply = await link.ask(pack([b"XADD", key.encode(), b"*", b"f", b"v"]), timeout_s=1)
    if isinstance(reply, ReplyError):
        servers.note(str(reply))
    link.close()
    return not isinstance(reply, ReplyError)


async def test_one_server_has_all_keys() -> None:
    """And nobody is asked."""
    servers = Servers("redis://127.0.0.1:1/0")
    assert not servers.way("a").may_move
    servers.note("MOVED 1 127.0.0.1:2")
    with pytest.raises(OSError, match=r"127\.0\.0\.1"):
        await servers.way("a").open(name="t")
    await servers.aclose()


async def test_the_master_that_sentinels_name_is_found_again(watched: Watched) -> None:
    """After its death; a replica, which answers too, is never taken for it."""
    servers, store = Servers(watched.url), make_store(watched.url, name="t")
    assert await pinged(servers, "tl:a")
    await store.ping()
    (master,) = await asyncio.to_thread(watched.masters_of, ["tl:a"])
    await asyncio.to_thread(master.kill)

    async def is_back() -> bool:
        return await pinged(servers, "tl:a")

    await wait_until(is_back, "another master takes writes", timeout_s=30)

    async def takes_commands() -> bool:
        try:
            await store.hset("tl:h", "f", "v")
        except STORE_ERRORS:
            return False
        return True

    await wait_until(takes_commands, "the store finds it, too", timeout_s=30)
    await store.aclose()
    await servers.aclose()
    watched.heal()


async def test_each_lane_is_found_on_its_master(cluster: Cluster) -> None:
    """By the Cluster's own word; a connection to it takes writes of that lane."""
    servers = Servers(cluster.url)
    for lane in range(LANES):
        assert await pinged(servers, KEYS.calls(lane)), lane
    await servers.aclose()


async def test_a_slot_that_moved_is_followed(cluster: Cluster) -> None:
    """What a server says by MOVED counts at once, whatever the topology said before."""
    servers, key = Servers(cluster.url), KEYS.calls(3)
    slot = key_slot(key.encode())
    assert await pinged(servers, key)
    (master,) = await asyncio.to_thread(cluster.masters_of, [key])
    others = await asyncio.to_thread(cluster.others, master)
    host, port = others[0].address
    servers.note(f"MOVED {slot} {host}:{port}")
    link = await servers.way(key).open(name="t")
    info = await link.ask(pack([b"INFO", b"server"]), timeout_s=1)
    assert f"tcp_port:{port}".encode() in info
    refused = await link.ask(pack([b"XADD", key.encode(), b"*", b"f", b"v"]), timeout_s=1)
    assert str(refused).startswith(f"MOVED {slot} ")
    servers.note(str(refused))
    link.close()
    assert await pinged(servers, key)
    await servers.aclose()


async def test_moved_makes_nobody_read_the_topology(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says all that is needed, and reading takes the loop's time; a server that cannot be used is another
    matter."""
    read = 0
    initialize = NodesManager.initialize

    async def counted(self: NodesManager, *given: Any, **named: Any) -> None:
        nonlocal read
        read += 1
        await initialize(self, *given, **named)

    servers, key = Servers(cluster.url), KEYS.calls(3)
    assert await pinged(servers, key)
    (master,) = await asyncio.to_thread(cluster.masters_of, [key])
    monkeypatch.setattr(NodesManager, "initialize", counted)
    host, port = master.address
    servers.note(f"MOVED {key_slot(key.encode())} {host}:{port}")
    for lane in range(LANES):
        assert await pinged(servers, KEYS.calls(lane))
    assert read == 0
    servers.note("LOADING")
    assert await pinged(servers, key)
    assert read == 1
    await servers.aclose()


async def test_a_lane_outlives_its_master(cluster: Cluster) -> None:
    """Its replica has it; calls of other lanes notice nothing."""
    servers, key = Servers(cluster.url), KEYS.calls(0)
    keys = [KEYS.calls(lane) for lane in range(LANES)]
    master, *masters = await asyncio.to_thread(cluster.masters_of, keys)
    elsewhere = next(each for each, has in zip(keys[1:], masters, strict=True) if has is not master)
    assert await pinged(servers, key)
    await asyncio.to_thread(master.kill)
    assert await pinged(servers, elsewhere)

    async def is_back() -> bool:
        return await pinged(servers, key)

    await wait_until(is_back, "its replica takes writes", timeout_s=30)
    await servers.aclose()
    cluster.heal()


async def test_the_store_reaches_all_of_a_cluster(cluster: Cluster) -> None:
    """Keys of many slots in one pipeline, what each master says, one that is asked by itself."""
    store = make_store(cluster.url, name="t")
    assert store.is_cluster
    async with store.pipeline(transaction=False) as pipe:
        for lane in range(LANES):
            pipe.hset(KEYS.card_in(lane, "CA" + "0" * 32), "state", "attached")
        assert await pipe.execute() == [1] * LANES
    keys = [KEYS.calls(lane) for lane in range(LANES)]
    masters = {f"{node.site.host}:{node.port}" for node in await asyncio.to_thread(cluster.masters_of, keys)}
    await store.ping()
    assert (await store.time())[0] > 0
    policies = await store.configs("maxmemory-policy")
    connections = await store.connections()
    assert len(masters) == 3
    assert set(await store.infos("server")) == set(policies) == set(connections) == masters
    assert [each["maxmemory-policy"] for each in policies.values()] == ["noeviction"] * 3
    for connection in connections.values():
        await connection.connect()
        await connection.disconnect()
    names = [key async for key in store.scan_iter(match="tl:*")]
    assert len([name for name in names if b":call:" in name]) == LANES
    await store.aclose()


@pytest.mark.parametrize(
    ("said", "host"),
    [
        ("MOVED 3999 127.0.0.1:6381", RedisHost("127.0.0.1", 6381)),
        ("MOVED 3999 ::1:6381", RedisHost("::1", 6381)),
    ],
)
def test_what_moved_says_is_read(said: str, host: RedisHost) -> None:
    """Also of IPv6, which has no brackets there."""
    assert moved_of(said) == (3999, host)


@pytest.mark.parametrize(
    "said", ["MOVED", "MOVED x 127.0.0.1:1", "MOVED 1 127.0.0.1", "ASK 1 127.0.0.1:1", "OOM no"]
)
def test_what_says_no_place_is_none(said: str) -> None:
    """Then the topology is asked for again."""
    assert moved_of(said) is None
