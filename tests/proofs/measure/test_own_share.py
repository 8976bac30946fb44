"""What the simulators ask of Python and of the kernel."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

from proofs.measure.own_share import garbage_waits

ROOT = Path(__file__).parents[3]

PROGRAM = """
from proofs.measure import own_share
async def answer(): return 42
assert own_share.run(answer()) == 42
"""


class Knot:
    """Garbage that only a collection finds."""

    made = 0

    def __init__(self) -> None:
        self.itself = self
        Knot.made += 1

    def __del__(self) -> None:
        Knot.made -= 1


def test_garbage_waits_until_it_is_over() -> None:
    """However much there is; and an error leaves no process without collections."""
    try:
        with garbage_waits():
            for _ in range(5_000):
                Knot()
            assert Knot.made == 5_000
            raise InterruptedError
    except InterruptedError:
        assert Knot.made == 0
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_proof_runs_to_its_result() -> None:
    """In a process of its own: what it asks the kernel for stays."""
    assert subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, check=False).returncode == 0
