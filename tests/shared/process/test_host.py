"""What a process asks of its host, with real processes."""

from __future__ import annotations

import os
import platform
import re
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from shared.process.host import (
    REALTIME_PRIORITY,
    SHORT_SLICE_NS,
    ProcessOrigin,
    is_in_real_time,
    lock_instance,
    open_exit,
    own_origin,
    started_at,
    who_listens,
)
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]

CHILD = """
import os, sys, time
from shared.process.host import end_with_parent
end_with_parent(int(sys.argv[1]))
print("asked", flush=True)
time.sleep(60)
"""

PARENT = f"""
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", '''{CHILD}''', str(os.getpid())], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_an_instance_is_locked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second lock of one name fails until the first is closed; another deployment has its own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = lock_instance("brain-0", deployment="a")
    assert first is not None
    assert lock_instance("brain-0", deployment="a") is None
    for other in (lock_instance("brain-1", deployment="a"), lock_instance("brain-0", deployment="b")):
        assert other is not None
        other.close()
    first.close()
    again = lock_instance("brain-0", deployment="a")
    assert again is not None
    again.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux's")
async def test_a_child_ends_with_its_killed_parent() -> None:
    """SIGKILL runs no handler of the parent; the child gets its SIGTERM all the same."""
    parent = subprocess.Popen(  # noqa: ASYNC220 - it is quick
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=10)

    def is_gone() -> bool:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return True
        return _is_zombie(child)

    await wait_until(is_gone, "the child has ended", timeout_s=10)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux's")
def test_a_child_whose_parent_is_gone_already_does_not_begin() -> None:
    """The parent may die before its child can ask: the child compares whose child it is."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "1"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_who_listens_is_named() -> None:
    """By pid and name, IPv4 or IPv6; nobody for a port that is free."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.create_server((address, 0), family=family) as listener:
            port = listener.getsockname()[1]
            assert who_listens(port).startswith(f"pid {os.getpid()} (")
        assert who_listens(port) == ""


linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux's")


@linux
def test_a_process_knows_where_it_is() -> None:
    """Its start is that of its pid; who shares boot and namespace shares pids, whoever tells nothing none."""
    own = own_origin()
    assert own == ProcessOrigin(os.getpid(), started_at(os.getpid()), own.boot_id, own.pid_ns)
    assert own.pid_started > 0
    assert own.shares_pids(own.boot_id, own.pid_ns)
    assert not own.shares_pids(own.boot_id, own.pid_ns + 1)
    assert not own.shares_pids("another", own.pid_ns)
    assert not ProcessOrigin(1, 1, "", 0).shares_pids("", 0)


@linux
def test_a_name_with_brackets_does_not_hide_the_start(tmp_path: Path) -> None:
    """The name of a process stands before it, as it likes to be called."""
    sleeper = tmp_path / "a) 1 (b"
    sleeper.symlink_to("/bin/sleep")
    with subprocess.Popen([sleeper, "60"]) as process:
        try:
            expected = Path(f"/proc/{process.pid}/stat").read_text("utf-8").rpartition(") ")[2].split()[19]
            assert started_at(process.pid) == int(expected)
        finally:
            process.kill()


@linux
def test_an_exit_can_be_read() -> None:
    """Not before it; a start that is another's, or is not told, opens nothing; a pid that nobody has is an
    end."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = started_at(process.pid)
        descriptor = open_exit(process.pid, started)
        assert descriptor is not None
        assert open_exit(process.pid, started + 1) is None
        assert open_exit(process.pid, 0) is None
        assert select.select([descriptor], [], [], 0)[0] == []
        process.kill()
        assert select.select([descriptor], [], [], 10)[0] == [descriptor]
        os.close(descriptor)
    with pytest.raises(ProcessLookupError):
        open_exit(process.pid, started)


LOOK = """
import ctypes, os, struct
number = {"x86_64": 315, "aarch64": 275}[os.uname().machine]
def look():
    found = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None).syscall(number, 0, found, 48, 0) == 0
    _, policy, _, nice, priority, slice_ns, _, _ = struct.unpack("<IIQiIQQQ", found.raw)
    kind = {os.SCHED_OTHER: f"slice {slice_ns}", os.SCHED_RR: f"real-time {priority}"}[policy]
    print(kind, nice, flush=True)
"""

