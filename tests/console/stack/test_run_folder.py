"""Run folders: new each time, few kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from console.stack import run_folder


def test_each_run_has_a_private_folder_of_its_own(tmp_path: Path) -> None:
    """0700, below the root, which is made."""
    root = tmp_path / "a" / "b"
    one, two = run_folder.make_run_dir(root, "demo"), run_folder.make_run_dir(root, "demo")
    assert one != two
    assert one.parent == two.parent == root
    assert stat.S_IMODE(one.stat().st_mode) == 0o700


def test_old_runs_go_but_those_that_still_run(tmp_path: Path) -> None:
    """The last few stay for their logs; other names are left alone."""
    other = run_folder.make_run_dir(tmp_path, "run")
    old = [run_folder.make_run_dir(tmp_path, "demo") for _ in range(run_folder.KEPT_RUNS)]
    (old[0] / "supervisord.pid").write_text(str(os.getpid()))
    for number, folder in enumerate(old):
        os.utime(folder, (number, number))
    new = [run_folder.make_run_dir(tmp_path, "demo") for _ in range(2)]
    assert old[0].exists()
    assert not old[1].exists()
    assert all(folder.exists() for folder in [*old[2:], *new, other])


def test_a_root_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    """Another folder can be given."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"expected to be able to write into .*--run-dir"):
        run_folder.make_run_dir(tmp_path / "file" / "below", "demo")
