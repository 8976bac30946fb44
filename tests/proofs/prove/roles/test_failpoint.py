"""A role that dies at an exact step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proofs.prove.roles import failpoint
from shared.ownership import steps

SCRIPT = """
import asyncio, sys
from pathlib import Path
from proofs.prove.roles import failpoint

async def claim(*args):
    print("claimed", flush=True)
    return "done"

from shared.ownership import steps
steps.claim = claim
failpoint.install("brain", Path(sys.argv[1]))
from shared.ownership.steps import claim
for _ in range(2):
    print(asyncio.run(claim()), flush=True)
"""


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """A process that claims twice."""
    root = Path(failpoint.__file__).parents[3]
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_armed_step_is_done_and_nobody_hears_of_it(tmp_path: Path) -> None:
    """The process is gone behind it; who it was can be read; only one is hit."""
    armed = failpoint.arm(tmp_path, "brain", "claim", signal.SIGKILL)
    assert armed.pid is None

    first, second = run(tmp_path), run(tmp_path)

    assert (first.returncode, first.stdout) == (-signal.SIGKILL, "claimed\n")
    assert armed.pid is not None
    assert (second.returncode, second.stdout) == (0, "claimed\ndone\n" * 2)


def test_what_is_armed_for_another_role_hits_nobody(tmp_path: Path) -> None:
    """And what was cleared neither."""
    failpoint.arm(tmp_path, "egress", "claim", signal.SIGKILL)
    armed = failpoint.arm(tmp_path, "brain", "claim", signal.SIGKILL)
    armed.clear()
    assert run(tmp_path).returncode == 0


def test_every_step_is_there() -> None:
    """A step that is renamed must be renamed here too."""
    for module, name in failpoint.POINTS.values():
        assert module == steps.__name__
        assert name in vars(steps)


def test_an_unknown_role_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words."""
    monkeypatch.setattr(sys, "argv", ["failpoint", "valkey"])
    with pytest.raises(
        SystemExit, match="expected one of ingress, brain, egress as the first word, got valkey"
    ):
        failpoint.main()
