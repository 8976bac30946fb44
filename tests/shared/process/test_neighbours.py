"""Neighbours on real servers, and the deaths of real processes."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import redis

from console.stack.ports import free_base
from shared.contract.keys import WORKERS, Keys
from shared.contract.record import CONTRACT
from shared.contract.worker import Beat, WorkerId, write_beat
from shared.logs.log import get_log
from shared.ownership.liveness import DEAD_AFTER_MS, POLL_MS, Back, How, WorkerState
from shared.process.host import ProcessOrigin, own_origin, started_at
from shared.process.lag import LoopLag
from shared.process.neighbours import Neighbours
from shared.settings import Settings
from shared.store.client import Store, make_store
from tests.support.observer import Observer
from tests.support.servers import server, valkey_binary
from tests.support.waiting import running, wait_until

ROOT = Path(__file__).parents[3]
KEYS = Keys(1)
SELF = WorkerId("brain", 0, "h", "self")
OTHER = "brain-1@h#a"
BEAT = Beat(
    beat=1, at_ms=0, host="h", pid=1, role="brain", calls=0, capacity=10, loop_lag_ms=0.0, draining=False,
    version="1", contract=CONTRACT, admin_port=0, pid_started=0, boot_id="", pid_ns=0,
)  # fmt: skip

BEAT_S = 0.1
"""The pace of beats: several to each look."""

STOPPED_S = 5.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux's")


async def show(store: Store, worker: str, **changes: object) -> None:
    """A worker shows a beat."""
    beat = dataclasses.replace(BEAT, **changes)  # type: ignore[arg-type]
    for command in write_beat(KEYS, worker, beat):
        await store.execute(command)


async def beat_on(store: Store, worker: str, observer: Observer | None = None) -> None:
    """Beats until it is cancelled; as an observer does, while that one is to."""
    for number in itertools.count(1):
        if observer is not None:
            observer.rests = not observer.is_beating
        if observer is None or observer.is_beating:
            await show(store, worker, beat=number)
        await asyncio.sleep(BEAT_S)


@contextlib.asynccontextmanager
async def observing(store: Store, origin: ProcessOrigin | None = None) -> AsyncIterator[Observer]:
    """An observer that has seen itself beat."""
    lag = LoopLag()
    lag.start()
    neighbours = Neighbours(SELF, origin or own_origin(), store, KEYS, lag, get_log())
    observer = Observer(neighbours)
    own = beat_on(store, str(SELF), observer)
    try:
        async with running(own, neighbours.look_on(), neighbours.tell_on()):
            yield observer
    finally:
        lag.stop()


@contextlib.contextmanager
def child() -> Iterator[subprocess.Popen[str]]:
    """A process that sleeps."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def place(pid: int) -> dict[str, object]:
    """What the beat of a process on this host says of it."""
    own = own_origin()
    return {"pid": pid, "pid_started": started_at(pid), "boot_id": own.boot_id, "pid_ns": own.pid_ns}


async def test_a_silent_worker_is_found_dead_and_back(store: Store) -> None:
    """Whoever is given is told once; a worker of another role, and who cannot be read, are not judged."""
    async with observing(store) as here:
        await show(store, "egress-0@h#a", role="egress")
        await store.sadd(WORKERS, "typed by hand", "brain-7@h#a", "brain-8@h#a")
        await store.hset(KEYS.worker("brain-7@h#a"), "beat", "x")
        await store.sadd(KEYS.worker("brain-8@h#a"), "not a hash")
        began_s = time.monotonic()
        await show(store, OTHER)
        await wait_until(lambda: here.told, "it is found dead")
        assert time.monotonic() - began_s > 1.9
        assert here.told == [(OTHER, How.SILENT)]
        assert here.state(OTHER) is WorkerState.SILENT

        await show(store, OTHER, beat=2)
        await wait_until(lambda: here.neighbours.counters.back == 1, "it is back")
        counters = here.neighbours.counters
        assert [each.worker for each in here.neighbours.standings()] == [OTHER]
        assert here.neighbours.silences().keys() == {OTHER}
        assert counters.dead == {"seen_silent": 1, "exited": 0, "older_boot": 0}
        assert counters.unreadable > 0


