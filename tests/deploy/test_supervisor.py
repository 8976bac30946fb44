"""What docs/operating.md says of supervisorctl: real supervisord, real files, real roles."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from console.stack.marked import marked_pids
from console.stack.plan import MARKER
from ingress.web.signature import Signatures
from shared.contract.worker import ROLES
from simulators.twilio.webhooks import forms
from simulators.twilio.webhooks.signing import sign_webhook
from tests.support.deployment import AUTH_TOKEN, PUBLIC_URL, Deployment, deployment
from tests.support.servers import server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("deploy")]

STOP_WAIT_S = 6
EDITS = {'STOP_WAIT_S="90"': f'STOP_WAIT_S="{STOP_WAIT_S}"'}
ACCOUNT = "AC" + "0" * 32


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Production, two of each role and the watchdog."""
    folder = tmp_path_factory.mktemp("d")
    with server(valkey_binary(), folder) as url:
        settings = {"REDIS_URL": url, "TRUNKLINE_DRAIN_S": "3", "TRUNKLINE_MAX_CALLS": "100000"}
        with deployment(folder / "checkout", settings, edits=EDITS) as found:
            yield found


def listening_inodes() -> dict[str, int]:
    """inode → port of all TCP sockets on this machine that listen."""
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text("ascii").splitlines()[1:]
    ]
    return {row[9]: int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}


def test_starts_from_what_the_others_stand_on(running: Deployment) -> None:
    """The port, what looks at calls, egress, brain, ingress, then the watchdog; each by its number."""
    spawned = re.findall(r"spawned: '([\w-]+)'", running.log("supervisord"))
    names = [f"{role}-{number}" for role in reversed(ROLES) for number in (0, 1)]
    assert spawned[:11] == ["port", "archive", "recorder", "web", *names, "watchdog"]


def test_supervisord_itself_can_be_reached_by_its_socket_only(running: Deployment) -> None:
    """It holds no TCP port at all; the socket is this user's alone."""
    folder = Path(f"/proc/{running.process.pid}/fd")
    targets = []
    for link in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            targets.append(os.readlink(link))
    ports = [port for inode, port in listening_inodes().items() if f"socket:[{inode}]" in targets]
    assert ports == []
    mode = (running.root / "deploy" / "run" / "supervisor.sock").stat().st_mode
    assert stat.S_IMODE(mode) == 0o700


def test_logs_are_this_users_alone(running: Deployment) -> None:
    """Numbers are masked, names of hosts are not."""
    logs = sorted((running.root / "deploy" / "run").glob("*.log"))
    assert len(logs) == 12
    assert {stat.S_IMODE(log.stat().st_mode) for log in logs} == {0o600}


@pytest.mark.skipif(sys.platform != "linux", reason="reads capabilities from /proc")
def test_no_root_is_needed(running: Deployment) -> None:
    """All of it runs without any of root's powers."""
    pids = [running.process.pid, *(info.pid for info in running.processes().values())]
    assert len(pids) == 12
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
        assert re.findall(r"CapEff:\s*(\w+)", status) == ["0000000000000000"]


@dataclass(slots=True)
class Callers:
    """A steady stream of new connections, each with a signed POST /voice, until told to end."""

    port: int
    answered: int = 0
    refused: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        # No connection is used twice: what is tested is the port.
        with httpx.Client(
            limits=httpx.Limits(max_keepalive_connections=0), timeout=20, trust_env=False
        ) as client:
            while not self.over.is_set():
                began = time.monotonic()
                try:
                    status = self._voice(client)
                except httpx.HTTPError as error:
                    self.refused.append(f"{type(error).__name__}: {error}")
                else:
                    self.answered += 1
                    if status != 200:
                        self.refused.append(f"status {status}")
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                self.over.wait(0.02)

    def _voice(self, client: httpx.Client) -> int:
        call_sid = "CA" + secrets.token_hex(16)
        fields = forms.voice_form(ACCOUNT, call_sid, "+15550001111", "+15550002222", "ringing")
        headers = {"X-Twilio-Signature": sign_webhook(AUTH_TOKEN, f"{PUBLIC_URL}/voice", fields)}
        return client.post(f"http://127.0.0.1:{self.port}/voice", data=fields, headers=headers).status_code


