"""Ends a helper process when the process that started it dies, however it dies.

Why it exists: a launcher that is killed with SIGKILL cannot stop what it started. Linux can do it for us
(PR_SET_PDEATHSIG, kept over exec); elsewhere this does nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(expected_parent_pid: int | None = None) -> None:
    """Asks for SIGTERM at the parent's death. Exits at once if it is no longer `expected_parent_pid`.

    "Parent" is the thread that started us: it must be one that lives as long as its process.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if expected_parent_pid is not None and os.getppid() != expected_parent_pid:
        sys.exit(0)
