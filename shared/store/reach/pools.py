"""redis-py's client for each shape of Redis, with every option explicit.

Why it exists: its defaults changed between versions (time-outs, retries, protocol), each shape has a class of
its own, and not all of them take the same options. Owns: the options of the connections. Must not know: which
commands are sent.
"""

from __future__ import annotations

from typing import Any

import redis.asyncio as redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff

from shared.redis_url import RedisPlace, Shape
from shared.store.reach.connections import SentinelConnection
from shared.store.reach.sentinels import sentinel_client
from shared.store.reach.servers import cluster_client
from shared.store.reach.tls import SentinelTlsConnection, SharedTlsConnection

CONNECT_TIMEOUT_S = 1.0

MAX_CONNECTIONS = 32
"""To one server. A command that finds all of them busy waits for one, at most its own time-out; on a Cluster
it fails."""


class MasterPool(SentinelConnectionPool, redis.BlockingConnectionPool):
    """Connections to whichever server is master; a command waits for one that is free.

    redis-py's own two classes.
    """


def make_client(place: RedisPlace, *, name: str, timeout_s: float) -> Any:
    """A client of the servers of a place, which shows itself there as `name`. Nothing is connected yet."""
    options: dict[str, Any] = {
        **{key: value for key, value in place.options.items() if key not in _OURS},
        "client_name": name,
        # Else the library looks its own version up for each connection, 3 ms of the loop, and a
        # burst of calls opens ten of them. Who we are is in the name.
        "driver_info": None,
        "decode_responses": False,
        "protocol": 2,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_keepalive": True,
        "health_check_interval": 0,
    }
    if place.shape is Shape.CLUSTER:
        return cluster_client(place, max_connections=MAX_CONNECTIONS, **options)
    options |= {"retry": Retry(NoBackoff(), 0), "retry_on_error": [], "db": place.database}
    if place.shape is Shape.SENTINEL:
        kind = SentinelTlsConnection if place.is_tls else SentinelConnection
        pool = MasterPool(  # type: ignore[no-untyped-call]
            place.master, sentinel_client(place), connection_class=kind, max_connections=MAX_CONNECTIONS,
            timeout=timeout_s, **options,
        )  # fmt: skip
        return redis.Redis.from_pool(pool)
    return redis.Redis.from_pool(_pool_of_one(place, timeout_s, options))


async def close_client(client: Any) -> None:
    """Closes its connections, and those to the Sentinels that it asks."""
    await client.aclose()
    if not isinstance(client, RedisCluster) and isinstance(client.connection_pool, MasterPool):
        await client.connection_pool.sentinel_manager.aclose()


# Private.

_OURS = frozenset({"max_connections", "timeout", "retry_on_timeout", "legacy_responses"})
"""What a URL may say and is decided here."""


def _pool_of_one(
    place: RedisPlace, timeout_s: float, options: dict[str, Any]
) -> redis.BlockingConnectionPool:
    host = place.hosts[0]
    if host.path:
        where: dict[str, Any] = {"path": host.path, "connection_class": redis.UnixDomainSocketConnection}
        options.pop("socket_keepalive")
    else:
        kind: type[redis.Connection] = SharedTlsConnection if place.is_tls else redis.Connection
        where = {"host": host.name, "port": host.port, "connection_class": kind}
    return redis.BlockingConnectionPool(
        max_connections=MAX_CONNECTIONS, timeout=timeout_s, **where, **options
    )
