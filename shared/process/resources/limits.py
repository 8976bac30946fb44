"""What the kernel says of this process: limits of descriptors and memory, and what is used of them.

Why it exists: each figure has its own file and its own word for "none". Owns: reading them; some microseconds
each, from memory, so they are read in the loop. Must not know: what follows. Off Linux nothing is known.

Sources: proc(5) (since Linux 6.2 the size of /proc/self/fd is the number of descriptors), the kernel's
cgroup-v2.rst (memory.max, memory.current, memory.stat: `inactive_file` is given back at need).
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc/self")
CGROUPS = Path("/sys/fs/cgroup")
PAGE_BYTES = resource.getpagesize()


def files_most() -> int:
    """Descriptors that this process may have; 0: no limit."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 0 if soft == resource.RLIM_INFINITY else soft


def files_open(proc: Path = PROC) -> int:
    """Descriptors that it has; 0: not known."""
    try:
        folder = proc / "fd"
        return os.stat(folder).st_size or len(os.listdir(folder))
    except OSError:
        return 0  # There is no such folder here.


def resident_bytes(proc: Path = PROC) -> int:
    """Memory of this process that is in RAM; 0: not known."""
    words = _words(proc / "statm")
    return int(words[1]) * PAGE_BYTES if len(words) > 1 else 0


@dataclass(frozen=True, slots=True)
class CgroupMemory:
    """Of a cgroup that this process is in: what all its processes use together, as far as it cannot be had
    back, and the limit."""

    used_bytes: int
    most_bytes: int


def cgroup_memory(proc: Path = PROC, cgroups: Path = CGROUPS) -> CgroupMemory | None:
    """Of several, one within the other, the one that is nearest to its limit. None: there is no limit, or it
    is not known (cgroup v1)."""
    found: CgroupMemory | None = None
    for folder in _folders(proc, cgroups):
        most, used = _words(folder / "memory.max"), _words(folder / "memory.current")
        if not most or not used or not most[0].isdecimal():
            continue  # "max": this one has none.
        here = CgroupMemory(max(0, int(used[0]) - _inactive(folder)), int(most[0]))
        if found is None or here.used_bytes * found.most_bytes > found.used_bytes * here.most_bytes:
            found = here
    return found


# Private.


def _folders(proc: Path, cgroups: Path) -> list[Path]:
    """Of the cgroup of this process and those around it."""
    lines = _text(proc / "cgroup").splitlines()
    path = next((line[3:] for line in lines if line.startswith("0::")), None)
    if path is None:
        return []
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [cgroups.joinpath(*parts[:length]) for length in range(len(parts), -1, -1)]


def _inactive(folder: Path) -> int:
    for line in _text(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name == "inactive_file" and value.isdecimal():
            return int(value)
    return 0


def _words(path: Path) -> list[str]:
    return _text(path).split()


def _text(path: Path) -> str:
    """Empty where there is no such file, or it may not be read."""
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
