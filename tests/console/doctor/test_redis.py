"""The doctor's rules about Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.doctor.findings import Level
from console.doctor.redis import RedisFacts, judge
from shared.redis_url import read
from shared.store.access.check import shape_problem
from shared.store.access.permissions import Missing

ONE = read("redis://host")

GOOD = RedisFacts(
    info={
        "redis_version": "7.0.15",
        "role": "master",
        "maxmemory_policy": "noeviction",
        "maxmemory": "0",
        "used_memory": "2000000",
        "aof_enabled": "1",
        "aof_last_write_status": "ok",
    },
    config={"save": "", "appendfsync": "everysec", "maxmemory-policy": "noeviction"},
    round_trips_ms=(0.2, 0.3, 0.4),
    clock_ahead_ms=12.0,
    lanes="1",
)


def with_info(**changes: str) -> RedisFacts:
    return replace(GOOD, info={**GOOD.info, **changes})


def with_config(info: dict[str, str], **changes: str) -> RedisFacts:
    names = {name.replace("_", "-"): value for name, value in changes.items()}
    return replace(GOOD, info={**GOOD.info, **info}, config={**GOOD.config, **names})


def test_a_good_redis_has_no_finding() -> None:
    """Every rule was asked and is content."""
    found = judge(GOOD, lanes=1)
    assert {each.level for each in found} == {Level.OK}
    assert len(found) == 8


NO_AOF = {"aof_enabled": "0"}


@pytest.mark.parametrize(
    ("facts", "what", "level", "said"),
    [
        (with_info(redis_version="6.2.14"), "Redis version", Level.FAIL, "Use Redis 7.0"),
        (with_info(valkey_version="7.2.5"), "Redis version", Level.FAIL, "Use Valkey 8.0"),
        (with_info(redis_version="7.4.5"), "Redis version", Level.WARN, "below 7.4.9"),
        (with_info(valkey_version="8.1.3"), "Redis version", Level.WARN, "CVE-2025-49844"),
        (replace(GOOD, unseen="cluster-x"), "Redis shape", Level.WARN, "CONFIG GET cluster-x"),
        (
            replace(GOOD, missing=Missing(refusal="ASK 866 127.0.0.1:7001")),
            "Redis writes",
            Level.FAIL,
            "SETSLOT SLOT STABLE",
        ),
        (with_info(role="slave"), "Redis role", Level.FAIL, "primary"),
        (with_info(maxmemory_policy="allkeys-lru"), "Redis memory policy", Level.FAIL, "noeviction"),
        (with_info(maxmemory="2400000"), "Redis memory", Level.WARN, "Raise maxmemory"),
        (with_info(maxmemory="2050000"), "Redis memory", Level.FAIL, "refused"),
        (with_info(loading="1"), "Redis persistence", Level.FAIL, "Wait"),
        (with_info(aof_last_write_status="err"), "Redis persistence", Level.FAIL, "disk"),
        (with_config({}, appendfsync="always"), "Redis persistence", Level.WARN, "everysec"),
        (with_config({}, appendfsync="no"), "Redis persistence", Level.WARN, "everysec"),
        (with_config({}, auto_aof_rewrite_percentage="0"), "Redis persistence", Level.WARN, "percentage 100"),
        (with_config(NO_AOF), "Redis persistence", Level.WARN, "webhooks that wait are gone"),
        (with_config(NO_AOF, save="3600 1"), "Redis persistence", Level.WARN, "snapshots only"),
        (
            with_config({**NO_AOF, "rdb_last_bgsave_status": "err"}, save="3600 1"),
            "Redis persistence",
            Level.FAIL,
            "disk",
        ),
        (replace(GOOD, round_trips_ms=(4.0, 4.0)), "Redis latency", Level.WARN, "nearer"),
        (replace(GOOD, round_trips_ms=(0.1, 0.1, 25.0)), "Redis latency", Level.WARN, "nearer"),
        (replace(GOOD, round_trips_ms=(0.1, 0.1, 250.0)), "Redis latency", Level.FAIL, "nearer"),
        (replace(GOOD, clock_ahead_ms=-700.0), "clocks", Level.WARN, "700 ms behind"),
        (replace(GOOD, clock_ahead_ms=4000.0), "clocks", Level.FAIL, "Synchronise"),
        (replace(GOOD, lanes="64"), "lanes", Level.FAIL, "TRUNKLINE_LANES=64"),
    ],
)
def test_each_fault_is_found_alone_and_says_what_to_do(
    facts: RedisFacts, what: str, level: Level, said: str
) -> None:
    """One finding that is not ok, with a remedy."""
    bad = [each for each in judge(facts, lanes=1) if each.level is not Level.OK]
    assert [(each.what, each.level) for each in bad] == [(what, level)]
    assert bad[0].do
    assert said in f"{bad[0].found} {bad[0].do}"


def test_a_redis_that_hides_its_configuration() -> None:
    """INFO has the policy; what it does not have is warned of, not guessed."""
    facts = replace(GOOD, info={**GOOD.info, **NO_AOF}, config={})
    assert [each.level for each in judge(facts, 1) if each.what == "Redis persistence"] == [Level.WARN]
    policy = {name: value for name, value in facts.info.items() if name != "maxmemory_policy"}
    found = {each.what: each.level for each in judge(replace(facts, info=policy), 1)}
    assert found["Redis memory policy"] is Level.WARN


def persistence(facts: RedisFacts) -> tuple[Level, str]:
    """What is found of it, and all that is said."""
    found = next(each for each in judge(facts, lanes=1) if each.what == "Redis persistence")
    return found.level, f"{found.found} {found.do}"


@pytest.mark.parametrize(
    "facts",
    [
        GOOD,
        with_info(aof_current_size="64000000"),
        with_config({}, auto_aof_rewrite_percentage="100"),
        with_config(NO_AOF),
        with_config(NO_AOF, save="3600 1"),
        replace(GOOD, info={**GOOD.info, **NO_AOF}, config={}),
    ],
)
def test_whoever_is_told_of_a_log_is_told_what_stays_on_the_disk(facts: RedisFacts) -> None:
    """Whether there is one or it is advised: callers' voices are in it."""
    _, said = persistence(facts)
    assert "what callers say" in said
    assert "disk" in said
    assert "CONFIG SET appendonly" not in said


