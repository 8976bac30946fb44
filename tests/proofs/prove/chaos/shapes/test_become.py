"""A server ends with whoever started it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from console.stack.plan import REPOSITORY
from proofs.prove.chaos.shapes.become import command_of
from proofs.prove.chaos.shapes.node import until

SLEEP = shutil.which("sleep") or ""

STARTS_IT = """
import os, subprocess, sys, time
from proofs.prove.chaos.shapes.become import command_of
child = subprocess.Popen(command_of([sys.argv[1], "60"], parent_pid=os.getpid(), is_first=False))
print(child.pid, flush=True)
time.sleep(60)
"""


def name_of(pid: int) -> str:
    """What a process is now; empty: it has ended."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")
    except OSError:
        return ""
    is_over = words[2].split()[0] in "ZX"
    return "" if is_over else words[0].partition("(")[2]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux is asked")
def test_one_that_stands_still_ends_with_its_parent() -> None:
    """By SIGKILL, of which no stopped process is spared."""
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTS_IT, SLEEP], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    try:
        until(lambda: name_of(pid) == "sleep", "what was asked for", 20)
        os.kill(pid, signal.SIGSTOP)
        parent.kill()
        until(lambda: not name_of(pid), "its end, too", 20)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


def test_one_whose_parent_has_gone_already_does_not_begin() -> None:
    """It would never be told."""
    command = command_of([SLEEP, "60"], parent_pid=1, is_first=False)
    assert subprocess.run(command, cwd=REPOSITORY, check=False, timeout=30).returncode == 0
