"""redis-py's client for each shape: what a URL says reaches it, and what it must not do by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.redis_url import read
from shared.store.reach.pools import MAX_CONNECTIONS, MasterPool, close_client, make_client
from shared.store.reach.tls import SentinelTlsConnection, SharedTlsConnection


def options_of(client: Any) -> dict[str, Any]:
    """What each of its connections is made with."""
    if isinstance(client, RedisCluster):
        return dict(client.connection_kwargs)
    return dict(client.connection_pool.connection_kwargs)


@pytest.mark.parametrize(
    "url",
    [
        "redis://app:secret@h:7000/2",
        "rediss://app:secret@h:7000/2",
        "sentinel://app:secret@h:26379/name/2",
        "sentinels://app:secret@h:26379/name/2",
        "cluster://app:secret@h:7000",
        "clusters://app:secret@h:7000",
    ],
)
async def test_every_shape_is_asked_the_same_way(url: str) -> None:
    """User, password, name and time-outs; nothing is tried twice unasked."""
    place = read(url)
    client = make_client(place, name="us", timeout_s=0.7)
    options = options_of(client)
    assert (options["username"], options["password"]) == ("app", "secret")
    assert (options["client_name"], options["socket_timeout"]) == ("us", 0.7)
    assert options["protocol"] == 2
    if not isinstance(client, RedisCluster):
        assert options["db"] == 2
        assert options["retry"].get_retries() == 0
        assert client.connection_pool.max_connections == MAX_CONNECTIONS
        kind = client.connection_pool.connection_class
        assert issubclass(kind, SharedTlsConnection) == place.is_tls
    await close_client(client)


async def test_the_pool_of_a_master_waits_for_a_free_connection() -> None:
    """And makes connections that look for the master each time."""
    client = make_client(read("sentinels://h/name"), name="us", timeout_s=1)
    pool = client.connection_pool
    assert isinstance(pool, MasterPool)
    assert pool.connection_class is SentinelTlsConnection
    await close_client(client)


async def test_a_socket_of_this_host(tmp_path: Path) -> None:
    """By its path."""
    client = make_client(read(f"unix://{tmp_path}/redis.sock?db=3"), name="us", timeout_s=1)
    options = options_of(client)
    assert (options["path"], options["db"]) == (f"{tmp_path}/redis.sock", 3)
    with pytest.raises(RedisConnectionError):
        await client.ping()
    await close_client(client)


async def test_commands_wait_for_a_free_connection(valkey_url: str) -> None:
    """More at once than there may be connections are all answered."""
    client = make_client(read(valkey_url), name="us", timeout_s=5)
    answers = await asyncio.gather(*(client.ping() for _ in range(3 * MAX_CONNECTIONS)))
    assert len(answers) == 3 * MAX_CONNECTIONS
    clients = await client.client_list()
    assert 1 < len([each for each in clients if each["name"] == "us"]) <= MAX_CONNECTIONS
    await close_client(client)
