"""What a process asks of the host it runs on: to be the only one of its name, to end with its parent, and who
listens on a port.

Why it exists: two processes of one role and number would share an admin port and a name; and a launcher that
is killed with SIGKILL cannot stop what it started. The kernel does both for us, however somebody dies. A port
that is taken is taken by somebody, and the kernel knows whom.

Owns: the lock file's name, the calls to the kernel. Must not know: what is locked for, who the parent is.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import IO
from zlib import crc32

PR_SET_PDEATHSIG = 1
PROC = Path("/proc")


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


def end_with_supervisord() -> None:
    """As `end_with_parent`, if supervisord started us: a new one would start second copies."""
    if is_under_supervisord():
        end_with_parent()


def is_under_supervisord() -> bool:
    """Whether supervisord started us, and will again."""
    return "SUPERVISOR_ENABLED" in os.environ


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


# Private.

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
