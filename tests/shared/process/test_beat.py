"""The process's own keys, on real servers."""

from __future__ import annotations

import asyncio
import contextlib
from typing import cast

from shared.contract import keys as key_names
from shared.process.beat import beat, drop_own_keys, keep_keys, keep_own_keys
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import load
from shared.store.client import Store
from tests.conftest import without_ttl
from tests.support.waiting import running, wait_until

OWN = ("tl:own:a", "tl:own:b")


class IdleRole:
    """A role that does nothing."""

    starts_without_redis = False
    own_streams = OWN

    async def start(self) -> None: ...

    async def drain(self) -> None: ...

    async def stop(self) -> None: ...

    def live_calls(self) -> int:
        return 2

    def not_ready(self) -> str:
        return ""


def make(url: str) -> Process:
    return make_process("egress", 0, load(env_file=None, redis_url=url, lanes=2))


def alive(process: Process) -> contextlib.AbstractAsyncContextManager[object]:
    """A process that beats and keeps its keys."""
    lost = asyncio.Event()
    return running(beat(process, IdleRole(), lost), keep_keys(process, OWN, lost))


async def test_keys_are_made_empty_renewed_and_dropped(store: Store, redis_url: str) -> None:
    """A doorbell a lane and the role's own: none without a TTL, what others wrote is kept."""
    process = make(redis_url)
    streams = [process.keys.wake(0, process.name), process.keys.wake(1, process.name), *OWN]
    await keep_own_keys(process, OWN)
    assert [await store.xlen(key) for key in streams] == [0, 0, 0, 0]
    assert await without_ttl(store) == []

    await store.xadd(OWN[0], {"a": "1"})
    await store.pexpire(OWN[0], 1000)
    await keep_own_keys(process, OWN)
    assert await store.xlen(OWN[0]) == 1
    assert await store.pttl(OWN[0]) > 1000

    await drop_own_keys(process, OWN)
    assert await store.exists(*streams) == 0
    await process.store.aclose()


async def test_a_beat_says_what_the_worker_carries(store: Store, redis_url: str) -> None:
    """And makes its streams again at once when Redis came back empty."""
    process = make(redis_url)
    key = process.keys.worker(process.name)
    async with running(process.outbox.run()):
        await wait_until(lambda: process.outbox.connected, "the outbox is connected")
        async with alive(process):
            await wait_until(lambda: _is_there(store, key), "it shows itself")
            figures = await store.hgetall_text(key)
            assert {name: figures[name] for name in ("role", "calls", "capacity", "draining")} == {
                "role": "egress", "calls": "2", "capacity": "100", "draining": "0",
            }  # fmt: skip
            assert await store.smembers(key_names.WORKERS) == {process.name.encode()}

            await store.redis.flushall()
            await store.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await wait_until(lambda: _is_there(store, *OWN), "its streams are there again")
    await process.store.aclose()
    await asyncio.sleep(0)


async def test_a_redis_that_was_emptied_is_noticed_by_the_beat(store: Store, redis_url: str) -> None:
    """No connection was lost: the answer to a beat says that the one before is forgotten."""
    process = make(redis_url)
    async with running(process.outbox.run()):
        await wait_until(lambda: process.outbox.connected, "the outbox is connected")
        await keep_own_keys(process, OWN)
        async with alive(process):
            await wait_until(lambda: _is_there(store, process.keys.worker(process.name)), "it shows itself")
            assert process.emptied == 0
            await store.redis.flushall()
            await wait_until(lambda: _is_there(store, *OWN), "its streams are there again", timeout_s=1.5)
            assert process.emptied == 1
            await wait_until(lambda: _is_there(store, key_names.CONFIG), "the number of lanes stands there")
    await process.store.aclose()


class HangingStore:
    """A client whose Redis answers nothing."""

    async def exists(self, *keys: str) -> int:
        await asyncio.Event().wait()
        raise AssertionError


async def test_keys_that_wait_for_redis_do_not_hold_up_the_beat(store: Store, redis_url: str) -> None:
    """A healthy worker would be taken for dead."""
    process = make(redis_url)
    await keep_own_keys(process, OWN)
    client, process.store = process.store, cast(Store, HangingStore())
    lost = asyncio.Event()
    lost.set()
    tasks = (process.outbox.run(), keep_keys(process, OWN, lost), beat(process, IdleRole(), lost))
    async with running(*tasks):
        await wait_until(lambda: not lost.is_set(), "the keys are asked for")
        key = process.keys.worker(process.name)

        async def has_beaten() -> bool:
            return int(await store.hget(key, "beat") or 0) >= 4

        await wait_until(has_beaten, "it beats on", timeout_s=4)
    await client.aclose()


async def _is_there(store: Store, *keys: str) -> bool:
    return await store.exists(*keys) == len(keys)


async def test_a_stream_that_is_gone_is_made_again_within_a_beat(store: Store, redis_url: str) -> None:
    """Whoever deleted it: what others have for us has no other way."""
    process = make(redis_url)
    await keep_own_keys(process, OWN)
    streams = [OWN[0], process.keys.wake(0, process.name), process.keys.wake(1, process.name)]
    async with running(process.outbox.run()), alive(process):
        for key in streams:
            await store.delete(key)

            async def is_back(key: str = key) -> bool:
                return await store.exists(key) == 1

            await wait_until(is_back, f"{key} is there again", timeout_s=3)
        assert await without_ttl(store) == []
    await process.store.aclose()
