"""The public port under a real supervisord: whoever comes is answered, whatever is restarted.

Stand-ins listen on it instead of ingress, so that it is the port alone that is tested, with callers all the
time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from console.stack.marked import kill_marked, marked_pids
from console.stack.plan import MARKER, REPOSITORY
from shared import public_port
from tests.support.servers import free_port
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("deploy")]

CONFIG = """
[unix_http_server]
file = {folder}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix://{folder}/s.sock
[supervisord]
nodaemon = true
logfile = {folder}/supervisord.log
pidfile = {folder}/supervisord.pid
[program:port]
command = {python} -m console.operate.port {address}
priority = 150
startsecs = 0
[program:listener]
command = {python} -m tests.support.listener {address} %(ENV_DRAIN_S)s
process_name = listener-%(process_num)d
numprocs = 2
priority = 400
startsecs = 0
stopasgroup = true
[program:slow]
command = {python} -m tests.support.listener --slow 2.5
startsecs = 0
"""
"""The port, two that listen on it, and one that takes longer to stop than they."""


@dataclass(slots=True)
class Supervised:
    """A real supervisord, and callers that come all the time."""

    folder: Path
    address: str
    process: subprocess.Popen[bytes]
    answers: list[str] = field(default_factory=list)
    """The pid of who answered, or why nobody did."""
    over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self.process = started(self.folder, "1")

    def ctl(self, *words: str) -> None:
        command = [
            sys.executable,
            "-m",
            "supervisor.supervisorctl",
            "-c",
            str(self.folder / "c.conf"),
            *words,
        ]
        subprocess.run(command, capture_output=True, timeout=60, check=False)

    def call(self) -> str:
        try:
            with socket.create_connection(public_port.parse_address(self.address), timeout=15) as link:
                return link.recv(64).decode() or "closed without a word"
        except OSError as error:
            return repr(error)

    def call_on(self) -> None:
        while not self.over.wait(0.02):
            self.answers.append(self.call())

    @contextlib.contextmanager
    def callers(self) -> Iterator[None]:
        """Within it somebody calls fifty times a second; each must be answered."""
        self.over.clear()
        self.answers.clear()
        thread = threading.Thread(target=self.call_on)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()
        assert [answer for answer in self.answers if not answer.isdigit()] == []

    async def until(self, is_open: bool) -> None:
        async def as_wanted() -> bool:
            return (await asyncio.to_thread(self.call)).isdigit() is is_open

        await wait_until(as_wanted, f"the port is {'open' if is_open else 'closed'}", timeout_s=60)


def started(folder: Path, drain_s: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(folder / "c.conf")],
        cwd=REPOSITORY,
        env={**os.environ, MARKER: str(folder), "DRAIN_S": drain_s},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def supervised(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Supervised]:
    """Its parameter: how long a listener drains, in seconds."""
    address = f"tcp://127.0.0.1:{free_port()}"
    text = CONFIG.format(folder=tmp_path, address=address, python=sys.executable)
    (tmp_path / "c.conf").write_text(text, "utf-8")
    found = Supervised(tmp_path, address, started(tmp_path, request.param))
    try:
        yield found
    finally:
        found.process.terminate()
        found.process.wait(30)
        kill_marked(MARKER, str(tmp_path))


@pytest.mark.parametrize("supervised", ["1"], indirect=True)
@pytest.mark.parametrize("what", ["listener:*", "port", "all"])
async def test_a_restart_refuses_nobody(supervised: Supervised, what: str) -> None:
    """Of those that listen, of the holder, of everything: whoever comes waits, and is answered."""
    await supervised.until(is_open=True)
    with supervised.callers():
        await asyncio.to_thread(supervised.ctl, "restart", what)
        before = len(supervised.answers)
        await wait_until(lambda: len(supervised.answers) > before + 20, "callers are answered", timeout_s=60)


@pytest.mark.parametrize("supervised", ["1"], indirect=True)
async def test_a_stop_of_everything_closes_the_port(supervised: Supervised) -> None:
    """Soon, and for as long as nothing is started; the keeper is not there any more either."""
    await supervised.until(is_open=True)
    await asyncio.to_thread(supervised.ctl, "stop", "all")
    await supervised.until(is_open=False)
    await wait_until(
        lambda: marked_pids(MARKER, str(supervised.folder)) == [supervised.process.pid], "it is gone"
    )
    await asyncio.to_thread(supervised.ctl, "start", "all")
    await supervised.until(is_open=True)


@pytest.mark.parametrize("supervised", ["10"], indirect=True)
async def test_supervisords_death(supervised: Supervised) -> None:
    """Who listened drains, and has the port until the next supervisord's holder has it from there."""
    await supervised.until(is_open=True)
    with supervised.callers():
        supervised.process.kill()
        supervised.process.wait()
        supervised.start()
        before = len(supervised.answers)
        await wait_until(lambda: len(supervised.answers) > before + 20, "callers are answered", timeout_s=60)


@pytest.mark.parametrize("supervised", ["0"], indirect=True)
async def test_its_orderly_end_leaves_nothing(supervised: Supervised) -> None:
    """Nobody keeps a port for a supervisord that was told to end."""
    await supervised.until(is_open=True)
    supervised.process.terminate()
    assert await asyncio.to_thread(supervised.process.wait, 30) == 0
    assert marked_pids(MARKER, str(supervised.folder)) == []
