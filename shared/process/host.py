"""What a process asks of the host it runs on: to be the only one of its name, and to end with its parent.

Why it exists: two processes of one role and number would share an admin port and a name; and a launcher that
is killed with SIGKILL cannot stop what it started. The kernel does both for us, however somebody dies.

Owns: the lock file's name, the call to the kernel. Must not know: what is locked for, who the parent is.
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
    if "SUPERVISOR_ENABLED" in os.environ:
        end_with_parent()
