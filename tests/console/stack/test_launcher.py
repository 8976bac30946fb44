"""The launcher with a real supervisord; stand-ins take the place of the roles."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from console.stack.launcher import Stack, StackFailed
from console.stack.logs import tail
from console.stack.marked import marked_pids
from console.stack.plan import MARKER, REPOSITORY, StackOptions
from shared.contract.worker import ROLES
from tests.support.waiting import wait_until

NO_MODEL = "http://127.0.0.1:9/v1"
NO_REDIS = "redis://127.0.0.1:9/0"
STAND_INS = {
    role: f"{sys.executable} -m tests.support.stand_in --role {role} --number %(process_num)d"
    for role in ROLES
}


def options(run_dir: Path, **changes: object) -> StackOptions:
    given: dict[str, object] = {
        "workers": {"brain": 1},
        "redis_url": NO_REDIS,
        "model_base_url": NO_MODEL,
        "drain_s": 0.5,
        "run_dir": run_dir,
        "commands": STAND_INS,
    }
    return StackOptions(**{**given, **changes})  # type: ignore[arg-type]


def left_behind(stack: Stack) -> list[int]:
    return marked_pids(MARKER, stack.stack_id)


async def test_starts_until_ready_and_leaves_nothing(tmp_path: Path) -> None:
    """Progress is told, every process runs, the socket is private; afterwards no process is left."""
    said: list[str] = []
    async with Stack(options(tmp_path / "run"), progress=said.append) as stack:
        pids = await stack.pids()
        mode = stat.S_IMODE(stack._socket.stat().st_mode)
    assert set(pids) == {"brain-0", "supervisord"}
    assert said[-1] == "1 of 1 processes ready"
    assert mode == 0o700
    assert left_behind(stack) == []
    assert not stack._socket.exists()
    assert "brain-0: listening" in stack.log("brain-0").read_text("utf-8")


async def test_with_the_embedded_valkey(tmp_path: Path) -> None:
    """Without a Redis of one's own, one is started, and it answers."""
    async with Stack(options(tmp_path / "run", redis_url="")) as stack:
        reader, writer = await asyncio.open_connection("127.0.0.1", stack.ports.redis)
        writer.write(b"PING\r\n")
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert answer == b"+PONG\r\n"
    assert left_behind(stack) == []


async def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    """By supervisord, under the same name."""
    async with Stack(options(tmp_path / "run")) as stack:
        killed = await stack.signal("brain-0", signal.SIGKILL)

        async def again() -> bool:
            return (await stack.pids()).get("brain-0", killed) != killed

        await wait_until(again, "brain-0 has another pid", timeout_s=20)
        await stack.until_ready(20)
    assert left_behind(stack) == []


async def test_a_restart_by_name(tmp_path: Path) -> None:
    """As a deploy does it: one process, the others stay."""
    async with Stack(options(tmp_path / "run", workers={"brain": 1, "egress": 1})) as stack:
        before = await stack.pids()
        await stack.restart("egress-0")
        after = await stack.pids()
        with pytest.raises(KeyError, match="such as brain-0, got 'nobody'"):
            await stack.restart("nobody")
    assert after["egress-0"] != before["egress-0"]
    assert after["brain-0"] == before["brain-0"]


async def test_two_stacks_do_not_meet(tmp_path: Path) -> None:
    """Ports, socket, folder and processes of their own."""
    async with Stack(options(tmp_path / "a")) as one, Stack(options(tmp_path / "b")) as two:
        ports = {one.public_port, two.public_port, one.admin_port("brain", 0), two.admin_port("brain", 0)}
        assert len(ports) == 4
        assert set((await one.pids()).values()).isdisjoint((await two.pids()).values())


async def test_a_process_that_cannot_start_ends_the_start_with_its_log(tmp_path: Path) -> None:
    """The exit code, the reason from its log, the folder; and nothing is left."""
    stack = Stack(options(tmp_path / "run", environment={"STAND_IN_EXIT": "3"}))
    with pytest.raises(StackFailed) as caught:
        await stack.start()
    assert "ended at each start" in str(caught.value)
    assert "exit status 3" in str(caught.value)
    assert "told to end" in str(caught.value)
    assert str(stack.run_dir) in str(caught.value)
    assert left_behind(stack) == []


async def test_a_stack_that_does_not_get_ready_says_who_and_why(tmp_path: Path) -> None:
    """Each process that is missing, with what its /readyz said."""
    why = {"STAND_IN_NOT_READY": "waiting for Redis"}
    stack = Stack(options(tmp_path / "run", environment=why, ready_timeout_s=4))
    with pytest.raises(StackFailed, match=r"ready within 4 s\. Not ready: .*brain-0: waiting for Redis"):
        await stack.start()
    assert left_behind(stack) == []


