"""The watchdog under a real supervisord: who hangs is restarted, and nobody when it is Redis that hangs."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest
import redis

from console.operate.watchdog import AWAKE_MOST_MS, SERVER_URL, Awake, BeatReader, Watchdog, answer, watch
from console.stack.launcher import Stack
from console.stack.plan import REPOSITORY, StackOptions
from console.stack.supervision import ProcessInfo, Supervisor
from proofs.prove.chaos.shapes.refusing import Refusal, allow, refuse
from shared.contract.keys import Keys
from shared.exit_codes import Exit
from shared.logs.log import Log, get_log
from shared.store.client import make_store
from tests.support import shapes
from tests.support.redis_samples import make_worker
from tests.support.servers import free_port, server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("deploy")]

HOST = "here"
NO_MODEL = "http://127.0.0.1:9/v1"


@contextlib.asynccontextmanager
async def watched(redis_url: str, run_dir: Path) -> AsyncIterator[Stack]:
    """A brain, an egress and the watchdog."""
    options = StackOptions(
        workers={"brain": 1, "egress": 1},
        redis_url=redis_url,
        model_base_url=NO_MODEL,
        drain_s=1,
        run_dir=run_dir,
        watchdog=True,
    )
    async with Stack(options) as stack:
        yield stack


async def test_who_hangs_is_restarted_and_nobody_for_redis(tmp_path: Path) -> None:
    """A stopped brain comes back, its sibling stays; in a stack whose Redis is frozen everybody stays."""
    with server(valkey_binary(), tmp_path) as url, server(valkey_binary(), tmp_path) as frozen_url:
        async with watched(url, tmp_path / "a") as one, watched(frozen_url, tmp_path / "b") as other:
            before, others = await one.pids(), await other.pids()
            await one.signal("brain-0", signal.SIGSTOP)
            with redis.Redis.from_url(frozen_url) as client:
                frozen = int(client.info("server")["process_id"])
            os.kill(frozen, signal.SIGSTOP)
            try:

                async def is_restarted() -> bool:
                    return (await one.pids()).get("brain-0", before["brain-0"]) != before["brain-0"]

                await wait_until(is_restarted, "the watchdog has ended the stopped brain", timeout_s=60)
                after = await one.pids()
                assert await other.pids() == others
            finally:
                os.kill(frozen, signal.SIGCONT)
            assert {name for name in before if before[name] != after[name]} == {"brain-0"}
            assert '"event":"process_hangs"' in one.log("watchdog").read_text("utf-8")
            assert "process_hangs" not in other.log("watchdog").read_text("utf-8")
            assert "watchdog_blind" in other.log("watchdog").read_text("utf-8")


@contextlib.contextmanager
def reading(url: str) -> Iterator[BeatReader]:
    """The watchdog's reader, which has a loop of its own: no test that uses it may run on one."""
    reader = BeatReader(url, HOST)
    try:
        yield reader
    finally:
        reader.close()


async def write_workers(url: str, **workers: dict[str, object]) -> None:
    """A brain-0 of each host, with its own changes of a beat."""
    store = make_store(url, name="test")
    for host, changes in workers.items():
        await make_worker(store, f"brain-0@{host}#a", **changes)
    await store.aclose()


def test_beats_of_this_host_only(redis_url: str) -> None:
    """By pid; workers of other hosts, and names that are none, are not ours to judge."""
    asyncio.run(write_workers(redis_url, here={"beat": 7, "pid": 11}, there={"beat": 8, "pid": 12}))
    with redis.Redis.from_url(redis_url) as client:
        client.sadd("tl:workers", "nonsense", "egress-0@here#gone")
    with reading(redis_url) as reader:
        assert reader.read() == {11: 7}


def test_a_beat_that_cannot_be_read_is_no_beat(redis_url: str) -> None:
    """Nobody is judged by it; the log says so once, and again after it could be read."""
    log = FakeLog()
    with redis.Redis.from_url(redis_url) as client, reading(redis_url) as reader:
        watchdog = Watchdog(FakeSupervisor(), reader, cast(Log, log), lambda: 0.0)
        for spoilt in (True, True, False, True):
            asyncio.run(write_workers(redis_url, here={"beat": 7, "pid": 11}))
            if spoilt:
                client.hdel("tl:worker:brain-0@here#a", "calls")
            watchdog.tick()
            assert reader.read() == ({} if spoilt else {11: 7})
    assert log.warnings == [("contract_error", "Beat", "calls")] * 2


