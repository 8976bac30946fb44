"""A role process whose main thread is kept busy: `python -m proofs.prove.roles.busy brain --number 0`.

Why it exists: to prove that a busy loop is found and named, there must be one. SIGUSR1 starts it: for
BUSY_FOR_S the process computes for SPIN_S in every PERIOD_S, inside whatever the event loop was doing. Owns:
that. Must not know: what the role does.
"""

from __future__ import annotations

import runpy
import signal
import sys
import time
from types import FrameType

SPIN_S, PERIOD_S = 0.4, 0.7
BUSY_FOR_S = 9.0

ROLES = ("ingress", "brain", "egress")

_until = [0.0]


def main() -> None:
    """Becomes the role that the command line names."""
    named = sys.argv[1] if len(sys.argv) > 1 else "nothing"
    if named not in ROLES:
        sys.exit(
            f"proofs.prove.roles.busy: expected one of {', '.join(ROLES)} as the first word, got {named}"
        )
    role = sys.argv.pop(1)
    signal.signal(signal.SIGUSR1, _start)
    signal.signal(signal.SIGALRM, _spin)
    sys.argv[0] = role
    runpy.run_module(role, run_name="__main__", alter_sys=True)


def _start(_number: int, _frame: FrameType | None) -> None:
    _until[0] = time.monotonic() + BUSY_FOR_S
    signal.setitimer(signal.ITIMER_REAL, 0.01, PERIOD_S)


def _spin(_number: int, _frame: FrameType | None) -> None:
    until = time.monotonic() + SPIN_S
    while time.monotonic() < until:
        pass
    if time.monotonic() >= _until[0]:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


if __name__ == "__main__":
    main()