@contextlib.contextmanager
def callers(port: int) -> Iterator[Callers]:
    found = Callers(port)
    thread = threading.Thread(target=found.run, name="callers")
    thread.start()
    try:
        yield found
    finally:
        found.over.set()
        thread.join()


def test_restarting_ingress_one_by_one_refuses_nobody(running: Deployment) -> None:
    """`restart ingress:ingress-0`, then `ingress:ingress-1`, while calls come in: each is answered."""
    before = [running.pid(f"ingress-{number}") for number in (0, 1)]
    with callers(running.public_port) as found:
        for number in (0, 1):
            said = running.ctl("restart", f"ingress:ingress-{number}")
            assert said.splitlines() == [
                f"ingress:ingress-{number}: stopped",
                f"ingress:ingress-{number}: started",
            ]
            running.until_ready()
    assert found.refused == []
    assert found.answered > 50, found.slowest_s
    assert not {running.pid(f"ingress-{number}") for number in (0, 1)} & set(before)


@pytest.mark.alone
def test_restarting_the_group_refuses_nobody(running: Deployment) -> None:
    """`restart ingress:` stops both before it starts one: whoever comes meanwhile waits, and is answered."""
    before = [running.pid(f"ingress-{number}") for number in (0, 1)]
    with callers(running.public_port) as found:
        running.ctl("restart", "ingress:")
        running.until_ready()
    assert found.refused == []
    assert found.slowest_s < 15, "Twilio waits no longer"
    assert not {running.pid(f"ingress-{number}") for number in (0, 1)} & set(before)


def test_the_port_outlives_its_holder(running: Deployment) -> None:
    """Killed and restarted, it has the port from the ingress processes; a new one gets it from there."""
    with callers(running.public_port) as found:
        running.ctl("signal", "KILL", "port")
        running.until_running()
        running.ctl("restart", "port")
        running.ctl("restart", "ingress:ingress-0")
        running.until_ready()
        running.ctl("restart", "ingress:")
        running.until_ready()
    assert found.refused == []
    assert "has the port from an ingress that listens on it" in running.log("port")


@pytest.mark.alone
def test_restarting_everything_refuses_nobody(running: Deployment) -> None:
    """`restart all` ends the holder of the port too: a keeper has it until the next holder is there."""
    before = {name: info.pid for name, info in running.processes().items()}
    with callers(running.public_port) as found:
        running.ctl("restart", "all")
        running.until_ready()
    assert found.refused == []
    assert found.slowest_s < 15, "Twilio waits no longer"
    after = {name: info.pid for name, info in running.processes().items()}
    assert not [name for name in after if after[name] == before[name]]


async def test_stopping_everything_closes_the_port(running: Deployment) -> None:
    """Nobody is kept waiting for a process that does not come; `start all` opens it again."""
    running.ctl("stop", "all")
    await wait_until(lambda: running.public_port not in listening_inodes().values(), "it is closed")
    running.ctl("start", "all")
    running.until_running()
    running.until_ready()
    with callers(running.public_port) as found:
        await wait_until(lambda: found.answered > 0, "somebody is answered")
    assert found.refused == []


async def test_supervisords_own_death(running: Deployment) -> None:
    """Its processes drain; the next supervisord's have the port from them, and are none too many. Nobody is
    refused meanwhile."""
    before = {info.pid for info in running.processes().values()}
    url = f"ws://127.0.0.1:{running.public_port}/media"
    signature = Signatures([AUTH_TOKEN]).sign(PUBLIC_URL.replace("https", "wss") + "/media", {})
    async with connect(url, additional_headers={"X-Twilio-Signature": signature}, compression=None):
        with callers(running.public_port) as found:
            running.process.kill()
            running.process.wait()
            running.start_again()
            await asyncio.to_thread(running.until_running)
            await asyncio.to_thread(running.until_ready)
    assert found.refused == []
    assert not before & set(marked_pids(MARKER, running.mark))
    wanted = 1 + len(running.processes())
    # Whoever handed the port over is there for a moment more.
    await wait_until(lambda: len(marked_pids(MARKER, running.mark)) == wanted, "none is there twice")


