"""Finding processes by a mark in their environment."""

from __future__ import annotations

import secrets
import subprocess
import sys

import pytest

from console.stack.marked import kill_marked, marked_pids

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_finds_and_kills_only_what_bears_the_mark() -> None:
    """Not a process whose mark merely begins alike, and not this one."""
    mark = secrets.token_hex(6)
    sleep = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    with (
        subprocess.Popen(sleep, env={"MARK": mark}, stdout=subprocess.PIPE) as ours,
        subprocess.Popen(sleep, env={"MARK": f"{mark}0"}, stdout=subprocess.PIPE) as other,
    ):
        for process in (ours, other):
            assert process.stdout is not None
            process.stdout.readline()
        assert marked_pids("MARK", mark) == [ours.pid]
        assert kill_marked("MARK", mark) == [ours.pid]
        assert ours.wait(10) == -9
        assert other.poll() is None
        other.kill()
