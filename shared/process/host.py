"""What a process asks of the host it runs on: to be the only one of its name, to end with its parent, to be
let in soon, who listens on a port, and to hear of another one's end.

Why it exists: two processes of one role and number would share an admin port and a name; and a launcher that
is killed with SIGKILL cannot stop what it started. The kernel does both for us, however somebody dies. A port
that is taken is taken by somebody, and the kernel knows whom. And it knows at once who has ended, where a
beat takes seconds to be missed.

And who is let in: a process of a call runs for a fraction of a millisecond, some hundred times a second, and
a frame passes through three of them and Redis. Where all cores are taken for a moment, as by a process that
starts and reads its modules, each waits until who computes has had its slice: 3 ms, time and again. So each
asks for real-time scheduling, as telephone servers do: it goes before whatever has none, and its equals go
one after the other instead of taking turns in the middle of a frame. The kernel grants that to who may
(root, RLIMIT_RTPRIO, CAP_SYS_NICE). To anybody, Linux (6.12 and newer) gives shorter slices: the share of
the processor is the same, in smaller pieces, and who asks for little is let in before who asks for much.

Owns: the lock file's name, the calls to the kernel, which process a pid means. Must not know: what is locked
for, who the parent is, what follows from an end, whether the kernel heeds a wish for short slices.

Sources: sched(7), sched_setattr(2), getrlimit(2); in Linux 6.12 ("complete EEVDF") `sched_runtime` of a
normal task.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import struct
import sys
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO
from zlib import crc32

PR_SET_PDEATHSIG = 1
PROC = Path("/proc")

REALTIME_PRIORITY = 1
"""The lowest: whatever else of the host is in real time goes before us."""

SHORT_SLICE_NS = 100_000
"""The shortest that the kernel grants."""


class Scheduling(StrEnum):
    """How the kernel lets a thread in, as `ready` says it."""

    REALTIME = "real-time"
    SHORT_SLICES = "short slices"
    USUAL = "usual"
    GIVEN = "given"
    """Somebody has given it another class, as by chrt, and knows why."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What a wish to be let in first has led to."""

    scheduling: Scheduling
    refused: str = ""
    """Why the kernel refuses even short slices; empty where it does not, or is not asked (off Linux)."""


def lock_instance(name: str, *, deployment: str) -> IO[str] | None:
    """The lock of the instance `name` of a deployment, held until it is closed; None if another has it."""
    folder = Path(tempfile.gettempdir()) / f"trunkline-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = (folder / f"{name}-{crc32(deployment.encode()):08x}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def end_with_parent(expected_parent_pid: int | None = None) -> None:
    """Asks for SIGTERM at the parent's death. Exits at once if it is no longer `expected_parent_pid`.

    "Parent" is the thread that started us: it must be one that lives as long as its process. Linux keeps
    the wish over exec; elsewhere this does nothing.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if expected_parent_pid is not None and os.getppid() != expected_parent_pid:
        sys.exit(0)


def leave_no_core() -> None:
    """A crash leaves no image of this process on a disk: callers' voices and secrets are in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_with_supervisord() -> None:
    """As `end_with_parent`, if supervisord started us: a new one would start second copies."""
    if is_under_supervisord():
        end_with_parent()


def is_under_supervisord() -> bool:
    """Whether supervisord started us, and will again."""
    return "SUPERVISOR_ENABLED" in os.environ


def be_let_in_first(*, realtime: bool) -> Granted:
    """Asks for real-time scheduling (SCHED_RR), unless not `realtime`; where that is refused, for short
    slices. For the calling thread alone: threads and processes that it starts later have the usual turn.

    A loop that is stuck keeps its core until the watchdog (console/operate/watchdog.py) ends its process; the
    kernel leaves 5 % to who has no real time, and the watchdog has none.
    """
    if sys.platform != "linux":
        return Granted(Scheduling.USUAL)
    if os.sched_getscheduler(0) != os.SCHED_OTHER:
        return Granted(Scheduling.GIVEN)
    if realtime and _take_real_time():
        return Granted(Scheduling.REALTIME)
    number = _SCHED_SETATTR.get(os.uname().machine)
    if number is None:
        return Granted(Scheduling.USUAL)
    refused = _ask_for_slices(number)
    return Granted(Scheduling.USUAL if refused else Scheduling.SHORT_SLICES, refused)