async def test_cancelled_while_it_starts(tmp_path: Path) -> None:
    """Nothing is left."""
    why = {"STAND_IN_NOT_READY": "waiting"}
    stack = Stack(options(tmp_path / "run", environment=why))
    starting = asyncio.create_task(stack.start())
    await wait_until(lambda: "listening" in tail(stack.log("brain-0")), "a process was started", timeout_s=20)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert left_behind(stack) == []


async def test_a_deaf_process_is_killed_when_the_stop_is_hurried(tmp_path: Path) -> None:
    """A second Ctrl-C does not wait for anybody."""
    stack = Stack(options(tmp_path / "run", environment={"STAND_IN_DEAF": "1"}, drain_s=60))
    await stack.start()
    stopping = asyncio.create_task(stack.stop())
    supervisord_log = stack.log("supervisord")
    await wait_until(
        lambda: "SIGTERM" in supervisord_log.read_text("utf-8"), "supervisord stops", timeout_s=20
    )
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert left_behind(stack) == []


async def test_a_killed_supervisord_leaves_nothing_either(tmp_path: Path) -> None:
    """Its children outlive it; the stack finds them by their mark."""
    async with Stack(options(tmp_path / "run")) as stack:
        os.kill((await stack.pids())["supervisord"], signal.SIGKILL)
        assert left_behind(stack) != []
    assert left_behind(stack) == []


async def test_roles_can_stop_all_at_once(tmp_path: Path) -> None:
    """For stacks without a live call."""
    async with Stack(options(tmp_path / "run", stop_together=True)) as stack:
        pass
    log = stack.log("supervisord").read_text("utf-8")
    assert log.index("stopped: brain-0") < log.index("received SIGTERM")
    assert left_behind(stack) == []


async def test_a_run_folder_too_deep_for_a_socket(tmp_path: Path) -> None:
    """The socket goes elsewhere, and goes away."""
    async with Stack(options(tmp_path / ("d" * 100))) as stack:
        assert stack._socket.parent != stack.run_dir
    assert not stack._socket.parent.exists()


LAUNCHER = """
import asyncio, sys
from pathlib import Path
from console.interrupts import run
from console.stack.launcher import Stack
from tests.console.stack.test_launcher import options

async def main():
    async with Stack(options(Path(sys.argv[1]))) as stack:
        print(stack.stack_id, flush=True)
        await asyncio.sleep(600)
    return 0

sys.exit(run(main()))
"""


def launch(tmp_path: Path) -> tuple[subprocess.Popen[str], str]:
    """A launcher in a process of its own; returns the id of its stack once that is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path / "run")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_to_the_launcher_stops_everything(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Ctrl-C and SIGTERM: an orderly end with the shell's exit code."""
    process, stack_id = await asyncio.to_thread(launch, tmp_path)
    with process:
        process.send_signal(number)
        assert await asyncio.to_thread(process.wait, 40) == code
    assert marked_pids(MARKER, stack_id) == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
async def test_a_killed_launcher_takes_everything_with_it(tmp_path: Path) -> None:
    """The kernel tells supervisord, which stops the rest."""
    process, stack_id = await asyncio.to_thread(launch, tmp_path)
    with process:
        process.kill()
    await wait_until(lambda: marked_pids(MARKER, stack_id) == [], "all processes have ended", timeout_s=30)


@pytest.mark.parametrize(
    ("setting", "option"), [("TRUNKLINE_PORT", "port"), ("TRUNKLINE_WEB_PORT", "web_port")]
)
async def test_a_port_that_is_taken_is_told_before_anything_starts(
    tmp_path: Path, setting: str, option: str
) -> None:
    """By whom: supervisord would only say that it cannot create a socket, and a page is looked for there."""
    with socket.create_server(("", 0)) as other:
        stack = Stack(options(tmp_path / "run", web=True, **{option: other.getsockname()[1]}))
        words = f"{setting}: expected a free port.*pid {os.getpid()} "
        with pytest.raises(StackFailed, match=words) as caught:
            await stack.start()
    assert "Traceback" not in str(caught.value)


async def test_admin_ports_that_are_set_and_taken_are_told_before_anything_starts(tmp_path: Path) -> None:
    """By whom; others would be looked for in vain."""
    with socket.create_server(("", 0)) as other:
        base = other.getsockname()[1]
        stack = Stack(options(tmp_path / "run", admin_base=base, admin_base_is_set=True))
        words = f"TRUNKLINE_ADMIN_PORT_BASE: expected .* from {base} on, got {base}, .*pid {os.getpid()} "
        with pytest.raises(StackFailed, match=words):
            await stack.start()


def test_admin_ports_are_those_that_are_wished_for_where_they_are_free(tmp_path: Path) -> None:
    """Else others."""
    with socket.create_server(("", 0)) as other:
        base = other.getsockname()[1]
        assert Stack(options(tmp_path / "run", admin_base=base))._admin_base(3) != base
    assert Stack(options(tmp_path / "run", admin_base=base))._admin_base(1) == base