def test_a_redis_that_can_only_be_read_is_no_witness(redis_url: str) -> None:
    """Full or read-only: no beat of anybody moves there."""
    with redis.Redis.from_url(redis_url) as client, reading(redis_url) as reader:
        reader.read()
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(redis.RedisError):
                reader.read()
        finally:
            client.config_set("maxmemory", "0")


def test_on_a_cluster_every_master_of_a_beat_is_a_witness(tmp_path: Path) -> None:
    """One that takes no writes: the beats that stand on it cannot move, whatever our own does."""
    with shapes.cluster(tmp_path) as cluster:
        asyncio.run(write_workers(cluster.url, here={"beat": 7, "pid": 11}))
        key = Keys().worker("brain-0@here#a")
        (node,) = cluster.masters_of([key])
        with reading(cluster.url) as reader:
            while cluster.masters_of([reader._own_key]) == [node]:  # It would be told by our own beat.
                reader._own_key += "x"
            assert reader.read() == {11: 7}
            before = refuse(node, Refusal.FULL, key)
            with pytest.raises(redis.RedisError):
                reader.read()
            allow(node, Refusal.FULL, before)
            assert reader.read() == {11: 7}


def test_its_own_key_goes_away(redis_url: str) -> None:
    """With a TTL, and not in the list of workers."""
    with reading(redis_url) as reader:
        reader.read()
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.keys("*")
        assert key.decode().startswith("tl:worker:watchdog-0@here#")
        assert 0 < client.ttl(key) <= 60


@pytest.mark.parametrize("scheme", ["redis", "sentinel", "cluster"])
def test_a_redis_that_is_away_ends_no_watchdog(scheme: str) -> None:
    """Whatever its shape, and so whatever redis-py raises: it judges nobody, and says so once."""
    log = FakeLog()
    with reading(f"{scheme}://127.0.0.1:1{'/name' if scheme == 'sentinel' else ''}") as reader:
        watchdog = Watchdog(FakeSupervisor(), reader, cast(Log, log), lambda: 0.0)
        watchdog.tick()
        watchdog.tick()
    assert [event for event, *_ in log.warnings] == ["watchdog_blind"]


class FakeLog:
    """Notes the warnings, and the records that they are about."""

    def __init__(self) -> None:
        self.warnings: list[tuple[str, object, object]] = []

    def warning(self, event: str, **fields: object) -> None:
        self.warnings.append((event, fields.get("record"), fields.get("field")))


class FakeSupervisor(Supervisor):
    """Says what runs."""

    def __init__(self, *found: ProcessInfo) -> None:
        super().__init__(Path())
        self.found = list(found)

    def processes(self) -> list[ProcessInfo]:
        return self.found


def test_the_protocol_with_supervisord() -> None:
    """READY, event, RESULT, and the end when supervisord closes."""
    payload = "when:1700000000"
    event = f"ver:3.0 server:supervisor serial:1 pool:watchdog eventname:TICK_5 len:{len(payload)}\n{payload}"
    answers, closed = io.StringIO(), threading.Event()
    answer(io.StringIO(2 * event), answers, closed)
    assert answers.getvalue() == "READY\nRESULT 2\nOKREADY\nRESULT 2\nOKREADY\n"
    assert closed.is_set()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_look_that_fails_is_no_failure_of_ours(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    """The next one comes all the same, until supervisord is gone."""
    monkeypatch.setattr("console.operate.watchdog.LOOK_MS", 1.0)
    closed, looks = threading.Event(), 0

    class Counted(Watchdog):
        def tick(self) -> None:
            nonlocal looks
            super().tick()
            looks += 1
            if looks == 3:
                closed.set()

    url = redis_url if is_there else f"redis://127.0.0.1:{free_port()}/0"
    with reading(url) as reader:
        watch(Counted(FakeSupervisor(), reader, get_log(), lambda: 0.0), closed)
    assert looks == 3


async def test_outside_of_supervisord_it_says_what_it_is() -> None:
    """Expected, got, what to do."""
    environment = {name: value for name, value in os.environ.items() if name != SERVER_URL}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "console.operate.watchdog"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == Exit.USAGE
    assert "expected SUPERVISOR_SERVER_URL=unix://" in done.stderr
    assert "deploy/programs.d/watchdog.conf starts it" in done.stderr


async def test_its_clock_runs_while_it_waits_for_supervisord() -> None:
    """A thread ticks it, more than once: between two ticks it shows half a second at most."""
    awake = Awake()
    try:
        began_s = time.monotonic()
        await wait_until(lambda: awake.ms() >= 2 * AWAKE_MOST_MS, "it has ticked", timeout_s=20)
        assert awake.ms() <= (time.monotonic() - began_s) * 1000 + AWAKE_MOST_MS
    finally:
        awake.stop()