async def test_a_worker_that_stops_cleanly_is_not_told_of(store: Store) -> None:
    """Its keys are gone before it is."""
    with child() as process:
        async with observing(store) as here:
            await show(store, OTHER, **place(process.pid))
            await wait_until(lambda: here.state(OTHER) is not None, "it is known")
            await store.delete(KEYS.worker(OTHER))
            await store.srem(WORKERS, OTHER)
            process.kill()
            await wait_until(lambda: here.state(OTHER) is None, "it is gone")
            await here.looked(3)
            assert here.told == []


@linux
async def test_an_exit_is_seen_at_once(store: Store) -> None:
    """Within a second, with a beat that was fresh; whoever could not be told is told again."""
    with child() as process:
        async with observing(store) as here:
            here.fails = 2
            await show(store, OTHER, **place(process.pid))
            await wait_until(lambda: here.state(OTHER) is not None, "it is known")
            await here.looked(1)  # Its exit is watched.
            before = len(os.listdir("/proc/self/fd"))
            began_s = time.monotonic()
            process.kill()
            await wait_until(lambda: here.state(OTHER) is WorkerState.EXITED, "its exit is seen")
            assert time.monotonic() - began_s < 1
            await wait_until(lambda: here.told, "it is told")
            assert here.told == [(OTHER, How.EXITED)]
            assert here.neighbours.counters.untold == 2
            assert len(os.listdir("/proc/self/fd")) < before


@linux
async def test_a_process_that_ended_before_it_was_seen_is_dead(store: Store) -> None:
    """Nobody has its pid."""
    with child() as process:
        where = place(process.pid)
    async with observing(store) as here:
        began_s = time.monotonic()
        await show(store, OTHER, **where)
        await wait_until(lambda: here.told, "it is found dead")
        assert here.told == [(OTHER, How.EXITED)]
        assert time.monotonic() - began_s < 1.9


@linux
@pytest.mark.parametrize(
    "changes",
    [{"pid_ns": 1}, {"boot_id": "another"}, {"boot_id": "", "pid_ns": 0}, {"pid_started": 1}],
    ids=["another namespace", "another boot", "not told", "the pid was given to another"],
)
async def test_a_pid_that_means_another_process_proves_nothing(
    store: Store, changes: dict[str, object]
) -> None:
    """Neither life nor death: its beat alone says."""
    with child() as process:
        async with observing(store) as here:
            await show(store, OTHER, **{**place(process.pid), **changes})
            await wait_until(lambda: here.state(OTHER) is not None, "it is known")
            process.kill()
            process.wait()
            for number in range(2, 10):
                await show(store, OTHER, **{**place(process.pid), **changes}, beat=number)
                await asyncio.sleep(0.1)
            assert here.told == []
            assert here.state(OTHER) is WorkerState.BEATING


async def test_a_redis_that_was_emptied_does_not_hide_a_death(store: Store) -> None:
    """Who lives shows itself again; the other one is dead after the whole time."""
    lives = "brain-2@h#b"
    async with observing(store) as here, running(beat_on(store, lives)):
        await show(store, OTHER)
        await wait_until(lambda: here.state(OTHER) is not None, "it is known")
        await show(store, OTHER, beat=2)
        for worker in (OTHER, lives):
            await wait_until(lambda name=worker: here.state(name) is WorkerState.BEATING, f"{worker} is seen")
        await store.redis.flushall()
        here.neighbours.redis_was_emptied()
        await wait_until(lambda: bool(here.told), "it is found dead", timeout_s=4)
        assert here.told == [(OTHER, How.SILENT)]
        assert here.state(lives) is WorkerState.BEATING


@linux
async def test_a_frozen_redis_condemns_nobody_and_hides_no_exit(tmp_path: Path) -> None:
    """No beat of anybody moves, and the kernel's word is heard all the same."""
    with server(valkey_binary(), tmp_path) as url, child() as process:
        with redis.Redis.from_url(url) as client:
            pid = int(client.info("server")["process_id"])
        store = make_store(url, name="observer", timeout_s=0.5)
        async with observing(store) as here:
            await show(store, OTHER, **place(process.pid))
            await show(store, "brain-2@far#b")
            await wait_until(lambda: len(here.neighbours.standings()) == 2, "both are known")
            await here.looked(1)  # Its exit is watched.
            here.is_beating = False
            await wait_until(lambda: here.rests, "no beat of ours is under way: it would raise here")
            os.kill(pid, signal.SIGSTOP)
            try:
                process.kill()
                await wait_until(lambda: here.told, "its exit is told")
                failed = here.neighbours.counters.looks_not_counted
                await wait_until(lambda: failed["failed"] >= 5, "Redis is away for long")
                assert here.told == [(OTHER, How.EXITED)]
            finally:
                os.kill(pid, signal.SIGCONT)
        await store.aclose()


