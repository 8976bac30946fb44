"""Memory of processes."""

from __future__ import annotations

import subprocess
import sys

from proofs.measure.memory import pss_mib

HOLDER = """
import sys
print("ready", flush=True)
sys.stdin.readline()
held = bytearray(b"x") * (8 << 20)
print("held", flush=True)
sys.stdin.readline()
"""


def test_what_a_process_holds_is_counted() -> None:
    """At least what it has touched, in MiB: of another process, which does nothing else meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        before = pss_mib([holder.pid])
        holder.stdin.write("\n")
        assert holder.stdout.readline() == "held\n"
        assert 7 < pss_mib([holder.pid]) - before < 9
        holder.stdin.write("\n")


def test_a_process_that_is_gone_holds_nothing() -> None:
    """It has no files any more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert pss_mib([child.pid]) == 0
