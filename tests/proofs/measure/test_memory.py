"""Memory of processes."""

from __future__ import annotations

import os
import subprocess
import sys

from proofs.measure.memory import pss_mib


def test_what_a_process_holds_is_counted() -> None:
    """At least what it has touched, in MiB."""
    before = pss_mib([os.getpid()])
    held = bytearray(b"x") * (8 << 20)
    assert 7 < pss_mib([os.getpid()]) - before < 9
    assert held[-1]


def test_a_process_that_is_gone_holds_nothing() -> None:
    """It has no files any more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert pss_mib([child.pid]) == 0