@linux
async def test_an_observer_that_was_stopped_condemns_nobody(tmp_path: Path) -> None:
    """SIGSTOP of a real process for 5 s: it finds nobody dead; its sibling finds it silent, and back."""
    with server(valkey_binary(), tmp_path) as url, contextlib.ExitStack() as stack:
        logs = [tmp_path / f"egress-{number}.log" for number in range(2)]
        settings = Settings(_env_file=None, admin_port_base=free_base(64))
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")},
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": url,
            "TRUNKLINE_ADMIN_PORT_BASE": str(settings.admin_port_base),
            "TRUNKLINE_LOG_FORMAT": "json",
        }
        processes = [
            stack.enter_context(
                subprocess.Popen(  # noqa: ASYNC220 - it is quick
                    [sys.executable, "-m", "egress", "--number", str(number)],
                    cwd=tmp_path, env=env, stdout=stack.enter_context(log.open("w")),
                    stderr=subprocess.STDOUT,
                )
            )
            for number, log in enumerate(logs)
        ]  # fmt: skip
        try:
            with redis.Redis.from_url(url) as client:
                await wait_until(lambda: client.scard(WORKERS) == 2, "both show themselves", timeout_s=30)
            async with httpx.AsyncClient(trust_env=False) as http:

                async def see_each_other() -> bool:
                    ports = [settings.admin_port("egress", number) for number in range(2)]
                    answers = [await http.get(f"http://127.0.0.1:{port}/neighbours") for port in ports]
                    return all("beating" in answer.text for answer in answers)

                await wait_until(see_each_other, "they have seen each other beat")
                processes[0].send_signal(signal.SIGSTOP)
                await asyncio.sleep(STOPPED_S)  # The length of the fault.
                processes[0].send_signal(signal.SIGCONT)
                await wait_until(lambda: "worker_back" in said(logs[1]), "it is back", timeout_s=10)
                port = settings.admin_port("egress", 0)
                enough = await looks_of(http, port) + round(DEAD_AFTER_MS / POLL_MS) + 4

                async def has_looked() -> bool:
                    return await looks_of(http, port) >= enough

                await wait_until(has_looked, "it has looked often enough for a wrong judgement")
            assert "worker_lost" not in said(logs[0])
            assert said(logs[1]).count("worker_lost") == 1

            processes[0].kill()
            began_s = time.monotonic()
            await wait_until(lambda: said(logs[1]).count("worker_lost") == 2, "its end is seen")
            assert time.monotonic() - began_s < 1
        finally:
            for process in processes:
                process.kill()


async def test_a_death_that_cannot_be_told_keeps_no_other_untold() -> None:
    """On a Cluster a lane of the first may be away for long. Who came back meanwhile is not told of."""
    neighbours = Neighbours(SELF, own_origin(), Store(None), KEYS, LoopLag(), get_log())
    told: list[str] = []

    async def take(worker: str, how: How) -> None:
        if worker == "first":
            neighbours._change(Back("third", 0.0))
            raise TimeoutError
        told.append(worker)

    neighbours.on_dead = take
    neighbours._dead = dict.fromkeys(["first", "second", "third"], How.EXITED)
    assert not await neighbours._tell_all()
    assert told == ["second"]
    assert neighbours._dead == {"first": How.EXITED}
    assert neighbours.counters.untold == 1


async def looks_of(http: httpx.AsyncClient, port: int) -> float:
    """How often a process has looked at the beats of the others."""
    lines = (await http.get(f"http://127.0.0.1:{port}/metrics")).text.splitlines()
    (line,) = [each for each in lines if each.startswith("trunkline_neighbours_looks_total")]
    return float(line.rpartition(" ")[2])


def said(log: Path) -> list[str]:
    """The events of a process's log."""
    lines = [line for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
    return [json.loads(line)["event"] for line in lines]
