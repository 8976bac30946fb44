"""Memory of processes, from /proc: their proportional set size.

Why it exists: processes of one program share pages, which the resident size counts in each of them. Owns: the
reading (`smaps_rollup`, `Pss`: each page divided by those who map it). Must not know: what the processes are.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

KIB_A_MIB = 1024


def pss_mib(pids: Iterable[int]) -> float:
    """MiB of these processes together. A gone one is left out. Raises PermissionError for another user's."""
    return sum(_pss_kib(pid) for pid in pids) / KIB_A_MIB


# Private.


def _pss_kib(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0  # It has ended meanwhile.
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
