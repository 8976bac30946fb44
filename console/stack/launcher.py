"""The launcher: a whole Trunkline on this machine under a private supervisord, for as long as it is needed.

Why it exists: the demo, `trunkline run`, the end-to-end tests and the benchmark all need the same thing: real
processes under the real supervisor, on free ports, ready when the block begins and gone when it ends.

Owns: the life of that supervisord and of the run's folder. Must not know: what is done with the stack.
What a stack consists of is decided in plan.py, without side effects.

    async with Stack(StackOptions(name="demo")) as stack:
        ...  # stack.public_port, stack.redis_url, await stack.pids()

It ends what it started in every case: at the end of the block, on an error, on Ctrl-C, also while it is
still starting; should the launcher itself be killed, the kernel tells supervisord, which stops the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from console.stack import marked, socket_path
from console.stack.logs import tail, tails
from console.stack.plan import (
    LAST_WRITES_S,
    MARKER,
    REPOSITORY,
    Expected,
    Ports,
    StackOptions,
    admin_port,
    admin_span,
    environment,
    expected_processes,
    model_base_url,
    redis_url,
    supervisord_file,
)
from console.stack.ports import free_base, free_port, is_free, take
from console.stack.readiness import why_not_listening, why_not_ready
from console.stack.run_folder import make_run_dir
from console.stack.supervision import SUPERVISOR_ERRORS, ProcessInfo, Supervisor
from shared.contract.worker import ROLES
from shared.process.host import who_listens

RUNS = REPOSITORY / ".build" / "run"
POLL_S = 0.1
STOP_MARGIN_S = 15.0
"""Beyond the drains of the roles: the embedded servers and supervisord itself."""

FAILED_STARTS = 3
"""Times a process may end while the stack starts before we give up waiting for it."""

Progress = Callable[[str], None]
"""Called with one line whenever what the start waits for has changed."""


class StackFailed(Exception):
    """The stack did not get ready, or a part of it is gone. The text ends with the logs that matter."""


def _silent(_line: str) -> None:
    """Nobody watches."""


class Stack:
    """One stack. Use it as an async context manager, or call `start` and `stop`."""

    def __init__(self, options: StackOptions | None = None, *, progress: Progress = _silent) -> None:
        self.options = options or StackOptions()
        self.auth_token = self.options.auth_token or secrets.token_hex(16)
        self.stack_id = secrets.token_hex(6)
        """Stands in the environment of all that this stack starts (plan.MARKER)."""
        self.run_dir = Path()
        """Folder of the supervisord file and the logs; known once `start` was called."""
        self.ports = Ports(public=0, admin_base=0, redis=0, realtime=0)
        self._progress = progress
        self._socket = Path()
        self._supervisord: subprocess.Popen[bytes] | None = None

    # What others need to know.

    @property
    def public_url(self) -> str:
        return self.options.public_url

    @property
    def public_port(self) -> int:
        """Where the ingress processes listen, without TLS; the Twilio simulator dials it."""
        return self.ports.public

    @property
    def redis_url(self) -> str:
        return redis_url(self.options, self.ports)

    @property
    def model_base_url(self) -> str:
        return model_base_url(self.options, self.ports)

    @property
    def config_file(self) -> Path:
        """For `supervisorctl -c`."""
        return self.run_dir / "supervisord.conf"

    @property
    def supervisor(self) -> Supervisor:
        """supervisord's blocking interface."""
        return Supervisor(self._socket)

    def admin_port(self, role: str, number: int) -> int:
        """Port of `/healthz`, `/readyz` and `/metrics` of a process, on 127.0.0.1."""
        return admin_port(self.ports, role, number)

    def log(self, name: str) -> Path:
        """Log file of a process (`brain-0`, `valkey`, `supervisord`)."""
        return self.run_dir / f"{name}.log"

    async def processes(self) -> list[ProcessInfo]:
        """What supervisord says of each process. Raises SUPERVISOR_ERRORS. Cancelling is safe."""
        return await asyncio.to_thread(self.supervisor.processes)

    async def pids(self) -> dict[str, int]:
        """Process name → pid, of those that run; `supervisord` among them. Raises SUPERVISOR_ERRORS.

        Cancelling is safe.
        """
        found = {info.name: info.pid for info in await self.processes() if info.pid}
        if self._supervisord is not None:
            found["supervisord"] = self._supervisord.pid
        return found

    async def signal(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends a signal to one process by name and returns its pid. Raises KeyError if it does not run.

        Cancelled, it has sent nothing.
        """
        pid = (await self.pids())[name]
        os.kill(pid, number)
        return pid

    async def restart(self, name: str) -> None:
        """Stops and starts one process by name, as for a deploy. Raises SUPERVISOR_ERRORS.

        Cancelled, it is done all the same, unseen.
        """
        await asyncio.to_thread(self.supervisor.restart, self._group(name), name)

    # Life.

    async def __aenter__(self) -> Stack:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Starts everything and waits until it is ready.

        Raises StackFailed with the logs that matter. On any error, and when cancelled, nothing is left.
        """
        try:
            self._launch()
            await self.until_ready(self.options.ready_timeout_s)
        except BaseException:  # Ctrl-C too: whatever ends the start must end what was started.
            await self.stop()
            raise

    async def until_ready(self, timeout_s: float) -> None:
        """Waits until every process is ready. Raises StackFailed. Cancelling is safe."""
        deadline = time.monotonic() + timeout_s
        expected = expected_processes(self.options, self.ports)
        starts: dict[str, set[int]] = {process.name: set() for process in expected}
        said = ""
        while True:
            waiting = await self._waiting_for(expected)
            line = _progress_line(len(expected), waiting)
            if line != said:
                self._progress(line)
                said = line
            if not waiting:
                return
            await self._fail_if_hopeless(starts, waiting)
            if time.monotonic() > deadline:
                raise self._failure(f"expected all processes ready within {timeout_s:.0f} s", waiting)
            await asyncio.sleep(POLL_S)

    async def stop(self) -> None:
        """Ends everything; bounded. A cancellation while it waits makes it end everything at once."""
        ending = asyncio.ensure_future(self._end())
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            ending.cancel()
            await asyncio.wait({ending})
            raise

    # Private.

    # Its start.

    def _launch(self) -> None:
        self._choose()
        text = supervisord_file(
            self.options, self.ports, run_dir=self.run_dir, socket=self._socket, python=sys.executable
        )
        self.config_file.write_text(text, encoding="utf-8")
        inherited = environment(
            self.options,
            self.ports,
            auth_token=self.auth_token,
            stack_id=self.stack_id,
            inherited=os.environ,
        )
        command = [sys.executable, "-m", "console.stack.supervisord", str(os.getpid())]
        with (self.run_dir / "supervisord.out").open("wb") as output:
            self._supervisord = subprocess.Popen(
                [*command, "-c", str(self.config_file)],
                cwd=self.options.directory or self.run_dir,
                env=inherited,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                umask=0o077,
                # The terminal's Ctrl-C is for us alone: we decide the order in which things end.
                start_new_session=True,
            )

    def _choose(self) -> None:
        """Folder, socket and ports of this run."""
        if self.options.run_dir is None:
            self.run_dir = make_run_dir(RUNS, self.options.name)
        else:
            self.run_dir = self.options.run_dir.absolute()
            self.run_dir.mkdir(parents=True, exist_ok=True)
        self._socket = socket_path.choose(self.run_dir)
        span = admin_span(self.options)
        admin_base = self._admin_base(span)
        taken = set(range(admin_base, admin_base + span))
        self._expect_free("TRUNKLINE_PORT", self.options.port)
        if self.options.web:
            self._expect_free("TRUNKLINE_WEB_PORT", self.options.web_port)
        public = self.options.port or free_port(taken)
        redis = free_port(taken := taken | {public})
        realtime = free_port(taken := taken | {redis})
        web = (self.options.web_port or free_port(taken | {realtime})) if self.options.web else 0
        self.ports = Ports(public=public, admin_base=admin_base, redis=redis, realtime=realtime, web=web)

    def _expect_free(self, setting: str, port: int) -> None:
        """0: any will do. Raises StackFailed, which says who has it."""
        if port and not is_free(port):
            by = who_listens(port) or "somebody else"
            raise StackFailed(
                f"{setting}: expected a free port, got {port}, which {by} has. End that, or set another one."
            )

    def _admin_base(self, span: int) -> int:
        """Those that are wished for, if they are free. Raises StackFailed where no others will do."""
        wished = range(self.options.admin_base, self.options.admin_base + span)
        if self.options.admin_base and take(wished):
            return self.options.admin_base
        if not self.options.admin_base_is_set:
            return free_base(span)
        taken = next((port for port in wished if not is_free(port)), self.options.admin_base)
        by = who_listens(taken) or "somebody else"
        raise StackFailed(
            f"TRUNKLINE_ADMIN_PORT_BASE: expected {span} free ports from {self.options.admin_base} on, got"
            f" {taken}, which {by} has. End that, or set another one."
        )

    async def _waiting_for(self, expected: list[Expected]) -> dict[str, str]:
        """Processes that are not ready, with the reason."""
        reasons = await asyncio.gather(
            *(
                why_not_ready(process.port) if process.has_readyz else why_not_listening(process.port)
                for process in expected
            )
        )
        return {process.name: reason for process, reason in zip(expected, reasons, strict=True) if reason}

    async def _fail_if_hopeless(self, starts: dict[str, set[int]], waiting: dict[str, str]) -> None:
        """Ends the waiting early when supervisord is gone or a process ends again and again."""
        if self._supervisord is not None and self._supervisord.poll() is not None:
            code = self._supervisord.returncode
            raise self._failure(f"supervisord ended with code {code}", waiting)
        try:
            processes = await self.processes()
        except SUPERVISOR_ERRORS:
            return  # Its socket is not there yet.
        for info in processes:
            if info.name in waiting and info.pid:
                starts[info.name].add(info.pid)
            if info.name in waiting and info.is_down and len(starts[info.name]) >= FAILED_STARTS:
                raise self._failure(f"{info.name} ended at each start ({info.text})", waiting)

    def _failure(self, what: str, waiting: dict[str, str]) -> StackFailed:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in waiting.items())
        # supervisord's own log has the exit codes; its output has what kept it from logging at all.
        own = tails([self.log("supervisord")], lines=8)
        logs = tails([self.log(name) for name in waiting])
        other = "" if own else tail(self.run_dir / "supervisord.out")
        text = "\n".join(part for part in (other, own, logs) if part)
        return StackFailed(f"{what}. Not ready: {reasons}. All logs: {self.run_dir}\n{text}")

    def _group(self, name: str) -> str:
        for process in expected_processes(self.options, self.ports):
            if process.name == name:
                return process.group
        raise KeyError(f"expected the name of a process of this stack such as brain-0, got {name!r}")

    # Its end.

    async def _end(self) -> None:
        supervisord, self._supervisord = self._supervisord, None
        try:
            if supervisord is not None and supervisord.poll() is None:
                if self.options.stop_together:
                    await self._stop_roles()
                supervisord.send_signal(signal.SIGTERM)
                await self._until_ended(supervisord)
        finally:
            # Nothing here when supervisord did its work; all of it when it could not, or was hurried.
            if supervisord is not None:
                if supervisord.poll() is None:
                    supervisord.kill()
                marked.kill_marked(MARKER, self.stack_id)
                supervisord.wait()
            if self._socket != Path():
                socket_path.discard(self._socket, self.run_dir)

    async def _stop_roles(self) -> None:
        """All roles at once; Redis and the simulator go on until they have ended."""
        groups = [role for role in ROLES if self.options.workers.get(role, 0)]
        deadline = time.monotonic() + self.options.drain_s + LAST_WRITES_S
        # Whatever goes wrong here, the SIGTERM that follows stops what is left.
        with contextlib.suppress(*SUPERVISOR_ERRORS):
            for group in groups:
                await asyncio.to_thread(self.supervisor.stop_group, group)
            while time.monotonic() < deadline:
                if not any(info.pid for info in await self.processes() if info.group in groups):
                    return
                await asyncio.sleep(POLL_S)

    async def _until_ended(self, supervisord: subprocess.Popen[bytes]) -> None:
        """supervisord stops one group after the other, each within its stopwaitsecs."""
        limit_s = len(ROLES) * (self.options.drain_s + LAST_WRITES_S) + STOP_MARGIN_S
        with contextlib.suppress(subprocess.TimeoutExpired):
            # In a thread: the loop may serve a simulator that the roles take leave of.
            await asyncio.to_thread(supervisord.wait, limit_s)


def _progress_line(total: int, waiting: dict[str, str]) -> str:
    ready = f"{total - len(waiting)} of {total} processes ready"
    if not waiting:
        return ready
    return f"{ready}; waiting for " + ", ".join(f"{name} ({why})" for name, why in waiting.items())
