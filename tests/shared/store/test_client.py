"""Every command of the store, on real servers and on fakeredis: what goes in, what comes out."""

from __future__ import annotations

import asyncio
from hashlib import sha1
from pathlib import Path

import pytest
from redis.exceptions import NoScriptError, ResponseError

from proofs.prove.chaos.shapes.cluster import Cluster
from shared.contract.entry import text_of
from shared.contract.keys import Keys
from shared.contract.lua.scripts import Script, ScriptCall
from shared.contract.streams.doorbell import Why, ring_command
from shared.ownership.steps import run
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS
from tests.support import shapes


def test_text_of_a_hash_replaces_what_is_no_text() -> None:
    """A hand may have written anything, in names too."""
    assert text_of({b"name": "שלום".encode(), b"\xff": b"\xfe"}) == {"name": "שלום", "�": "�"}


async def test_hashes_are_read_as_bytes_and_as_text(any_store: Store) -> None:
    """A missing field is None among bytes, and absent among texts."""
    assert await any_store.hset("h", mapping={"a": "1", "b": "שלום"}) == 2
    assert await any_store.hset("h", "c", 3) == 1
    assert await any_store.hget("h", "a") == b"1"
    assert await any_store.hget("h", "z") is None
    assert await any_store.hmget("h", ["c", "z"]) == [b"3", None]
    assert await any_store.hmget_text("h", ["b", "z"]) == {"b": "שלום"}
    assert await any_store.hgetall("h") == {b"a": b"1", b"b": "שלום".encode(), b"c": b"3"}
    assert await any_store.hgetall_text("h") == {"a": "1", "b": "שלום", "c": "3"}
    assert await any_store.hgetall_text("none") == {}
    assert not await any_store.hsetnx("h", "a", "2")
    assert await any_store.hsetnx("h", "d", "2")


async def test_sets_and_sorted_sets(any_store: Store) -> None:
    """Members are bytes, counts are numbers."""
    assert await any_store.sadd("s", "a", "b") == 2
    assert await any_store.srem("s", "b", "z") == 1
    assert await any_store.smembers("s") == {b"a"}
    assert await any_store.zadd("z", {"late": 2.0, "early": 1.5}) == 2
    assert await any_store.zrange("z", 0, -1) == [b"early", b"late"]
    assert await any_store.zscore("z", "early") == 1.5
    assert await any_store.zscore("z", "none") is None
    assert await any_store.zrem("z", "late") == 1
    assert await any_store.zcard("z") == 1


async def test_keys_and_their_ttl(any_store: Store) -> None:
    """-1 is for ever, -2 is no key."""
    await any_store.hset("h", "a", "1")
    assert await any_store.ttl("h") == -1
    assert await any_store.expire("h", 100)
    assert await any_store.pexpire("h", 50_000)
    assert 40_000 < await any_store.pttl("h") <= 50_000
    assert not await any_store.pexpire("none", 1000)
    assert await any_store.ttl("none") == -2
    assert [key async for key in any_store.scan_iter(match="h*")] == [b"h"]
    assert await any_store.exists("h", "none") == 1
    assert await any_store.delete("h", "none") == 1


async def test_streams(any_store: Store) -> None:
    """Entries come as (id, fields), in order; what is not there is empty."""
    first = await any_store.xadd("s", {"n": 1}, id="1-0")
    await any_store.xadd("s", {"n": 2}, id="2-0")
    assert first == b"1-0"
    assert await any_store.xadd("none", {"n": 1}, nomkstream=True) is None
    assert await any_store.xrange("s") == [(b"1-0", {b"n": b"1"}), (b"2-0", {b"n": b"2"})]
    assert await any_store.xrange("s", min="(1-0", count=5) == [(b"2-0", {b"n": b"2"})]
    assert await any_store.xrevrange("s", count=1) == [(b"2-0", {b"n": b"2"})]
    ((key, entries),) = await any_store.xread({"s": "1-0", "none": "0"}, count=5)
    assert (key, entries) == (b"s", [(b"2-0", {b"n": b"2"})])
    assert await any_store.xread({"s": "2-0"}, block=1) == []
    assert await any_store.xdel("s", "1-0") == 1
    assert await any_store.xtrim("s", maxlen=0, approximate=False) == 1
    assert await any_store.xlen("s") == 0


