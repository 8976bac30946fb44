"""One server: its command line, its life, what it is asked.

Why it exists: a row kills, stops and restarts servers, with what they had, with less, or with nothing; each
must be the one that was started, in a folder and on ports of its own. Owns: one process, its folder, its
signals. Must not know: which others there are, or what is done when.

All of it blocks, each step for a bounded time: who has a loop asks from a thread. What is asked goes by a
connection of its own, so that a server that was killed leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import redis
from redis.exceptions import RedisError

from console.stack.logs import tail
from console.stack.plan import REPOSITORY
from proofs.prove.chaos.shapes.become import command_of
from proofs.prove.chaos.shapes.programs import Program, ShapeFailed

LOOPBACK: Final = "127.0.0.1"
UP_WITHIN_S: Final = 20.0
ANSWER_WITHIN_S: Final = 5.0
END_WITHIN_S: Final = 10.0
LOOK_S: Final = 0.02
OUTPUT: Final = "output.log"

SNAPSHOT: Final = "dump.rdb"
LOG_FOLDER: Final = "appendonlydir"
KEPT: Final = (SNAPSHOT, LOG_FOLDER)
"""What a server starts from, in its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificates of servers. What they show is good for who asks them, too."""

    ca: Path
    certificate: Path
    key: Path
    asks_clients: bool = False
    """Whether who comes must show a certificate."""

    @property
    def query(self) -> str:
        """The options of a URL, from the question mark on."""
        words = {"ssl_ca_certs": str(self.ca)}
        if self.asks_clients:
            words |= {"ssl_certfile": str(self.certificate), "ssl_keyfile": str(self.key)}
        return f"?{urlencode(words)}"

    @property
    def words(self) -> dict[str, str]:
        """The server's settings, but for its port."""
        return {
            "tls-ca-cert-file": str(self.ca),
            "tls-cert-file": str(self.certificate),
            "tls-key-file": str(self.key),
            "tls-auth-clients": "yes" if self.asks_clients else "no",
            "tls-replication": "yes",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a server runs."""

    host: str = LOOPBACK
    before: tuple[str, ...] = ()
    """What its command begins with, where that is another network."""


NEAR: Final = Site()


@dataclass(slots=True, kw_only=True)
class Node:
    """One server. `launch` it and wait `until_up`; `end` it in any case."""

    name: str
    program: Program
    folder: Path
    port: int
    site: Site = NEAR
    settings: Mapping[str, str] = field(default_factory=dict)
    """Beside those of every server here."""
    tls: Tls | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    is_let_in_first: bool = False
    config_file: Path | None = None
    """Of a Sentinel, which keeps what it learns there: all its settings stand in it."""
    is_paused: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self.site.host, self.port

    @property
    def is_running(self) -> bool:
        """Whether its process lives, standing still or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of its process; 0: it has none."""
        return self._process.pid if self._process is not None else 0

    # Its life.

    def launch(self, **settings: str) -> None:
        """Starts its process, which ends with the thread that calls this (Linux). `settings`: for this time,
        with `_` for `-`. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        more = {name.replace("_", "-"): value for name, value in settings.items()}
        with (self.folder / OUTPUT).open("ab") as output:
            self._process = subprocess.Popen(
                [*self.site.before, *self._becomes(more)],
                cwd=REPOSITORY,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # The terminal's Ctrl-C is for who started it.
                start_new_session=True,
            )
        self.is_paused = False

    def until_up(self) -> None:
        """Waits until it answers as itself: another server may have had its port. Raises ShapeFailed."""

        def answers() -> bool:
            if not self.is_running:
                said = tail(self.folder / OUTPUT, lines=5)
                raise _Hopeless(f"expected {self.name} to run, got its end: {said}")
            self.ask("PING")
            return int(self.info("server")["process_id"]) == self.pid

        until(answers, f"an answer of {self.name}", UP_WITHIN_S)

    def start(self, **settings: str) -> None:
        """`launch` and `until_up`."""
        self.launch(**settings)
        self.until_up()

    def kill(self) -> None:
        """SIGKILL; returns when it has ended. What stands in its folder stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(END_WITHIN_S)
        self.is_paused = False

    def pause(self) -> None:
        """SIGSTOP, if it lives."""
        if self.is_running:
            os.kill(self.pid, signal.SIGSTOP)
            self.is_paused = True

    def go_on(self) -> None:
        """SIGCONT, if it lives."""
        if self.is_running:
            os.kill(self.pid, signal.SIGCONT)
        self.is_paused = False

    def end(self) -> None:
        """Ends it for good, also where it stands still or never ran."""
        with suppress(subprocess.TimeoutExpired):  # The kernel ends it with us at the latest.
            self.kill()

    # What it starts from.

    def forget(self) -> None:
        """Removes what a next start would read. Who it is in a Cluster is not among that."""
        for name in KEPT:
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def keep_log(self) -> None:
        """From here on each write stands in an append-only file. Raises ShapeFailed."""
        self.ask("CONFIG", "SET", "appendonly", "yes")

        def is_written() -> bool:
            said = self.info("persistence")
            return said["aof_rewrite_in_progress"] == said["aof_rewrite_scheduled"] == "0"

        until(is_written, f"the first append-only file of {self.name}", UP_WITHIN_S)

    def snapshot(self) -> None:
        """Writes down all that it has. Raises ShapeFailed."""
        before = self.info("persistence")["rdb_saves"]
        self.ask("BGSAVE")

        def is_written() -> bool:
            said = self.info("persistence")
            return said["rdb_bgsave_in_progress"] == "0" and said["rdb_saves"] != before

        until(is_written, f"a snapshot of {self.name}", UP_WITHIN_S)

    # What it is asked.

    def ask(self, *words: str | int, within_s: float = ANSWER_WITHIN_S) -> Any:
        """One command; its plain reply. Raises ShapeFailed where it is refused or not answered in time."""
        connect: Any = redis.SSLConnection if self.tls is not None else redis.Connection
        try:
            connection = connect(**self._options(within_s))
            try:
                connection.connect()
                connection.send_command(*words)
                return connection.read_response()
            finally:
                connection.disconnect()
        except (RedisError, OSError) as error:
            raise ShapeFailed(f"expected {self.name} to answer {words[0]}, got: {error}") from error

    def info(self, section: str) -> dict[str, str]:
        """What it says of itself. Raises ShapeFailed."""
        lines = (line.partition(":") for line in str(self.ask("INFO", section)).splitlines())
        return {name: value for name, colon, value in lines if colon}

    def command(self, more: Mapping[str, str]) -> list[str]:
        """Its command line, with settings for this time."""
        if self.config_file is not None:
            return [self.program.binary, str(self.config_file), "--sentinel"]
        words = [self.program.binary]
        for name, value in {**self._usual(), **self.settings, **more}.items():
            words += [f"--{name}", *(value.split(" ") if name in _OF_SEVERAL_WORDS else [value])]
        return words

    # Private.

    def _becomes(self, more: Mapping[str, str]) -> list[str]:
        return command_of(self.command(more), parent_pid=os.getpid(), is_first=self.is_let_in_first)

    def _usual(self) -> dict[str, str]:
        """Nothing is kept, nothing is evicted, and a replica is served at once."""
        ports = {"port": str(self.port)}
        if self.tls is not None:
            ports = {"port": "0", "tls-port": str(self.port), **self.tls.words}
        return {
            **ports,
            "bind": self.site.host,
            "protected-mode": "no",
            "dir": str(self.folder),
            "logfile": "",
            "daemonize": "no",
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "repl-diskless-sync-delay": "0",
        }

    def _options(self, within_s: float) -> dict[str, object]:
        options: dict[str, object] = {
            "host": self.site.host,
            "port": self.port,
            "socket_timeout": within_s,
            "socket_connect_timeout": within_s,
            "decode_responses": True,
            "protocol": 2,
            "driver_info": None,
        }
        if self.tls is not None:
            options |= {
                "ssl_ca_certs": str(self.tls.ca),
                "ssl_certfile": str(self.tls.certificate),
                "ssl_keyfile": str(self.tls.key),
            }
        return options


def until(condition: Callable[[], bool], what: str, within_s: float) -> None:
    """Waits for a condition; a server that does not answer meanwhile is one that does not hold. Raises
    ShapeFailed with what was waited for, and the last thing that was in the way."""
    deadline_s = time.monotonic() + within_s
    why = ""
    while True:
        try:
            if condition():
                return
            why = ""
        except _Hopeless:
            raise
        except ShapeFailed as error:
            why = f": {error}"
        if time.monotonic() > deadline_s:
            raise ShapeFailed(f"expected {what} within {within_s:.0f} s, got none{why}")
        time.sleep(LOOK_S)


# Private.


class _Hopeless(ShapeFailed):
    """No waiting will help."""


_OF_SEVERAL_WORDS: Final = frozenset({"replicaof", "bind"})
"""Settings whose words are arguments of their own."""
