"""The folder of one run of a stack: supervisord's file, its socket, a log file for each process.

Owns: where runs lie, and that old ones go. Must not know: what is in them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

KEPT_RUNS = 5
"""Runs of one name that are kept for their logs, the new one included."""


def make_run_dir(root: Path, name: str) -> Path:
    """A new folder `root/name-…` (0700). Older runs of that name that are over are removed, but for a few.

    Raises OSError with what to do if nothing can be written there.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
    except OSError as error:
        raise OSError(
            f"expected to be able to write into {root}, got: {error}. Give another folder with --run-dir"
        ) from error
    _prune(root, name)
    return folder


# Private.


def _prune(root: Path, name: str) -> None:
    runs: list[tuple[float, Path]] = []
    for folder in root.glob(f"{name}-*"):
        with contextlib.suppress(FileNotFoundError):  # Another run may prune at the same time.
            runs.append((folder.stat().st_mtime, folder))
    for _, folder in sorted(runs, reverse=True)[KEPT_RUNS:]:
        if not _is_running(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(folder: Path) -> bool:
    """Whether the run's supervisord lives, by its pid file."""
    try:
        pid = int((folder / "supervisord.pid").read_text())
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True