def test_a_replica_is_as_good_as_a_disk() -> None:
    """What is lost with one server is not lost with it."""
    level, said = persistence(with_config({**NO_AOF, "connected_slaves": "2"}))
    assert level is Level.OK
    assert "nothing of a call is on its disk" in said


def test_the_size_of_a_log_is_told() -> None:
    """So much of what was said may be in it."""
    assert "64 MB now" in persistence(with_info(aof_current_size="64000000"))[1]


def test_masters_that_are_alike_are_told_once() -> None:
    """What differs is told too, in the same line where all is well."""
    others = (replace(GOOD, at="b:1"), replace(with_info(used_memory="9000000"), at="c:1"))
    found = judge(replace(GOOD, at="a:1", others=others), lanes=1)
    assert {each.level for each in found} == {Level.OK}
    assert len(found) == 8
    (memory,) = [each for each in found if each.what == "Redis memory"]
    assert memory.found == "2 MB used, no limit; 9 MB used, no limit"


def test_a_master_that_is_not_well_is_named() -> None:
    """Beside what the others say; a fault of all is one."""
    full = replace(with_info(maxmemory="2050000"), at="b:1")
    found = judge(replace(GOOD, at="a:1", others=(full,)), lanes=1)
    memory = [(each.what, each.level) for each in found if each.what.startswith("Redis memory")]
    assert memory == [
        ("Redis memory policy", Level.OK), ("Redis memory", Level.OK), ("Redis memory, b:1", Level.FAIL),
    ]  # fmt: skip
    found = judge(replace(full, at="a:1", others=(full,)), lanes=1)
    assert [each.what for each in found if each.level is Level.FAIL] == ["Redis memory"]


def test_a_shape_that_will_not_do() -> None:
    """In the words of the start-up check, which refuses it."""
    problem = shape_problem([{"cluster_enabled": "1"}], {}, ONE)
    (found,) = [each for each in judge(replace(GOOD, shape=problem), 1) if each.level is not Level.OK]
    assert (found.what, found.level) == ("Redis shape", Level.FAIL)
    assert "got a node of a Cluster" in found.found
    assert found.do == "Write cluster://host:port in REDIS_URL."


def test_a_user_that_may_not_do_all() -> None:
    """What is missing, and the rule that grants it; without INFO nothing else can be judged."""
    found = {each.what: each for each in judge(replace(GOOD, missing=Missing(commands=("xadd",))), lanes=1)}
    assert found["Redis permissions"].level is Level.FAIL
    assert found["Redis permissions"].found == "its user may not run xadd"
    assert "ACL SETUSER USER +xadd" in found["Redis permissions"].do
    alone = judge(replace(GOOD, info={}, missing=Missing(commands=("info",))), lanes=1)
    assert [each.what for each in alone] == ["Redis permissions"]
