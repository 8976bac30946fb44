"""What must stand nowhere is found where it stands, and is not repeated."""

from __future__ import annotations

import os
from pathlib import Path

from proofs.prove.hostile import canaries
from shared.store.client import Store


def test_a_leak_says_what_stands_where_and_not_how_it_reads() -> None:
    """In a log, in metrics, on a command line."""
    looked_for = canaries.canaries("auth-secret", ["1.9.n.m", ""])
    assert len(looked_for) == 6
    texts = {"brain-0.log": f"a {canaries.API_KEY} b", "egress-0.log": "+15550001111", "clean.log": "c"}
    found = canaries.leaks(texts, looked_for)
    assert found == ["the API key stands in brain-0.log", "a caller's number stands in egress-0.log"]
    assert canaries.API_KEY not in "".join(found)
    assert canaries.leaks({"x": "1.9.n.m auth-secret"}, looked_for) == [
        "the auth token stands in x",
        "the stream token 0 stands in x",
    ]


async def test_redis_is_looked_at_key_by_key(store: Store) -> None:
    """Keys of any type, their names too; a caller's number has a key of its own, and words are the call's."""
    await store.redis.set("tl:a", "auth-secret")
    await store.redis.hset("tl:{0}:call:CA1:number", mapping={"from": canaries.CALLER_NUMBER})
    await store.redis.hset("tl:{0}:call:CA1", mapping={"from": canaries.CALLER_NUMBER})
    await store.redis.rpush("tl:list", "fine", "1.9.n.m")
    await store.redis.sadd("tl:set", "fine")
    await store.redis.zadd("tl:zset", {canaries.API_KEY: 1})
    await store.redis.xadd("tl:stream", {"text": canaries.WORDS, "audio": bytes(range(256))})
    await store.redis.set(f"tl:of:{canaries.CALLER_NUMBER}", "1")
    found = canaries.leaks_in_redis(
        await canaries.in_redis(store), canaries.canaries("auth-secret", ["1.9.n.m"])
    )
    assert sorted(found) == [
        "a caller's number stands in Redis: tl:of:…",
        "a caller's number stands in Redis: tl:{0}:call:CA1",
        "the API key stands in Redis: tl:zset",
        "the auth token stands in Redis: tl:a",
        "the stream token 0 stands in Redis: tl:list",
    ]


def test_logs_and_command_lines_are_read(tmp_path: Path) -> None:
    """Older logs too; a process that has ended has none."""
    (tmp_path / "brain-0.log").write_text("a")
    (tmp_path / "brain-0.log.1").write_bytes(b"\xff")
    (tmp_path / "supervisord.conf").write_text("c")
    assert set(canaries._logs(tmp_path)) == {"brain-0.log", "brain-0.log.1"}
    found = canaries._command_lines({"own": os.getpid(), "gone": 2**22 + 1})
    assert list(found) == ["command line of own"]
    assert found["command line of own"]
