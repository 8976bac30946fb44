"""The Makefile: its targets, and what it says on a machine without a fit Python."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
TARGETS = (
    *("help", "demo", "run", "test", "bench", "lint", "types", "lock", "captures", "clean"),
    *(
        "prove-pipeline",
        "prove-conversation",
        "prove-sequencer",
        "prove-mutants",
        "prove-operations",
        "prove-hostile",
        "prove-queues",
    ),
)


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=folder, capture_output=True, text=True, check=False)


def test_help_lists_every_target() -> None:
    """`make` alone says what there is."""
    shown = make(REPOSITORY).stdout
    assert [target for target in TARGETS if f"make {target} " not in shown] == []


def test_every_target_that_runs_python_makes_the_environment_first(tmp_path: Path) -> None:
    """A dry run in a tree without `.venv` begins with setting it up."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    for target in ("demo", "run", "test", "bench", "lint", "types", "prove-pipeline", "prove-conversation"):
        planned = make(tmp_path, "--dry-run", target).stdout
        assert (
            planned.index("-m venv .venv") < planned.index("--require-hashes") < planned.rindex(".venv/bin")
        )


def test_says_what_to_do_without_a_fit_python(tmp_path: Path) -> None:
    """Expected, found, and what to install."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    done = make(tmp_path, "test", "PYTHONS=no-such-python")
    assert done.returncode != 0
    assert "expected Python 3.11 or newer, found none of: no-such-python" in done.stderr
    assert "apt-get install python3" in done.stderr
    assert not (tmp_path / ".venv").exists()
