"""Simulators beside a bridge in real time: in a process of their own, so that this one stays as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import os, threading
from simulators.precedence import take_precedence
found = []
{first}
print(take_precedence(), os.sched_getscheduler(0))
thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
thread.start()
thread.join()
print(*found)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="classes are Linux's")


def said(first: str = "") -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()


@pytest.mark.skipif(os.geteuid() != 0, reason="the kernel grants real time to root")
def test_the_simulators_thread_is_in_real_time_and_no_other() -> None:
    assert said() == [f"True {os.SCHED_RR | os.SCHED_RESET_ON_FORK}", f"{os.SCHED_OTHER}"]


def test_without_the_right_to_it_nothing_changes() -> None:
    """Nor is that an error: the bridge of such a user has none either."""
    first = "__import__('resource').setrlimit(14, (0, 0))\nos.geteuid() or os.setuid(65534)"
    assert said(first) == [f"False {os.SCHED_OTHER}", f"{os.SCHED_OTHER}"]


@pytest.mark.parametrize(
    "first",
    ["__import__('resource').setrlimit(15, (200_000, 200_000))", "os.nice(3)"],
    ids=["a limit on computing in it", "a raised niceness"],
)
def test_where_the_bridge_has_none_the_simulators_have_none(first: str) -> None:
    assert said(first) == [f"False {os.SCHED_OTHER}", f"{os.SCHED_OTHER}"]


def test_another_class_is_kept() -> None:
    first = "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))"
    assert said(first)[0] == f"False {os.SCHED_BATCH}"
