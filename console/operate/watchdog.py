"""`python -m console.operate.watchdog`: supervisord's event listener that ends processes which hang.

Why it exists: supervisord restarts what ends; what hangs must be ended first. Every second the watchdog looks
at the roles that run on this host and at their beats in Redis; console/operate/heartbeats.py judges.
supervisord's own ticks come every 5 s: they are answered, and tell that it is there. The process is killed by
its pid: SIGTERM would wait for a drain that a hung process never makes. supervisord then starts it again, as
after any other end.

Owns: supervisord's event protocol on stdin and stdout, one look, the kill. Must not know: the rule.
A look that fails is no look: it is logged once, and nothing follows from it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from console.operate.heartbeats import LOOK_MS, Heartbeats, Running
from console.stack.supervision import SUPERVISOR_ERRORS, Supervisor
from shared import VERSION
from shared.clock import now_ms, wall_ms
from shared.contract import record
from shared.contract.entry import text_of
from shared.contract.errors import ContractError
from shared.contract.keys import WORKERS, Keys
from shared.contract.worker import ROLES, Beat, WorkerId, read_beat
from shared.exit_codes import Exit
from shared.logs.log import Log, configure, get_log
from shared.process.awake import AwakeClock
from shared.process.exits import exit_of
from shared.settings import SettingsError, load
from shared.store.client import make_store
from shared.store.errors import STORE_ERRORS, is_of_the_moment
from shared.store.writing.outboxes import asking

TIMEOUT_S = 1.0
"""For each step of a look."""

OWN_TTL_MS = 60_000

AWAKE_TICK_S = 0.25
AWAKE_MOST_MS = 500.0
"""What a tick that came late counts at most: the watchdog was stopped, or got no CPU."""

SERVER_URL = "SUPERVISOR_SERVER_URL"
SOCKET_SCHEME = "unix://"


class BeatReader:
    """Reads the beats of this host's workers; raises STORE_ERRORS when Redis cannot serve."""

    def __init__(self, url: str, host_name: str) -> None:
        me = WorkerId.of_process("watchdog", 0, host_name, secrets.token_hex(3))
        self._me = me
        self._own_key = Keys().worker(str(me))
        self._looks = 0
        self._store = make_store(url, name=str(me), timeout_s=TIMEOUT_S)
        self._loop = asyncio.Runner()
        """A look waits for Redis and for nothing else: whoever calls `read` has no loop."""
        self.unreadable: dict[str, ContractError] = {}
        """Workers whose beat could not be read at the last look, and why: they show none."""

    def read(self) -> dict[int, int]:
        """pid → number of the beat of each role's process on this host.

        Writes a beat of our own first: a Redis that is full or read-only can be read, and nobody's beat
        moves there. On a Cluster beats stand on other masters than ours: each is asked whether it takes any.
        """
        return self._loop.run(self._read())

    def close(self) -> None:
        """Closes its connections; `read` no more."""
        self._loop.run(self._store.aclose())
        self._loop.close()

    # Private.

    async def _read(self) -> dict[int, int]:
        self._looks += 1
        words = record.flat(self._own_beat())
        await self._store.hset(self._own_key, mapping=dict(zip(words[::2], words[1::2], strict=True)))
        await self._store.pexpire(self._own_key, OWN_TTL_MS)
        workers = await self._store.smembers(WORKERS)
        names = sorted(name for raw in workers if self._is_here(name := raw.decode(errors="replace")))
        await self._ask_whether_they_take_writes(names)
        beats: dict[int, int] = {}
        unreadable: dict[str, ContractError] = {}
        for name in names:
            found = await self._store.hgetall(Keys().worker(name))
            if not found:
                continue
            try:
                beat = read_beat(text_of(found))
            except ContractError as error:
                unreadable[name] = error
                continue
            beats[beat.pid] = beat.beat
        self.unreadable = unreadable
        return beats

    async def _ask_whether_they_take_writes(self, names: list[str]) -> None:
        """Of a Cluster, the masters of these workers' beats. Raises STORE_ERRORS if one does not: who is
        there cannot show itself, and one look of all is no look."""
        if not self._store.is_cluster:
            return
        for answer in await self._store.ask_each([asking(Keys().worker(name)) for name in names]):
            if isinstance(answer, Exception) and is_of_the_moment(answer):
                raise answer

    def _is_here(self, name: str) -> bool:
        try:
            return WorkerId.parse(name).host == self._me.host
        except ValueError:
            return False  # Not a name of ours.

    def _own_beat(self) -> Beat:
        return Beat(
            beat=self._looks,
            at_ms=wall_ms(),
            host=self._me.host,
            pid=os.getpid(),
            role=self._me.role,
            calls=0,
            capacity=0,
            loop_lag_ms=0.0,
            draining=False,
            version=VERSION,
            contract=record.CONTRACT,
            admin_port=0,
            pid_started=0,
            boot_id="",
            pid_ns=0,
        )