async def test_consumer_groups(any_store: Store) -> None:
    """What one was handed another can take over."""
    await any_store.xgroup_create("s", "g", id="0", mkstream=True)
    with pytest.raises(ResponseError, match="BUSYGROUP"):
        await any_store.xgroup_create("s", "g", id="0")
    await any_store.xadd("s", {"n": 1}, id="1-0")
    entry = (b"1-0", {b"n": b"1"})
    ((_, entries),) = await any_store.xreadgroup("g", "one", {"s": ">"}, count=5)
    assert entries == [entry]
    assert await any_store.xreadgroup("g", "one", {"s": ">"}) == []
    assert await any_store.xautoclaim("s", "g", "two", 0, count=5) == [entry]
    assert await any_store.xclaim("s", "g", "one", [b"1-0"]) == [b"1-0"]


async def test_scripts_and_pipelines(any_store: Store) -> None:
    """A script that the server does not know is its own error; a pipeline answers in order."""
    text = "return {KEYS[1], ARGV[1]}"
    sha = sha1(text.encode()).hexdigest()
    await any_store.redis.script_flush()
    with pytest.raises(NoScriptError):
        await any_store.evalsha(sha, 1, "key", "value")
    await any_store.script_load(text, "key")
    assert await any_store.evalsha(sha, 1, "key", "value") == [b"key", b"value"]
    async with any_store.pipeline(transaction=True) as pipe:
        pipe.hset("h", "a", "1")
        pipe.hgetall("h")
        assert await pipe.execute() == [1, {b"a": b"1"}]


async def test_each_command_has_an_answer_of_its_own(any_store: Store) -> None:
    """In order; one that is refused costs no other its own."""
    await any_store.hset("h", mapping={"a": "1"})
    await any_store.sadd("s", "m")
    found = await any_store.ask_each([("HMGET", "h", "a", "b"), ("HMGET", "s", "a"), ("SMEMBERS", "s")])
    assert (found[0], found[2]) == ([b"1", None], {b"m"})
    assert isinstance(found[1], ResponseError)


async def test_of_a_server_that_does_not_answer_all_have_the_error() -> None:
    """None is raised."""
    store = make_store("redis://127.0.0.1:1", name="test")
    found = await store.ask_each([("HMGET", "h", "a"), ("SMEMBERS", "s")])
    assert [isinstance(each, STORE_ERRORS) for each in found] == [True, True]
    await store.aclose()


async def test_a_command_of_the_contract_goes_by_itself(any_store: Store) -> None:
    """As it is; nobody rings at a stream that is not there."""
    command = ring_command(Keys(1), 0, "brain-0@h#1", "CA1", Why.CONTROL)
    assert await any_store.execute(command) is None
    await any_store.xadd(Keys(1).wake(0, "brain-0@h#1"), {"v": "1"})
    assert isinstance(await any_store.execute(command), bytes)
    assert await any_store.xlen(Keys(1).wake(0, "brain-0@h#1")) == 2


async def test_what_a_server_says_of_itself(store: Store) -> None:
    """Its clock, its version, its configuration."""
    await store.ping()
    seconds, microseconds = await store.time()
    assert seconds > 1_700_000_000
    assert 0 <= microseconds < 1_000_000
    assert "redis_version" in await store.info("server")
    assert await store.configs("maxmemory-policy") == {"": {"maxmemory-policy": "noeviction"}}


async def test_a_command_of_the_contract_goes_to_a_cluster_too(tmp_path: Path) -> None:
    """redis-py looks up there how each command is sent, and tells every master a script."""
    with shapes.cluster(tmp_path) as cluster:
        store = make_store(cluster.url, name="test")
        assert await store.execute(ring_command(Keys(1), 0, "brain-0@h#1", "CA1", Why.DRAIN)) is None
        await _runs_where_its_key_is(store, cluster)
        await store.aclose()


async def _runs_where_its_key_is(store: Store, cluster: Cluster) -> None:
    """A script that is not known there is told there, while another master stands still and has none."""
    key, elsewhere = Keys(16).calls(0), Keys(16).calls(1)
    here, other = await asyncio.to_thread(cluster.masters_of, [key, elsewhere])
    assert here is not other
    text = "return {KEYS[1], ARGV[1]}"
    script = Script("echo", text, sha1(text.encode()).hexdigest())
    await store.hget(elsewhere, "f")
    other.pause()
    try:
        assert await run(store, ScriptCall(0, script, (key,), ("value",))) == [key.encode(), b"value"]
    finally:
        other.go_on()
