"""CPU time of processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from proofs.measure.cpu import cpu_ms, spent_ms


def test_what_a_process_computes_is_counted() -> None:
    """To within what its own clock says."""
    before, began = cpu_ms({"me": os.getpid()}), time.process_time()
    while time.process_time() - began < 0.05:
        pass
    used_ms = spent_ms(before, cpu_ms({"me": os.getpid()}))["me"]

    assert used_ms >= 45
    assert used_ms < (time.process_time() - began) * 1000 + 20


def test_a_process_that_is_gone_is_left_out() -> None:
    """It has no files any more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    assert list(cpu_ms({"gone": child.pid, "me": os.getpid()})) == ["me"]


def test_a_process_that_was_not_there_before_counts_from_zero() -> None:
    """And one that is gone afterwards does not count."""
    assert spent_ms({"old": 5.0, "gone": 7.0}, {"old": 8.0, "new": 2.0}) == {"old": 3.0, "new": 2.0}
