"""Short slices of the processor, as the kernel tells of them."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.process.slices import SHORT_SLICE_NS

ROOT = Path(__file__).parents[3]

LOOK = """
import ctypes, os, struct
number = {"x86_64": 315, "aarch64": 275}[os.uname().machine]
def look():
    found = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None).syscall(number, 0, found, 48, 0) == 0
    print(struct.unpack("<IIQiIQQQ", found.raw)[5], os.getpriority(os.PRIO_PROCESS, 0), flush=True)
"""

PROCESS = f"""{LOOK}
import threading
from shared.process.slices import run_in_short_slices
os.nice(3)
look()
assert run_in_short_slices() == ""
look()
thread = threading.Thread(target=look)
thread.start()
thread.join()
if os.fork() == 0:
    look()
    os._exit(0)
os.wait()
"""

CLASSES = f"""{LOOK}
from shared.process.slices import run_in_short_slices
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
assert run_in_short_slices() == ""
assert os.sched_getscheduler(0) == os.SCHED_BATCH
print("left alone")
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


@pytest.mark.skipif(not knows_slices(), reason="the kernel's part is Linux's, 6.12 or newer")
def test_the_kernel_grants_them_to_this_thread_alone() -> None:
    """Niceness stays; a thread that runs tools and a child that is started later have the usual slice."""
    usual, own, thread, child = said(PROCESS)
    assert own == f"{SHORT_SLICE_NS} 3"
    assert thread == child == usual
    assert usual != own


@pytest.mark.skipif(sys.platform != "linux", reason="classes are Linux's")
def test_who_was_given_another_class_keeps_it() -> None:
    """An operator who used chrt knows why."""
    assert said(CLASSES) == ["left alone"]
