"""What the kernel says: of this process, and as its files read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from shared.process.resources import limits
from shared.process.resources.limits import CgroupMemory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is known of it is Linux's")


def test_descriptors_are_counted() -> None:
    """As they come and go."""
    before = limits.files_open()
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
    during = limits.files_open()
    for each in opened:
        os.close(each)
    # Reading a folder takes one itself, where its size does not tell.
    assert 19 <= during - before <= 21
    assert limits.files_most() == 0 or limits.files_most() > during


def test_where_there_is_no_such_folder_nothing_is_known(tmp_path: Path) -> None:
    """Off Linux, or hidden."""
    assert limits.files_open(tmp_path) == 0
    assert limits.resident_bytes(tmp_path) == 0
    assert limits.cgroup_memory(tmp_path, tmp_path) is None


def test_memory_of_this_process_is_known() -> None:
    """Some tens of MiB."""
    assert 10 * 2**20 < limits.resident_bytes() < 10 * 2**30


def cgroup(folder: Path, most: str, used: int, inactive: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {inactive}\nfile 2\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A process in a cgroup of a service."""
    folder = tmp_path / "proc"
    folder.mkdir()
    (folder / "cgroup").write_text("0::/a/service\n")
    return folder


def test_the_limit_that_is_nearest_counts(proc: Path, tmp_path: Path) -> None:
    """Of the own cgroup and those around it; what can be had back at need is not used."""
    groups = tmp_path / "groups"
    cgroup(groups / "a" / "service", "1000", 500, inactive=100)
    assert limits.cgroup_memory(proc, groups) == CgroupMemory(400, 1000)
    cgroup(groups / "a", "1000", 900)
    assert limits.cgroup_memory(proc, groups) == CgroupMemory(900, 1000)


def test_without_a_limit_none_is_known(proc: Path, tmp_path: Path) -> None:
    """Nor where the kernel has the older kind of cgroups."""
    groups = tmp_path / "groups"
    cgroup(groups / "a" / "service", "max", 500)
    assert limits.cgroup_memory(proc, groups) is None
    (proc / "cgroup").write_text("3:memory:/a/service\n")
    cgroup(groups / "a" / "service", "1000", 500)
    assert limits.cgroup_memory(proc, groups) is None


def test_a_path_leads_nowhere_else(proc: Path, tmp_path: Path) -> None:
    """A process of another namespace sees one that climbs."""
    (proc / "cgroup").write_text("0::/../../x\n")
    groups = tmp_path / "groups"
    cgroup(groups / "x", "1000", 1)
    assert limits.cgroup_memory(proc, groups) == CgroupMemory(1, 1000)
