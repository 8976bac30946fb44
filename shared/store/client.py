"""redis-py, with every option explicit: for all that is not the hot path.

Why it exists: the library's defaults changed between versions (time-outs, retries, protocol), and its
retry repeats a write whose answer was lost. A time-out here means *unknown*, never *failed*, and only
what is idempotent is tried again, by its caller (docs/decisions.md).
"""

from __future__ import annotations

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

COMMAND_TIMEOUT_S = 1.0
CONNECT_TIMEOUT_S = 1.0

MAX_CONNECTIONS = 32
"""A command that finds all of them busy waits for one, at most its own time-out."""

STORE_ERRORS = (RedisError, OSError, TimeoutError)
"""What a command may raise when Redis is away, slow or refuses."""

Store = redis.Redis
"""The client type that the roles use for commands outside the hot path. Replies are bytes."""


def make_store(url: str, *, name: str, timeout_s: float = COMMAND_TIMEOUT_S) -> Store:
    """A client for commands that answer at once. Cancelling a command costs its connection, no more."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=timeout_s,
        client_name=name,
        decode_responses=False,
        protocol=2,
        socket_timeout=timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        health_check_interval=0,
    )
    return redis.Redis.from_pool(pool)