class Awake:
    """The watchdog's awake clock, ticked by a thread of its own: the main one waits for Redis, too."""

    def __init__(self) -> None:
        self._clock = AwakeClock(now_ms(), AWAKE_MOST_MS)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="awake", daemon=True)
        self._thread.start()

    def ms(self) -> float:
        """Time in which this process ran."""
        with self._lock:
            return self._clock.at(now_ms())

    def stop(self) -> None:
        """Returns when its thread has ended."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(AWAKE_TICK_S):
            with self._lock:
                self._clock.tick(now_ms())


class Watchdog:
    """One look at a time."""

    def __init__(
        self, supervisor: Supervisor, reader: BeatReader, log: Log, awake_ms: Callable[[], float]
    ) -> None:
        self._supervisor = supervisor
        self._reader = reader
        self._log = log
        self._awake_ms = awake_ms
        self._heartbeats = Heartbeats()
        self._blind = ""
        self._told: frozenset[str] = frozenset()
        """Workers whose beat could not be read, and the log says so."""

    def tick(self) -> None:
        """Looks, lets judge, kills. Never raises for the fault of supervisord or Redis."""
        beats: dict[int, int] | None = None
        running: list[Running] = []
        try:
            running = self._running()
            beats = self._reader.read()
            self._blind = ""
        except (*SUPERVISOR_ERRORS, *STORE_ERRORS) as error:
            if not self._blind:
                self._log.warning("watchdog_blind", reason=f"{type(error).__name__}: {error}")
            self._blind = type(error).__name__
        self._tell_unreadable()
        for hung in self._heartbeats.judge(self._awake_ms(), running, beats):
            process = hung.process
            self._log.error(
                "process_hangs", process=process.name, pid=process.pid, silent_ms=round(hung.silent_ms)
            )
            _kill(process.pid, self._log)

    # Private.

    def _running(self) -> list[Running]:
        return [
            Running(name=info.name, pid=info.pid)
            for info in self._supervisor.processes()
            if info.group in ROLES and info.state == "RUNNING"
        ]

    def _tell_unreadable(self) -> None:
        """Once, and again after it could be read."""
        for name, error in self._reader.unreadable.items():
            if name not in self._told:
                self._log.warning(
                    "contract_error", worker=name, record=error.record, field=error.field, reason=str(error)
                )
        self._told = frozenset(self._reader.unreadable)


def answer(events: TextIO, answers: TextIO, closed: threading.Event) -> None:
    """supervisord's event listener protocol: READY, header, payload, RESULT; until supervisord closes it,
    which `closed` tells."""
    try:
        _answer_all(events, answers)
    finally:
        closed.set()


def watch(watchdog: Watchdog, closed: threading.Event) -> None:
    """Looks, until supervisord is gone."""
    while not closed.wait(LOOK_MS / 1000):
        watchdog.tick()


def _answer_all(events: TextIO, answers: TextIO) -> None:
    while True:
        answers.write("READY\n")
        answers.flush()
        header = events.readline()
        if not header:
            return
        words = dict(word.split(":", 1) for word in header.split())
        events.read(int(words["len"]))
        answers.write("RESULT 2\nOK")
        answers.flush()


def main() -> int:
    """Serves supervisord until it closes our stdin. Returns an exit code of shared/process/exits.py."""
    server = os.environ.get(SERVER_URL, "")
    if not server.startswith(SOCKET_SCHEME):
        print(
            f"watchdog: expected {SERVER_URL}={SOCKET_SCHEME}…, as supervisord sets it for its event"
            f" listeners, got {server!r}. deploy/programs.d/watchdog.conf starts it.",
            file=sys.stderr,
        )
        return Exit.USAGE
    try:
        settings = load()
    except SettingsError as error:
        for problem in error.problems:
            print(f"watchdog: {problem}", file=sys.stderr)
        return exit_of(error)
    writer = configure(settings.log_level, "json", sys.stderr)
    reader = BeatReader(settings.redis_url, settings.host_name or socket.gethostname())
    supervisor = Supervisor(Path(server.removeprefix(SOCKET_SCHEME)))
    awake, closed = Awake(), threading.Event()
    threading.Thread(target=answer, args=(sys.stdin, sys.stdout, closed), name="events", daemon=True).start()
    try:
        watch(Watchdog(supervisor, reader, get_log(role="watchdog"), awake.ms), closed)
    finally:
        awake.stop()
        reader.close()
        writer.close()
    return Exit.OK


# Private.


def _kill(pid: int, log: Log) -> None:
    """By the pid that was judged, not by name: a name may have a new process by now."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        log.info("process_gone", pid=pid)


if __name__ == "__main__":
    sys.exit(main())
