"""CPU time of processes, from /proc: what a call-second costs, and whose cost it is.

Why it exists: it is read from the scheduler's own nanoseconds (`schedstat` of each thread), not from utime
and stime in `stat`: where the kernel samples those by its tick, a process that wakes for microseconds,
thousands of times a second and in step with timers, is charged several times what it used. Owns: reading and
subtracting. Must not know: what the processes are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def cpu_ms(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU milliseconds of each process so far, all its threads, by its name. A gone one is left out."""
    found: dict[str, float] = {}
    for name, pid in pids.items():
        try:
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
        except FileNotFoundError:
            continue  # It has ended meanwhile.
        found[name] = sum(_thread_ms(task) for task in tasks)
    return found


def _thread_ms(task: Path) -> float:
    try:
        return int((task / "schedstat").read_text("ascii").split()[0]) / 1e6
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # The thread ended between the two looks.


def spent_ms(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each process used in between."""
    return {name: after[name] - before.get(name, 0.0) for name in after}
