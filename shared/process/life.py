"""The skeleton of every role process: start, signals, beat, admin port, ordered shutdown.

Owns: the order in which things start and stop, and the process's own keys in Redis. Must not know: what
a role does. A role gives a `Role`; everything shared reaches it in a `Process`.

Signals become data in one place: the first SIGTERM or SIGINT asks for a drain, the second ends it now.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol
from zlib import crc32

import uvloop

from shared.clock import wall_ms
from shared.contract import keys as key_names
from shared.contract.entries import Why, ring_fields
from shared.contract.keys import Keys
from shared.contract.worker import WorkerId
from shared.figures.counters import DeclaredCounters
from shared.figures.diagnosis import CPU_MS
from shared.logs.log import Log, configure, get_log, identify
from shared.ownership.owner import OwnershipCounters
from shared.process.admin import make_admin_server
from shared.process.exits import Exit
from shared.process.lag import LoopLag
from shared.process.metrics import export_process, export_role
from shared.process.older_boots import forget_older_boots
from shared.process.stalls import StallWatch
from shared.process.tasks import cancel_all
from shared.settings import Settings, SettingsError, load
from shared.store.check import RedisRefused, wait_for_redis
from shared.store.client import STORE_ERRORS, Store, make_store
from shared.store.inbox import Inbox
from shared.store.outbox import Outbox

BEAT_S = 0.5
"""How often a worker shows that it lives; rivals judge by silence of 2 s."""

KEEP_KEYS_EVERY_BEATS = 10
LAST_WRITES_S = 2.0
"""How long the end of a process waits for its last writes."""

VERSION = "0.1.0"
PR_SET_PDEATHSIG = 1


class Role(Protocol):
    """What a role gives the skeleton. Each step is called once, in this order."""

    starts_without_redis: bool
    """Whether `start` comes before Redis is there: ingress can apologise without it."""

    async def start(self) -> None:
        """Begin to take calls."""

    async def drain(self) -> None:
        """Refuse new calls and wait for the live ones. Cancelled by the second signal or at DRAIN_S."""

    async def stop(self) -> None:
        """Let go of what is left, within a bounded time. The outbox still writes."""

    def live_calls(self) -> int:
        """How many calls this process serves now."""

    def not_ready(self) -> str:
        """Why no new call should come here; empty when ready."""


@dataclass(slots=True)
class Process:
    """What every role process has."""

    settings: Settings
    worker: WorkerId
    name: str
    """`str(worker)`: written everywhere, so kept."""
    keys: Keys
    store: Store
    outbox: Outbox
    inboxes: list[Inbox]
    """One a lane: `inboxes[lane]`."""
    log: Log
    metrics: DeclaredCounters
    lag: LoopLag
    capacity: int
    draining: bool = False
    redis_version: str = ""
    fatal: BaseException | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    ownership: OwnershipCounters = field(default_factory=OwnershipCounters)

    def window(self, now: float) -> dict[str, str | int | float]:
        """What each role's window on a call's card begins with: who says it, and how the process fares."""
        return {
            "at": wall_ms(),
            "worker": self.name,
            "lag": round(self.lag.window_ms, 1),
            "redis": round(self.outbox.slowest_ms(now), 1),
        }

    @property
    def is_late(self) -> bool:
        """Whether the event loop was late lately, by as much as a verdict names."""
        return self.lag.window_ms >= CPU_MS

    def nudge(self, lane: int) -> None:
        """Ends the blocking read under way in a lane, so that a newly watched stream is read at once."""
        self.ring(lane, self.name, "", Why.CLAIMED)

    def ring(self, lane: int, worker: str, call_sid: str, why: Why) -> None:
        """Rings a worker's doorbell."""
        key = self.keys.wake(lane, worker).encode()
        args = [b"XADD", key, b"NOMKSTREAM", b"MAXLEN", b"100", b"*", *ring_fields(call_sid, why)]
        self.outbox.command(lane, args, urgent=True)

    def begin_drain(self) -> None:
        """An operator's wish, by the doorbell: no new calls from here on. The process stays until stopped."""
        if not self.draining:
            self.draining = True
            self.log.info("draining", cause="operator")

    def spawn(self, coroutine: Any, name: str) -> asyncio.Task[None]:
        """A task of the process: named, kept, and fatal if it raises (crash-only: supervisord restarts)."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine, name=name)
        self.tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and self.fatal is None:
            self.fatal = error
            self.log.error("task_failed", task=task.get_name(), exc_info=error)
            os.kill(os.getpid(), signal.SIGTERM)


MakeRole = Callable[[Process], Role]


def run_role(role: str, number: int, make_role: MakeRole) -> int:
    """Runs one process of a role to its end. Gives the exit code (shared/process/exits.py)."""
    try:
        settings = load(role)
    except SettingsError as error:
        for problem in error.problems:
            print(f"{role}-{number}: {problem}", file=sys.stderr)  # noqa: T201 - before logging exists
        return Exit.SETTINGS
    lock = _lock_instance(settings, role, number)
    if lock is None:
        print(f"{role}-{number}: another {role}-{number} of this deployment runs on this host; stop it or"  # noqa: T201
              " give this one another --number", file=sys.stderr)  # fmt: skip
        return Exit.SECOND_COPY
    _die_with_parent()
    writer = configure(settings.log_level, settings.log_format)
    try:
        return uvloop.run(_main(role, number, make_role, settings))
    finally:
        writer.close()
        lock.close()


async def _main(role: str, number: int, make_role: MakeRole, settings: Settings) -> int:
    process = make_process(role, number, settings)
    log = process.log
    stopping, forced = asyncio.Event(), asyncio.Event()
    _take_signals(process, stopping, forced)
    identify(role=role, worker=process.name)
    process.lag.start()
    watch = StallWatch(process.lag, log)
    watch.start()
    admin = make_admin_server(
        settings.admin_port(role, number), lambda: _why_not_ready(process, made), process.metrics.registry()
    )
    made: list[Role] = []
    process.spawn(_serve_admin(process, admin), "admin")
    try:
        code = await _live(process, made, make_role, stopping, forced)
    finally:
        admin.should_exit = True
        await _finish(process)
        watch.stop()
        process.lag.stop()
    log.info("stopped", exit_code=int(code), reason=code.name.lower())
    return code


def make_process(role: str, number: int, settings: Settings) -> Process:
    """The shared parts of a process; nothing runs yet. Needs a running loop."""
    host = settings.host_name or socket.gethostname()
    worker = WorkerId.of_process(role, number, host, secrets.token_hex(3))
    name = str(worker)
    keys = Keys(settings.lanes)
    inboxes = [
        Inbox(settings.redis_url, name=name, read_gap_ms=settings.read_gap_ms) for _ in range(settings.lanes)
    ]
    process = Process(
        settings=settings,
        worker=worker,
        name=name,
        keys=keys,
        store=make_store(settings.redis_url, name=name),
        outbox=Outbox(settings.redis_url, keys, name=name, commit_ms=settings.commit_ms),
        inboxes=inboxes,
        log=get_log(role=role, worker=name),
        metrics=DeclaredCounters(),
        lag=LoopLag(),
        capacity=settings.calls_per_worker,
    )
    export_process(process, VERSION)
    return process


async def _live(
    process: Process, made: list[Role], make_role: MakeRole, stopping: asyncio.Event, forced: asyncio.Event
) -> Exit:
    """From Redis to the end of the drain."""
    settings, log = process.settings, process.log
    log.info("starting", pid=os.getpid(), version=VERSION)
    process.spawn(process.outbox.run(), "outbox")
    for lane, inbox in enumerate(process.inboxes):
        process.spawn(inbox.run(), f"inbox-{lane}")
    role = make_role(process)
    export_role(process, role)
    if role.starts_without_redis:
        await role.start()
    waiting = asyncio.create_task(_enter(process))
    if not await _either(waiting, stopping):
        return Exit.FAILED if process.fatal else Exit.OK
    try:
        process.redis_version = waiting.result()
    except RedisRefused as error:
        log.error("redis_refused", reason=str(error))
        return Exit.REDIS_REFUSED
    if not role.starts_without_redis:
        await role.start()
    made.append(role)
    process.lag.forget_recent()
    process.spawn(_beat(process, role), "beat")
    admin_port = settings.admin_port(process.worker.role, process.worker.number)
    log.info("ready", redis=process.redis_version, admin_port=admin_port)
    await stopping.wait()
    process.draining = True
    log.info("draining", calls=role.live_calls(), drain_s=settings.drain_s)
    drain = asyncio.create_task(role.drain())
    try:
        async with asyncio.timeout(0 if process.fatal else settings.drain_s):
            await _either(drain, forced)
    except TimeoutError:
        log.warning("drain_timed_out", calls=role.live_calls())
    await _cancelled(drain)
    await role.stop()
    if process.fatal is not None:
        return Exit.FAILED
    return Exit.DRAIN_FORCED if forced.is_set() else Exit.OK


async def _enter(process: Process) -> str:
    """Waits for a Redis that can serve, and writes our keys there. Gives its version. Raises RedisRefused."""

    def say(why: str) -> None:
        process.log.warning("redis_unreachable", reason=why)

    while True:
        version = await wait_for_redis(process.store, process.settings.lanes, say)
        try:
            await keep_own_keys(process)
            older = await forget_older_boots(process.store, process.keys, process.worker)
        except STORE_ERRORS as error:
            say(f"{type(error).__name__}: {error}")
            await asyncio.sleep(BEAT_S)
            continue
        if older:
            process.log.warning("older_boots_forgotten", workers=older)
        return version


async def _either(task: asyncio.Task[Any], event: asyncio.Event) -> bool:
    """Waits for the task or the event; True if the task is done. A task that loses is cancelled."""
    waiter = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiter.cancel()
    if task.done():
        return True
    await _cancelled(task)
    return False


async def _cancelled(task: asyncio.Task[Any]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await cancel_all([task])  # Once may be lost: role.drain() reads Redis in a loop.
    if not task.cancelled() and task.exception() is not None:
        raise task.exception() or RuntimeError("unreachable")


async def _finish(process: Process) -> None:
    """Last writes, own keys, connections: in this order, each bounded."""
    await process.outbox.flushed(LAST_WRITES_S)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_WRITES_S):
            await cancel_all(task for task in process.tasks if task.get_name() != "admin")
            if process.tasks:
                await asyncio.wait(process.tasks)  # The admin server ends by its own flag.
    with contextlib.suppress(*STORE_ERRORS):
        async with asyncio.timeout(LAST_WRITES_S):
            await _drop_own_keys(process)
    with contextlib.suppress(*STORE_ERRORS):
        await process.store.aclose()


def _take_signals(process: Process, stopping: asyncio.Event, forced: asyncio.Event) -> None:
    def asked(name: str) -> None:
        if stopping.is_set():
            forced.set()
        process.log.info("signal", name=name, forced=forced.is_set())
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number.name)


def _why_not_ready(process: Process, made: list[Role]) -> str:
    if not made:
        return "waiting for Redis"
    if process.draining:
        return "draining"
    if not process.outbox.connected:
        return f"Redis is away: {process.outbox.last_error}"
    return made[0].not_ready()


async def _serve_admin(process: Process, admin: Any) -> None:
    try:
        await admin.serve()
    except SystemExit:
        # uvicorn ends the process itself when it cannot listen; we want our own code and line.
        process.log.error("admin_port_taken", port=admin.config.port)
        raise RuntimeError(f"the admin port {admin.config.port} could not be opened") from None


# ------------------------------------------------------------------------------------ the process's keys


def _stream_keys(process: Process) -> list[str]:
    keys = [process.keys.wake(lane, process.name) for lane in range(process.settings.lanes)]
    if process.worker.role == "ingress":
        keys.append(process.keys.out(process.name))
    if process.worker.role == "egress":
        keys.append(process.keys.back(process.name))
    return keys


async def keep_own_keys(process: Process) -> None:
    """Creates or renews the streams that others write to us. Raises STORE_ERRORS."""
    for key in _stream_keys(process):
        if not await process.store.exists(key):
            # In one step: a process that is killed between two would leave a key without a TTL.
            async with process.store.pipeline(transaction=True) as together:
                together.xadd(key, {"v": "1"}, maxlen=0, approximate=False)
                together.pexpire(key, key_names.WORKER_TTL_MS)
                await together.execute()
        await process.store.pexpire(key, key_names.WORKER_TTL_MS)
    for lane in range(process.settings.lanes):
        await process.store.pexpire(process.keys.owned(lane, process.name), key_names.CALL_TTL_MS)


async def _drop_own_keys(process: Process) -> None:
    for key in _stream_keys(process):
        await process.store.delete(key)
    await process.store.delete(process.keys.worker(process.name))
    await process.store.srem(key_names.WORKERS, process.name)


async def _beat(process: Process, role: Role) -> None:
    """Shows every half second, by the outbox, that this worker lives, and what it carries."""
    beat, connects = 0, process.outbox.counters.connects
    key = process.keys.worker(process.name).encode()
    name = process.name.encode()
    while True:
        beat += 1
        figures = {
            "beat": beat, "at_ms": wall_ms(), "host": process.worker.host, "pid": os.getpid(),
            "role": process.worker.role, "calls": role.live_calls(), "capacity": process.capacity,
            "loop_lag_ms": f"{process.lag.window_ms:.1f}", "draining": int(process.draining),
            "version": VERSION,
        }  # fmt: skip
        flat = [word for pair in figures.items() for word in (pair[0].encode(), str(pair[1]).encode())]
        process.outbox.command(key, [b"HSET", key, *flat])
        process.outbox.command(key, [b"PEXPIRE", key, b"%d" % key_names.WORKER_TTL_MS])
        process.outbox.command(b"workers", [b"SADD", key_names.WORKERS.encode(), name])
        # After a new connection at once: Redis may have come back empty, and nobody can write to us.
        if beat % KEEP_KEYS_EVERY_BEATS == 0 or process.outbox.counters.connects != connects:
            with contextlib.suppress(*STORE_ERRORS):
                now_connects = process.outbox.counters.connects
                await keep_own_keys(process)
                connects = now_connects
        await asyncio.sleep(BEAT_S)


# --------------------------------------------------------------------------------------- the OS's part


def _lock_instance(settings: Settings, role: str, number: int) -> IO[str] | None:
    """The instance's flock, or None if another process has it. Two deployments on one host differ by
    Redis and admin port."""
    folder = Path(tempfile.gettempdir()) / f"trunkline-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    deployment = crc32(f"{settings.redis_url} {settings.admin_port_base}".encode())
    lock = (folder / f"{role}-{number}-{deployment:08x}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _die_with_parent() -> None:
    """Under supervisord on Linux: SIGTERM when it dies, since a new one would start second copies."""
    if sys.platform == "linux" and "SUPERVISOR_ENABLED" in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