SLICES = f"""{LOOK}
import threading
from shared.process.host import Scheduling, be_let_in_first
os.nice(3)
look()
granted = be_let_in_first(realtime=True)
assert (granted.scheduling, granted.refused) == (Scheduling.SHORT_SLICES, ""), granted
look()
thread = threading.Thread(target=look)
thread.start()
thread.join()
if os.fork() == 0:
    look()
    os._exit(0)
os.wait()
"""

REAL_TIME = SLICES.replace("os.nice(3)", "").replace("SHORT_SLICES", "REALTIME")

# 14 is RLIMIT_RTPRIO, 15 RLIMIT_RTTIME: Python has no names for them.
NOT_ALLOWED = f"""{LOOK}
import resource
from shared.process.host import be_let_in_first
resource.setrlimit(14, (0, 0))
if os.geteuid() == 0:
    os.setuid(65534)
print(be_let_in_first(realtime=True).scheduling)
"""

LIMITED = f"""{LOOK}
import resource
resource.setrlimit(15, (200_000, 200_000))
from shared.process.host import be_let_in_first
print(be_let_in_first(realtime=True).scheduling)
"""

UNWANTED = f"""{LOOK}
from shared.process.host import be_let_in_first
print(be_let_in_first(realtime=False).scheduling)
"""

CLASSES = f"""{LOOK}
from shared.process.host import be_let_in_first
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
print(be_let_in_first(realtime=True).scheduling)
assert os.sched_getscheduler(0) == os.SCHED_BATCH
"""


def knows_slices() -> bool:
    """Linux 6.12 and newer, and a machine whose system calls are known."""
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    is_new = found is not None and (int(found[1]), int(found[2])) >= (6, 12)
    return sys.platform == "linux" and is_new and os.uname().machine in {"x86_64", "aarch64"}


def said(program: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()


needs_slices = pytest.mark.skipif(not knows_slices(), reason="the kernel's part is Linux's, 6.12 or newer")


@needs_slices
def test_the_kernel_grants_slices_to_this_thread_alone() -> None:
    """Niceness stays, and keeps us out of real time; a thread that runs tools and a child that is started
    later have the usual slice."""
    usual, own, thread, child = said(SLICES)
    assert own == f"slice {SHORT_SLICE_NS} 3"
    assert thread == child == usual
    assert usual != own


@needs_slices
@pytest.mark.skipif(os.geteuid() != 0, reason="the kernel grants real time to root")
def test_the_kernel_grants_real_time_to_this_thread_alone() -> None:
    """The lowest priority of it; a thread that runs tools and a child have none."""
    usual, own, thread, child = said(REAL_TIME)
    assert own == f"real-time {REALTIME_PRIORITY} 0"
    assert thread == child == usual
    assert usual.startswith("slice")


@needs_slices
@pytest.mark.parametrize("program", [NOT_ALLOWED, LIMITED, UNWANTED], ids=["no right", "a limit", "unwanted"])
def test_without_real_time_there_are_short_slices(program: str) -> None:
    """No right to it; a limit on computing in it, by which the kernel would end us; a setting against it."""
    assert said(program) == ["short slices"]


@pytest.mark.skipif(sys.platform != "linux", reason="classes are Linux's")
def test_who_was_given_another_class_keeps_it() -> None:
    """An operator who used chrt knows why."""
    assert said(CLASSES) == ["given"]


@pytest.mark.skipif(sys.platform != "linux", reason="classes are Linux's")
def test_of_another_process_it_can_be_told() -> None:
    """Its own answer, and none of one that has ended or has no pid yet."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_in_real_time(process.pid) is False
        if os.geteuid() == 0:
            os.sched_setscheduler(process.pid, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
            assert is_in_real_time(process.pid) is True
        process.kill()
        process.wait()
        assert is_in_real_time(process.pid) is None
    assert is_in_real_time(0) is None


def test_a_crash_leaves_no_core() -> None:
    """No image on a disk, of its children neither; nothing can raise the limit again."""
    program = (
        "import resource, subprocess, sys\n"
        "from shared.process.host import leave_no_core\n"
        "leave_no_core()\n"
        "child = 'import resource; print(*resource.getrlimit(resource.RLIMIT_CORE))'\n"
        "print(*resource.getrlimit(resource.RLIMIT_CORE), flush=True)\n"
        "subprocess.run([sys.executable, '-c', child])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0"] * 4
