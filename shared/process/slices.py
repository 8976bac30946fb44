"""How soon the kernel lets a process run that has something to do: soon, though others compute.

Why it exists: a process of a call runs for a fraction of a millisecond, some hundred times a second, and a
frame passes through three of them and Redis. On a host whose cores are all taken for a moment, as by a
process that starts and reads its modules, each of them waits until who computes has had its slice: 3 ms, time
and again. Linux (6.12 and newer) lets anybody ask for shorter slices: the share of the processor is the same,
in smaller pieces, and who asks for little is let in before who asks for much.

Owns: the wish and the call to the kernel. Must not know: who wishes, or whether the kernel heeds it: an older
one takes the wish and does nothing.

Source: sched_setattr(2); "Complete EEVDF", Linux 6.12, where `sched_runtime` of a normal task is its slice.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

SHORT_SLICE_NS = 100_000
"""The shortest that the kernel grants."""

_SYSCALL = {"x86_64": 314, "aarch64": 274}
"""Number of sched_setattr."""

_ATTRIBUTES = struct.Struct("<IIQiIQQQ")
"""struct sched_attr in its first version: size, policy, flags, nice, priority, runtime, deadline, period."""

_RESET_ON_FORK = 1


def run_in_short_slices() -> str:
    """Asks for them, for the calling thread alone: threads and processes that it starts later have the usual
    ones. Returns why the kernel refuses; empty if it does not, or is not asked (off Linux)."""
    number = _SYSCALL.get(os.uname().machine) if sys.platform == "linux" else None
    if number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return ""  # Who gave it another class, as by chrt, knows why.
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    wish = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, _RESET_ON_FORK, nice, 0, SHORT_SLICE_NS, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, 0, ctypes.create_string_buffer(wish, len(wish)), 0) == 0:
        return ""
    return os.strerror(ctypes.get_errno())
