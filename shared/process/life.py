"""The life of every role process: start, signals, drain, ordered end.

Why it exists: the order in which things start and stop is the same for all roles, and hard to get right.

Owns: that order, its time limits, the exit code. Must not know: what a role does. A role gives a `Role`;
everything shared reaches it in a `Process`.

Signals become data in one place: the first SIGTERM or SIGINT asks for a drain, the second ends it now.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
from dataclasses import dataclass, field

import uvloop
from redis.exceptions import RedisError

from shared import VERSION, env_file
from shared.contract.worker import WorkerId
from shared.exit_codes import OF_THE_SET_UP, Exit
from shared.figures.counters import DeclaredCounters
from shared.logs.log import configure, get_log, identify
from shared.ownership.journal import JournalPen
from shared.ownership.workers import forget_older_boots
from shared.process.admin import admin_listener, make_admin_server
from shared.process.beat import BEAT_S, beat, drop_own_keys, keep_keys, keep_own_keys
from shared.process.exits import exit_of
from shared.process.host import (
    be_let_in_first,
    end_with_supervisord,
    is_under_supervisord,
    leave_no_core,
    lock_instance,
    own_origin,
    who_listens,
)
from shared.process.lag import LoopLag
from shared.process.metrics import export_process, export_role
from shared.process.neighbours import Neighbours
from shared.process.resources.watch import watch_memory
from shared.process.role import MakeRole, Process, Role
from shared.process.stalls import LastWords, StallWatch
from shared.process.tasks import cancel_all, comes_first, end_task
from shared.redis_url import login_of, place_of, user_of
from shared.setting.sources import doubts
from shared.settings import Settings, SettingsError, environment_name, load
from shared.store.access.check import wait_for_redis
from shared.store.client import make_store
from shared.store.errors import STORE_ERRORS, RedisRefused
from shared.store.inbox import Inbox
from shared.store.reach.servers import Servers
from shared.store.writing.outboxes import make_outbox

LAST_WRITES_S = 2.0
"""How long the end of a process waits for its last writes."""

REDIS_WATCH_S = 0.25
"""How often it is looked whether the outbox is connected: a shorter loss is mended before anybody asks."""


def run_role(role: str, number: int, make_role: MakeRole) -> int:
    """Runs one process of a role to its end. Returns the exit code (shared/process/exits.py)."""
    name = f"{role}-{number}"
    try:
        settings = load(role)
    except SettingsError as error:
        return _refused(name, error.problems, exit_of(error))
    # Two deployments on one host differ by Redis and admin port.
    lock = lock_instance(name, deployment=f"{settings.redis_url} {settings.admin_port_base}")
    if lock is None:
        problem = (
            f"another {name} of this deployment runs on this host; stop it or give this one another --number"
        )
        return _refused(name, [problem], Exit.SECOND_COPY)
    end_with_supervisord()
    leave_no_core()
    writer = configure(settings.log_level, settings.log_format)
    try:
        return uvloop.run(_main(role, number, make_role, settings, writer.close))
    finally:
        writer.close()
        lock.close()


def make_process(role: str, number: int, settings: Settings) -> Process:
    """The shared parts of a process; nothing runs yet. Needs a running loop."""
    host = settings.host_name or socket.gethostname()
    worker = WorkerId.of_process(role, number, host, secrets.token_hex(3))
    name = str(worker)
    servers = Servers(settings.redis_url)
    keys = servers.keys(settings.lanes)
    lag, origin = LoopLag(), own_origin()
    outbox = make_outbox(servers, keys, name=name, commit_ms=settings.commit_ms, lag_ms=lag.mostly_ms)
    inboxes = [
        Inbox(
            servers.way(keys.calls(lane)),
            name=name,
            read_gap_ms=settings.read_gap_ms,
            lag_ms=lag.mostly_ms,
        )
        for lane in range(settings.lanes)
    ]
    store, log = make_store(settings.redis_url, name=name), get_log(role=role, worker=name)
    process = Process(
        settings=settings,
        worker=worker,
        name=name,
        keys=keys,
        servers=servers,
        store=store,
        outbox=outbox,
        journal=JournalPen(outbox, keys, name.encode()),
        inboxes=inboxes,
        log=log,
        metrics=DeclaredCounters(),
        lag=lag,
        origin=origin,
        neighbours=Neighbours(worker, origin, store, keys, lag, log),
        capacity=settings.calls_per_worker,
    )
    export_process(process, VERSION)
    return process


# Private.

_AGAIN = (
    "supervisord starts it again and again, until this is mended; it is stopped by"
    " `supervisorctl stop`, and a start by hand is tried at once"
)


def _refused(name: str, problems: list[str], code: Exit) -> Exit:
    """Says why the process does not start, on stderr: there is no log yet."""
    lines = [
        *problems,
        f"ends with code {code:d} ({code.name.lower()}): {_what_next(code) or 'correct it first'}",
    ]
    for line in lines:
        print(f"{name}: {line}", file=sys.stderr)  # noqa: T201 - before logging exists
    return code


def _what_next(code: Exit) -> str:
    """What happens after an end that no restart mends; empty where nobody restarts, or it may help."""
    return _AGAIN if code in OF_THE_SET_UP and is_under_supervisord() else ""


async def _main(
    role: str, number: int, make_role: MakeRole, settings: Settings, last_words: LastWords | None = None
) -> Exit:
    try:
        process = make_process(role, number, settings)
    except (OSError, RedisError) as error:  # ssl.SSLError is an OSError.
        setting = environment_name("redis_url")
        problem = f"{setting}: expected certificate and key files that can be read, got: {error}"
        return _refused(f"{role}-{number}", [problem], Exit.SETTINGS)
    watch = StallWatch(process.lag, process.log, last_words)
    life = _Life(process, watch)
    life.take_signals()
    identify(role=role, worker=process.name)
    port = settings.admin_port(role, number)
    try:
        listener = admin_listener(port)
    except OSError as error:
        process.log.error(
            "admin_port_taken",
            setting=environment_name("admin_port_base"),
            port=port,
            by=who_listens(port),
            reason=error.strerror,
            do=f"set it so that {role}-{number} gets a free port, or end what has this one",
        )
        return _stopped(process, Exit.ADMIN_PORT)
    for doubt in doubts(os.environ, env_file.read()):
        process.log.warning(
            "setting_unknown", name=doubt.name, origin=doubt.origin.value, did_you_mean=doubt.near
        )
    process.lag.start()
    process.garbage.start()
    watch.start()
    admin = make_admin_server(
        port, life.why_not_ready, process.neighbours.standings, process.metrics.registry()
    )
    process.spawn(admin.serve(sockets=[listener]), "admin")
    try:
        code = await life.live(make_role)
    finally:
        admin.end()
        await life.finish()
        watch.stop()
        process.garbage.stop()
        process.lag.stop()
    return _stopped(process, code)


def _stopped(process: Process, code: Exit) -> Exit:
    log = process.log
    what_next = _what_next(code)
    if what_next:
        log = log.bind(restarts=what_next)
    log.info("stopped", exit_code=int(code), reason=code.name.lower())
    return code


@dataclass(slots=True)
class _Life:
    """One process, from its first signal handler to its last write."""

    process: Process
    watch: StallWatch
    role: Role | None = None
    """None until it is made."""
    is_up: bool = False
    """Redis was there, and the role has started."""
    refused: str = ""
    """Why the Redis that is there cannot serve; empty: it can, or is not there."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def take_signals(self) -> None:
        """From here on a signal sets `stopping`, the second one `Process.forced`."""

        def asked(name: str) -> None:
            forced = self.process.forced
            if self.stopping.is_set():
                forced.set()
            self.process.log.info("signal", name=name, forced=forced.is_set())
            self.stopping.set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked, number.name)

    def why_not_ready(self) -> str:
        """Why no new call should come here; empty when ready."""
        process = self.process
        if self.role is None or not self.is_up:
            return f"Redis cannot serve: {self.refused}" if self.refused else "waiting for Redis"
        if process.draining:
            return "draining"
        if process.most_away_since_ms is not None:
            return process.outbox.trouble or "Redis is away"
        return self.role.not_ready()

    async def live(self, make_role: MakeRole) -> Exit:
        """From the first connection to the end of the drain."""
        process = self.process
        process.log.info("starting", pid=os.getpid(), version=VERSION)
        process.spawn(process.outbox.run(), "outbox")
        for lane, inbox in enumerate(process.inboxes):
            process.spawn(inbox.run(), f"inbox-{lane}")
        process.spawn(self._watch_redis(), "redis-watch")
        try:
            role = self.role = make_role(process)
        except SettingsError as error:
            for problem in error.problems:
                process.log.error("settings_wrong", problem=problem)
            return exit_of(error)
        export_role(process, role)
        try:
            ended = await self._start(role)
        except SystemExit as left:  # A role that cannot open what it serves names its own code.
            return Exit(int(left.code or Exit.FAILED))
        if ended is not None:
            return ended
        await self.stopping.wait()
        await self._drain(role)
        await role.stop()
        if process.fatal is not None:
            return Exit.FAILED
        return Exit.DRAIN_FORCED if process.forced.is_set() else Exit.OK

    async def finish(self) -> None:
        """Last writes, own keys, connections: in this order, each bounded."""
        process = self.process
        await process.outbox.flushed(LAST_WRITES_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WRITES_S):
                await cancel_all(task for task in process.tasks if task.get_name() != "admin")
                if process.tasks:
                    await asyncio.wait(process.tasks)  # The admin server ends by its own flag.
        with contextlib.suppress(*STORE_ERRORS):
            async with asyncio.timeout(LAST_WRITES_S):
                await drop_own_keys(process, self.role.own_streams if self.role is not None else ())
        with contextlib.suppress(*STORE_ERRORS):
            await process.store.aclose()
        with contextlib.suppress(*STORE_ERRORS):
            await process.servers.aclose()

    # Private.

    async def _start(self, role: Role) -> Exit | None:
        """Waits for Redis and starts the role. Returns the exit code if the process is over before that."""
        process, log = self.process, self.process.log
        if role.starts_without_redis:
            await role.start()
            self.watch.begin_to_give_up()
        entering = asyncio.create_task(self._enter(role))
        if not await comes_first(entering, self.stopping):
            return Exit.FAILED if process.fatal else Exit.OK
        process.redis_version = entering.result()
        if not role.starts_without_redis:
            await role.start()
            self.watch.begin_to_give_up()
        self.is_up = True
        granted = be_let_in_first(realtime=process.settings.realtime_scheduling)
        if granted.refused:
            log.info("short_slices_refused", reason=granted.refused)
        process.garbage.keep_for_good()
        process.lag.forget_recent()
        lost = asyncio.Event()
        process.spawn(beat(process, role, lost), "beat")
        process.spawn(keep_keys(process, role.own_streams, lost), "own-keys")
        process.spawn(process.neighbours.look_on(), "neighbours")
        process.spawn(process.neighbours.tell_on(), "neighbours-dead")
        process.spawn(watch_memory(process), "memory")
        admin_port = process.settings.admin_port(process.worker.role, process.worker.number)
        log.info("ready", redis=process.redis_version, admin_port=admin_port, scheduling=granted.scheduling)
        return None

    async def _enter(self, role: Role) -> str:
        """Waits for a Redis that can serve, and writes our keys there. Returns its version."""
        process = self.process

        def say(why: str) -> None:
            self.refused = ""
            process.redis_fails("start", why)

        settings, place = process.settings, process.servers.place
        while True:
            user = user_of(settings.redis_url)
            version = await wait_for_redis(
                process.store, settings.lanes, place, say, self._redis_refused, user=user,
                role=process.worker.role,
            )  # fmt: skip
            self.refused = ""
            try:
                await keep_own_keys(process, role.own_streams)
                await forget_older_boots(
                    process.store, process.keys, process.worker, process.neighbours.tell_older_boot
                )
            except STORE_ERRORS as error:
                say(f"{type(error).__name__}: {error}")
                await asyncio.sleep(BEAT_S)
                continue
            process.redis_works("start")
            return version

    def _redis_refused(self, error: RedisRefused) -> None:
        """Redis is there and cannot serve: one line for each reason, not one a look."""
        if str(error) == self.refused:
            return
        self.refused = str(error)
        url = self.process.settings.redis_url
        self.process.log.error(
            "redis_refused",
            setting=environment_name("redis_url"),
            redis=place_of(url),
            login=login_of(url),
            reason=self.refused,
        )

    async def _watch_redis(self) -> None:
        """Notes whether the outbox, which every role has, is connected. Cancelling it is safe."""
        process = self.process
        while True:
            await asyncio.sleep(REDIS_WATCH_S)
            trouble = process.outbox.trouble
            if trouble:
                process.redis_fails("outbox", trouble)
            else:
                process.redis_works("outbox")

    async def _drain(self, role: Role) -> None:
        """Until no call is left, DRAIN_S is over, or a second signal comes; at once if something failed."""
        process, drain_s = self.process, self.process.settings.drain_s
        process.draining = True
        process.log.info("draining", calls=role.live_calls(), drain_s=drain_s)
        drain = asyncio.create_task(role.drain())
        try:
            async with asyncio.timeout(0 if process.fatal else drain_s):
                await comes_first(drain, process.forced)
        except TimeoutError:
            process.log.warning("drain_timed_out", calls=role.live_calls())
        await end_task(drain)  # Asked until it ends: it reads Redis in a loop.
