"""The command, in a process of its own as `make simulate` starts it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from proofs.simulate.kept_seeds import KEPT

pytestmark = pytest.mark.timeout(120)


def _simulate(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "proofs.simulate", "--calls", "1", "--jobs", "1", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_history_is_the_same_in_another_process() -> None:
    """Nothing of the interpreter's own chance is in it."""
    found = [_simulate("--seed", "3", "--seconds", "6", "--faults", "").stdout for _ in range(2)]
    digests = [text.partition("history ")[2].partition(",")[0] for text in found]
    assert digests[0]
    assert digests[0] == digests[1]


def test_a_seed_can_be_played_twice_and_shown() -> None:
    """Twice in one go is compared; shown is every line, the fault among them."""
    words = ("--seconds", "12", "--every", "4", "--faults", "reset", "--twice", "--show")
    found = _simulate("--seed", "5", *words)
    assert found.returncode == 0, found.stdout
    assert "all promises kept" in found.stdout
    assert "fault " in found.stdout
    assert "call_taken" in found.stdout


def test_what_once_failed_fails_no_more() -> None:
    """Played as it was when it failed."""
    found = _simulate("--kept")
    assert found.returncode == 0, found.stdout
    assert f"{len(KEPT)} seeds" in found.stdout


def test_a_crowd_can_be_played() -> None:
    """Admission alone, over many lanes."""
    found = _simulate("--seed", "2", "--crowd", "--seconds", "8", "--faults", "", "--show")
    assert found.returncode == 0, found.stdout
    assert " let in, " in found.stdout
