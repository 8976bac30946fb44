"""A checkout of its own that runs as in production: the real files of `deploy/`, edited as an operator would.

The code and the `.venv` are links into this checkout; `deploy/` is a copy, and `.env` stands beside it. Only
figures are changed: ports, number of processes, patience.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.stack.marked import kill_marked
from console.stack.plan import MARKER, REPOSITORY
from console.stack.ports import free_base, free_port
from console.stack.supervision import SUPERVISOR_ERRORS, ProcessInfo, Supervisor
from shared.contract.worker import ROLES
from shared.settings import Settings

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://bridge.trunkline.test"
CODE = ("shared", "ingress", "brain", "egress", "console")
ADMIN_PORTS = 50
STOP_LIMIT_S = 60.0

_WITHOUT_ROOT = ("setpriv", "--inh-caps=-all", "--bounding-set=-all") if os.geteuid() == 0 else ()
"""Another user could not read an interpreter in root's home; root without capabilities is nobody special."""


@dataclass(slots=True, kw_only=True)
class Deployment:
    """A supervisord of production, running."""

    root: Path
    public_port: int
    admin_base: int
    process: subprocess.Popen[bytes]
    mark: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.root / "deploy" / "supervisord.conf"

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.root / "deploy" / "run" / "supervisor.sock")

    def log(self, name: str) -> str:
        return (self.root / "deploy" / "run" / f"{name}.log").read_text("utf-8", errors="replace")

    def ctl(self, *words: str) -> str:
        """What `supervisorctl` prints. Its exit code tells more of the processes than of the command."""
        command = [str(self.root / ".venv" / "bin" / "supervisorctl"), "-c", str(self.config), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=STOP_LIMIT_S, cwd="/", check=False
        )
        return done.stdout + done.stderr

    def processes(self) -> dict[str, ProcessInfo]:
        return {info.name: info for info in self.supervisor.processes()}

    def pid(self, name: str) -> int:
        return self.processes()[name].pid

    def start_again(self) -> None:
        """Another supervisord, after the first has ended."""
        self.process = _start(self.root, self.environment)

    def until_running(self, timeout_s: float = 90) -> None:
        """Waits until supervisord calls every process RUNNING."""
        deadline = time.monotonic() + timeout_s
        found: dict[str, ProcessInfo] = {}
        while time.monotonic() < deadline:
            with contextlib.suppress(*SUPERVISOR_ERRORS):
                found = self.processes()
                if found and all(info.state == "RUNNING" for info in found.values()):
                    return
            time.sleep(0.05)
        raise AssertionError(f"expected all processes to run within {timeout_s:.0f} s: {found}")

    def until_ready(self, timeout_s: float = 90) -> None:
        """Waits until every role process says at /readyz that it can take calls: RUNNING is less."""
        settings = Settings(_env_file=None, admin_port_base=self.admin_base)
        deadline = time.monotonic() + timeout_s
        reasons = {"supervisord": "not asked yet"}
        while any(reasons.values()):
            assert time.monotonic() < deadline, f"expected all ready within {timeout_s:.0f} s: {reasons}"
            time.sleep(0.05)
            names = [info.name for info in self.processes().values() if info.group in ROLES]
            ports = {name: settings.admin_port(*_role_and_number(name)) for name in names}
            reasons = {name: _why_not_ready(port) for name, port in ports.items()}


def _why_not_ready(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return ""
    except OSError as error:  # Not up yet, or 503.
        return str(error)


def _role_and_number(name: str) -> tuple[str, int]:
    role, _, number = name.partition("-")
    return role, int(number)


@contextlib.contextmanager
def deployment(
    folder: Path,
    settings: Mapping[str, str],
    *,
    edits: Mapping[str, str] | None = None,
) -> Iterator[Deployment]:
    """Starts it, waits until all are ready, and leaves nothing behind.

    `settings` go into `.env`. `edits` replaces texts in the files of deploy/; each must be found. Where the
    tests run as root, it runs without root's powers: it needs none.
    """
    public_port = free_port()
    admin_base = free_base(ADMIN_PORTS, {public_port})
    own = {"TRUNKLINE_ADMIN_PORT_BASE": str(admin_base), "TRUNKLINE_WEB_PORT": str(free_port())}
    _lay_out(folder, public_port, {**own, **settings}, edits or {})
    mark = secrets.token_hex(6)
    environment = {"PATH": os.environ["PATH"], MARKER: mark}
    process = _start(folder, environment)
    found = Deployment(
        root=folder,
        public_port=public_port,
        admin_base=admin_base,
        process=process,
        mark=mark,
        environment=environment,
    )
    try:
        found.until_running()
        found.until_ready()
        yield found
    finally:
        found.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            found.process.wait(STOP_LIMIT_S)
        kill_marked(MARKER, mark)
        found.process.wait()


def _start(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    config = folder / "deploy" / "supervisord.conf"
    with (folder / "supervisord.out").open("ab") as output:
        return subprocess.Popen(
            [*_WITHOUT_ROOT, str(folder / ".venv" / "bin" / "supervisord"), "-c", str(config)],
            cwd="/",
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            umask=0o077,
            start_new_session=True,
        )


def _lay_out(folder: Path, public_port: int, settings: Mapping[str, str], edits: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".venv").symlink_to(sys.prefix)
    for package in CODE:
        (folder / package).symlink_to(REPOSITORY / package)
    deploy = folder / "deploy"
    deploy.mkdir()
    (deploy / "run").mkdir()
    shutil.copytree(REPOSITORY / "deploy" / "programs.d", deploy / "programs.d")
    for name in ("supervisord.conf", "trunkline.conf"):
        shutil.copy(REPOSITORY / "deploy" / name, deploy)
    _edit(deploy, {"tcp://0.0.0.0:8080": f"tcp://127.0.0.1:{public_port}", **edits})
    values = {
        "PUBLIC_URL": PUBLIC_URL,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "OPENAI_API_KEY": "simulated",
        "TRUNKLINE_LOG_FORMAT": "json",
        **settings,
    }
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()), "utf-8")


def _edit(deploy: Path, edits: Mapping[str, str]) -> None:
    files = sorted(deploy.rglob("*.conf"))
    for before, after in edits.items():
        texts = {file: file.read_text("utf-8") for file in files}
        holding = [file for file, text in texts.items() if before in text]
        assert holding, f"nothing in deploy/ says {before!r}"
        for file in holding:
            file.write_text(texts[file].replace(before, after), "utf-8")
