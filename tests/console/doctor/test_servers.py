"""What the doctor asks a Redis: of real servers. Of a Cluster: tests/console/test_on_a_cluster.py."""

from __future__ import annotations

import pytest
import redis as sync_redis
from redis.exceptions import NoPermissionError

from console.doctor.findings import Level
from console.doctor.redis import judge
from console.doctor.servers import redis_facts
from shared.redis_url import read
from shared.store.access.grants import OPERATOR
from shared.store.client import Store, make_store
from tests.support import acl

ONE = read("redis://host")


async def test_facts_of_real_servers(store: Store) -> None:
    """Valkey and Redis 7, as tests start them: good but for what they would lose at a restart."""
    await store.hset("tl:config", "lanes", "1")
    facts = await redis_facts(store, ONE)
    assert facts.lanes == "1"
    assert len(facts.round_trips_ms) == 50
    assert abs(facts.clock_ahead_ms) < 1000
    bad = [each for each in judge(facts, lanes=1) if each.level is Level.FAIL]
    assert [each for each in bad if each.what != "Redis latency"] == []
    warned = next(each for each in judge(facts, lanes=1) if each.what == "Redis persistence")
    assert "after a restart it is empty" in warned.found


async def test_a_user_who_may_not_see_the_configuration(redis_url: str) -> None:
    """All else is told; who may not even ask whether it is there is told so."""
    acl.install(redis_url, OPERATOR)
    with sync_redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "SETUSER", acl.user_of(OPERATOR), "-config|get")
    store = make_store(acl.url_of(redis_url, OPERATOR), name="test")
    facts = await redis_facts(store, ONE)
    assert (facts.config, facts.shape, facts.others) == ({}, "", [])
    assert facts.info["role"] == "master"
    with sync_redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "SETUSER", acl.user_of(OPERATOR), "-ping")
    with pytest.raises(NoPermissionError):
        await redis_facts(store, ONE)
    await store.aclose()
