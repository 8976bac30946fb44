"""A process that watches nothing: what is left out is there, and is silent then."""

from __future__ import annotations

import subprocess
import sys

import pytest

from proofs.prove.roles.unwatched import left_out
from shared.contract.worker import ROLES

PROGRAM = """
import sys
from proofs.prove.roles import unwatched
unwatched.install(sys.argv[1])
from shared.figures.histograms import latency_ms
from shared.figures.rolling import Telling
histogram = latency_ms()
histogram.observe(3.0)
print(histogram.count, Telling(0.0).is_due(1e9, late=True))
"""


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_counted_and_nothing_told(role: str) -> None:
    """In a process of its own: what is left out stays out."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, role], capture_output=True, text=True, check=True)
    assert done.stdout == "0 False\n"


def test_egress_judges_no_window() -> None:
    """The others have none."""
    methods = {role: {method for _, _, method in left_out(role)} for role in ROLES}
    assert methods["egress"] - methods["brain"] == {"check", "is_stuck"}
    assert methods["ingress"] == methods["brain"]