def is_in_real_time(pid: int) -> bool | None:
    """Whether a process of this host has real-time scheduling (its main thread). None: there is none, or it
    cannot be told."""
    if sys.platform != "linux" or pid <= 0:
        return None
    try:
        return os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK in {os.SCHED_RR, os.SCHED_FIFO}
    except OSError:  # It has ended.
        return None


def who_listens(port: int) -> str:
    """Who has a TCP port, as `pid 123 (node_exporter)`; of another user's process only that it is one.

    Linux only; elsewhere, and for a port that nobody has, empty.
    """
    inodes = _listeners(port)
    if not inodes:
        return ""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for entry in PROC.glob("[0-9]*/fd/*"):
        try:
            if os.readlink(entry) not in wanted:
                continue
            name = (entry.parents[1] / "comm").read_text("utf-8", errors="replace").strip()
        except OSError:
            continue  # It has ended meanwhile, or is another user's.
        return f"pid {entry.parents[1].name} ({name})"
    return "a process of another user (`ss -ltnp` as root names it)"


@dataclass(frozen=True, slots=True)
class ProcessOrigin:
    """Which process this is, for others of the same host: a pid alone means nothing in another namespace,
    after a boot, or once it is given to another process."""

    pid: int
    pid_started: int
    """0: not known."""
    boot_id: str
    """Empty: not known."""
    pid_ns: int
    """0: not known."""

    def shares_pids(self, boot_id: str, pid_ns: int) -> bool:
        """Whether a pid that was told with these means the same here."""
        return bool(self.boot_id and self.pid_ns) and (boot_id, pid_ns) == (self.boot_id, self.pid_ns)


def own_origin() -> ProcessOrigin:
    """Of this process. Off Linux little is known, and nobody is judged by it."""
    pid = os.getpid()
    try:
        boot_id = (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        pid_ns = (PROC / "self/ns/pid").stat().st_ino
    except OSError:
        boot_id, pid_ns = "", 0
    return ProcessOrigin(pid, started_at(pid), boot_id, pid_ns)


def started_at(pid: int) -> int:
    """When the process that has this pid now started, in the kernel's ticks; 0: not known."""
    try:
        text = (PROC / str(pid) / "stat").read_text("utf-8", errors="replace")
    except OSError:
        return 0
    # The name may hold blanks and brackets; what follows it is fields 3 and on, the start is the 22nd.
    fields = text.rpartition(")")[2].split()
    return int(fields[19])


def open_exit(pid: int, pid_started: int) -> int | None:
    """A file that can be read once that process has ended; the caller closes it. None: who has this pid is
    another process, or cannot be told, which proves nothing.

    Raises ProcessLookupError if nobody has the pid: that process has ended.
    """
    if sys.platform != "linux" or not pid_started or started_at(pid) not in (0, pid_started):
        return None
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:
        return None  # No more files, or a kernel without it.
    if started_at(pid) == pid_started:
        return descriptor
    os.close(descriptor)
    return None


# Private.

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""Number of that system call."""

_SCHED_ATTR = struct.Struct("<IIQiIQQQ")
"""Its argument in its first version: size, policy, flags, nice, priority, runtime, deadline, period."""

_RESET_ON_FORK = 1

_RLIMIT_RTTIME = 15
"""Its number; Python has no name for it."""

_LISTEN = "0A"


def _listeners(port: int) -> set[str]:
    """Inodes of the sockets that listen on it, IPv4 and IPv6."""
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue  # No Linux, or no IPv6.
        for line in lines:
            columns = line.split()
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                found.add(columns[9])
    return found


def _take_real_time() -> bool:
    if os.getpriority(os.PRIO_PROCESS, 0) > 0:
        return False  # Somebody wants us to stand back.
    if resource.getrlimit(_RLIMIT_RTTIME)[0] != resource.RLIM_INFINITY:
        return False  # The kernel would end who computes for so long; desktops set a fifth of a second.
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(REALTIME_PRIORITY))
    except OSError:  # Mostly EPERM; EINVAL in a kernel without it.
        return False
    return True


def _ask_for_slices(number: int) -> str:
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    wish = _SCHED_ATTR.pack(_SCHED_ATTR.size, os.SCHED_OTHER, _RESET_ON_FORK, nice, 0, SHORT_SLICE_NS, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, 0, ctypes.create_string_buffer(wish, len(wish)), 0) == 0:
        return ""
    return os.strerror(ctypes.get_errno())
