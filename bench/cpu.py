"""CPU time of processes, from /proc: what a call-second costs, and whose cost it is.

Owns reading and subtracting; must not know what the processes are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_ms(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU milliseconds (user and system) of each process so far, by its name. A gone one is left out."""
    found: dict[str, float] = {}
    for name, pid in pids.items():
        try:
            text = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
        except FileNotFoundError:
            continue
        fields = text.rpartition(")")[2].split()
        found[name] = (int(fields[11]) + int(fields[12])) * 1000 / TICKS_PER_S
    return found


def spent_ms(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each process used in between."""
    return {name: after[name] - before.get(name, 0.0) for name in after}