def test_stop_and_start(running: Deployment) -> None:
    """A stopped process stays stopped; its sibling goes on."""
    sibling = running.pid("brain-1")
    assert running.ctl("stop", "brain:brain-0").strip() == "brain:brain-0: stopped"
    assert running.processes()["brain-0"].state == "STOPPED"
    assert '"exit_code":0' in running.log("brain-0").splitlines()[-1]
    assert running.ctl("start", "brain:brain-0").strip() == "brain:brain-0: started"
    assert running.pid("brain-1") == sibling


async def test_signal_term_drains_and_starts_again(running: Deployment) -> None:
    """An end like any other to supervisord: the process drains, ends with 0 and is started again."""
    before = running.pid("egress-0")
    assert "signalled" in running.ctl("signal", "TERM", "egress:egress-0")
    await wait_until(lambda: running.pid("egress-0") not in (0, before), "another pid", timeout_s=20)
    running.until_running()
    assert "exited: egress-0 (exit status 0; not expected)" not in running.log("supervisord")
    assert "exited: egress-0 (exit status 0; expected)" in running.log("supervisord")


def test_update_of_one_group_makes_it_as_the_file_now_says(running: Deployment) -> None:
    """One more brain after an edit of trunkline.conf; nobody else is touched."""
    file = running.root / "deploy" / "trunkline.conf"
    text = file.read_text("utf-8")
    others = {name: info.pid for name, info in running.processes().items() if info.group != "brain"}
    try:
        file.write_text(text.replace('BRAIN_PROCESSES="2"', 'BRAIN_PROCESSES="3"'), "utf-8")
        said = running.ctl("update", "brain").splitlines()
        assert said == ["brain: stopped", "brain: updated process group"]
        running.until_ready()
        now = running.processes()
        assert {name for name, info in now.items() if info.group == "brain"} == {
            "brain-0",
            "brain-1",
            "brain-2",
        }
        assert {name: info.pid for name, info in now.items() if info.group != "brain"} == others
    finally:
        file.write_text(text, "utf-8")
        running.ctl("update", "brain")
        running.until_ready()
    assert "brain-2" not in running.processes()


def test_tail_shows_a_log_as_it_grows(running: Deployment) -> None:
    """Through supervisord's socket, from its last lines on."""
    command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(running.config)]
    with subprocess.Popen(
        [*command, "tail", "-f", "brain:brain-1"], stdout=subprocess.PIPE, text=True
    ) as tail:
        try:
            assert tail.stdout is not None
            assert "Press Ctrl-C to exit" in tail.stdout.readline()
            assert tail.stdout.readline().strip()
        finally:
            tail.terminate()


async def test_signal_kill_is_a_crash_that_supervisord_mends(running: Deployment) -> None:
    """Another process of the same name, by itself."""
    before = running.pid("egress-1")
    assert "signalled" in running.ctl("signal", "KILL", "egress:egress-1")
    await wait_until(lambda: running.pid("egress-1") not in (0, before), "another pid", timeout_s=20)
    running.until_ready()


def test_a_stop_is_bounded(running: Deployment) -> None:
    """A process that does not answer SIGTERM is killed after STOP_WAIT_S."""
    os.kill(running.pid("brain-1"), signal.SIGSTOP)
    began = time.monotonic()
    assert running.ctl("stop", "brain:brain-1").strip() == "brain:brain-1: stopped"
    assert STOP_WAIT_S - 1 < time.monotonic() - began < STOP_WAIT_S + 20
    assert "killing 'brain-1'" in running.log("supervisord")
    running.ctl("start", "brain:brain-1")


def test_shutdown_stops_in_the_reverse_order(running: Deployment) -> None:
    """The watchdog, then who is nearest to the caller, then what looks at calls; nothing is left. (The last
    test: it ends the rest.)"""
    pids = [info.pid for info in running.processes().values()]
    assert running.ctl("shutdown").strip() == "Shut down"
    assert running.process.wait(60) == 0
    stopped = re.findall(r"stopped: (\w+)", running.log("supervisord"))[-11:]
    serving = [role for role in ("ingress", "brain", "egress") for _ in (0, 1)]
    assert stopped == ["watchdog", *serving, "web", "recorder", "archive", "port"]
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
