"""What a Redis must be like: waited for when away, refused when it cannot serve."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shared.redis_url import RedisPlace, read
from shared.store.access.check import flaw_of, inspect, judge, not_looked_at, wait_for_redis
from shared.store.client import Store, make_store
from shared.store.errors import RedisForbids, RedisLoginRefused, RedisRefused
from tests.support import shapes
from tests.support.servers import free_port, server, valkey_binary

ONE = read("redis://127.0.0.1/0")
CLUSTER = {"cluster-enabled": "yes", "cluster-require-full-coverage": "no"}


async def test_a_good_server_is_named(store: Store) -> None:
    """The version is for the log."""
    assert (await inspect(store, 1, ONE)).split()[0] in ("Redis", "Valkey")


async def test_an_evicting_server_is_refused(store: Store) -> None:
    """It would delete live calls without a word."""
    await store.redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(RedisRefused, match="noeviction"):
            await inspect(store, 1, ONE)
    finally:
        await store.redis.config_set("maxmemory-policy", "noeviction")


async def test_another_number_of_lanes_is_refused(store: Store) -> None:
    """Calls would be looked for in the wrong place."""
    await inspect(store, 4, ONE)
    with pytest.raises(RedisRefused, match="TRUNKLINE_LANES=4"):
        await inspect(store, 8, ONE)


async def test_a_redis_that_is_mended_is_taken(store: Store) -> None:
    """Nobody has to start the process again."""
    refused: asyncio.Queue[RedisRefused] = asyncio.Queue()
    await store.redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        waiting = asyncio.create_task(wait_for_redis(store, 1, ONE, lambda _why: None, refused.put_nowait))
        assert "noeviction" in str(await refused.get())
    finally:
        await store.redis.config_set("maxmemory-policy", "noeviction")
    assert await asyncio.wait_for(waiting, 10)


@pytest.mark.parametrize(
    ("url", "infos", "config", "said"),
    [
        ("redis://h", [{"redis_version": "6.2.1"}], {}, "Redis 7.0 or newer, got 6.2.1"),
        ("redis://h", [{"redis_version": "7.2.4", "valkey_version": "7.2.5"}], {}, "Valkey 8.0 or newer"),
        ("redis://h", [{"redis_version": "7.0.0", "cluster_enabled": 1}], {}, "cluster://host:port"),
        ("sentinel://h/m", [{"redis_version": "7.0.0"}], {}, "min-replicas-to-write 1"),
        (
            "cluster://h",
            [{"redis_version": "7.0.0", "cluster_enabled": 1}],
            {"cluster-require-full-coverage": "yes"},
            "cluster-require-full-coverage no",
        ),
        ("cluster://h", [{"redis_version": "7.0.0"}, {"redis_version": "6.0.0"}], {}, "got 6.0.0"),
    ],
)
def test_what_no_waiting_mends_is_told_in_words(
    url: str, infos: list[dict[str, object]], config: dict[str, str], said: str
) -> None:
    """What was expected, what came, what to do; of each master."""
    with pytest.raises(RedisRefused, match=said):
        judge(infos, config, read(url))


def test_masters_of_two_versions_are_both_named() -> None:
    """While a Cluster is being upgraded."""
    infos = [{"redis_version": "7.0.15"}, {"redis_version": "7.2.4"}, {"redis_version": "7.0.15"}]
    assert judge(infos, {}, read("cluster://h")) == "Redis 7.0.15 and Redis 7.2.4"


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"redis_version": "7.4.8"}, "below 7.4.9"),
        ({"redis_version": "7.4.9"}, ""),
        ({"redis_version": "7.4.10"}, ""),
        ({"redis_version": "7.0.15"}, ""),
        ({"redis_version": "9.0.0"}, ""),
        ({"redis_version": "7.2.4", "valkey_version": "8.1.6"}, "below 8.1.7"),
        ({"redis_version": "7.2.4", "valkey_version": "8.1.7"}, ""),
        ({"redis_version": "7.2.4", "valkey_version": "9.0.3"}, "below 9.0.4"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, ""),
    ],
)
def test_a_patch_level_is_judged_by_its_own_line(info: dict[str, object], said: str) -> None:
    """It is told, and keeps nobody from starting."""
    assert said in flaw_of(info)
    assert bool(flaw_of(info)) == bool(said)
    assert judge([info], {}, ONE)


def test_what_a_user_may_not_look_at_is_said() -> None:
    """Only of a Cluster is there such a setting."""
    spread = read("cluster://h")
    assert not_looked_at({}, spread) == "cluster-require-full-coverage"
    assert not_looked_at({"cluster-require-full-coverage": "no"}, spread) == not_looked_at({}, ONE) == ""


async def test_a_role_of_a_cluster_says_what_it_did_not_look_at(tmp_path: Path) -> None:
    """Its user may not see the configuration; the setting may be wrong all the same."""
    with shapes.standalone(tmp_path, settings=CLUSTER) as one:
        await asyncio.to_thread(one.node.ask, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        rules = "on >secret ~* +@all -config"
        await asyncio.to_thread(one.node.ask, "ACL", "SETUSER", "app", *rules.split())
        place, at = read("cluster://h"), f"127.0.0.1:{one.node.port}"
        store = make_store(f"cluster://app:secret@{at}", name="t")
        assert "not looked at: cluster-require-full-coverage" in await _once_up(store, place)
        await store.aclose()


async def _once_up(store: Store, place: RedisPlace) -> str:
    waiting = wait_for_redis(store, 16, place, lambda _why: None, lambda _refused: None)
    return await asyncio.wait_for(waiting, 10)


async def test_a_cluster_that_lets_nobody_in_says_so(tmp_path: Path) -> None:
    """A wrong password, or a user that may not even ask where keys are: redis-py says only that no node could
    be reached."""
    with shapes.standalone(tmp_path, settings=CLUSTER) as one:
        await asyncio.to_thread(one.node.ask, "ACL", "SETUSER", "app", "on", ">secret", "+ping")
        at, place = f"127.0.0.1:{one.node.port}", read("cluster://h")
        for url, kind, said in (
            (f"cluster://app:wrong@{at}", RedisLoginRefused, "user and password to be taken"),
            (f"cluster://app:secret@{at}", RedisForbids, "client|setname"),
        ):
            store = make_store(url, name="t")
            with pytest.raises(kind) as refused:
                await inspect(store, 16, place, user="app")
            assert said in str(refused.value)
            await store.aclose()


async def test_a_server_that_comes_late_is_waited_for(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each vain attempt says why; then the check passes."""
    port, reasons = free_port(), asyncio.Queue[str]()
    late = make_store(f"redis://127.0.0.1:{port}/0", name="t")
    waiting = asyncio.create_task(wait_for_redis(late, 1, ONE, reasons.put_nowait, lambda _refused: None))
    assert "ConnectionError" in await reasons.get()
    folder = tmp_path_factory.mktemp("late")
    with server(valkey_binary(), folder, port=port):
        assert "Valkey" in await asyncio.wait_for(waiting, 10)
        await late.aclose()
