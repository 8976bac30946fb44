"""A write whose answer is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proofs.prove.roles import unanswered, unguarded

ROOT = Path(unguarded.__file__).parents[3]


@pytest.mark.parametrize(("without", "entries"), [("", 1), ("retry", 2)])
def test_what_was_not_answered_is_written_once(without: str, entries: int) -> None:
    """By a library that repeats it, twice."""
    done = subprocess.run(
        [sys.executable, "-m", unanswered.__name__],
        env={**os.environ, "PYTHONPATH": str(ROOT), unguarded.WITHOUT: without},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == entries
