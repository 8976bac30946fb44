"""Finds and ends processes by a mark in their environment.

Why it exists: a supervisord that was killed leaves its children behind, and a launcher must leave nothing.
Owns: the search. Linux only (it reads /proc); elsewhere it finds nothing, and supervisord is trusted.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

PROC = Path("/proc")
POLL_S = 0.01
END_LIMIT_S = 2.0
"""A killed process ends within milliseconds, unless the kernel holds it in a system call."""


def marked_pids(name: str, value: str) -> list[int]:
    """Living processes of this user that were started with `name=value`, this one left out."""
    mark = f"{name}={value}".encode()
    found = []
    for entry in PROC.glob("[0-9]*/environ"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue  # It has ended meanwhile, or belongs to somebody else.
        pid = int(entry.parent.name)
        if mark in words and pid != os.getpid():
            found.append(pid)
    return found


def kill_marked(name: str, value: str) -> list[int]:
    """SIGKILL until none is left, for END_LIMIT_S at most. Returns the pids that it found. Blocks."""
    found: set[int] = set()
    deadline = time.monotonic() + END_LIMIT_S
    while pids := marked_pids(name, value):
        found.update(pids)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    return sorted(found)
