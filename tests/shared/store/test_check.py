"""What a Redis must be like: waited for when away, refused when it cannot serve."""

from __future__ import annotations

import asyncio

import pytest

from shared.store.check import wait_for_redis
from shared.store.client import Store, make_store
from shared.store.errors import RedisRefused
from tests.support.servers import free_port, server, valkey_binary


async def test_a_good_server_is_named(store: Store) -> None:
    """The version is for the log."""
    assert (await wait_for_redis(store, 1, lambda _why: None)).split()[0] in ("Redis", "Valkey")


async def test_an_evicting_server_is_refused(store: Store) -> None:
    """It would delete live calls without a word."""
    await store.redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(RedisRefused, match="noeviction"):
            await wait_for_redis(store, 1, lambda _why: None)
    finally:
        await store.redis.config_set("maxmemory-policy", "noeviction")


async def test_another_number_of_lanes_is_refused(store: Store) -> None:
    """Calls would be looked for in the wrong place."""
    await wait_for_redis(store, 4, lambda _why: None)
    with pytest.raises(RedisRefused, match="TRUNKLINE_LANES=4"):
        await wait_for_redis(store, 8, lambda _why: None)


async def test_a_server_that_comes_late_is_waited_for(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each vain attempt says why; then the check passes."""
    port, reasons = free_port(), asyncio.Queue[str]()
    late = make_store(f"redis://127.0.0.1:{port}/0", name="t")
    waiting = asyncio.create_task(wait_for_redis(late, 1, reasons.put_nowait))
    assert "ConnectionError" in await reasons.get()
    folder = tmp_path_factory.mktemp("late")
    with server(valkey_binary(), folder, port=port):
        assert "Valkey" in await asyncio.wait_for(waiting, 10)
        await late.aclose()
