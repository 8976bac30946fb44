"""A role process whose main thread is kept busy: `python -m proofs.prove.roles.busy brain --number 0`.

Why it exists: to prove that a busy loop is found and named, there must be one. SIGUSR1 starts it: for
BUSY_FOR_S the process computes for SPIN_S in every PERIOD_S, inside whatever the event loop was doing. Owns:
that. Must not know: what the role does.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

from proofs.prove.roles import becoming

SPIN_S, PERIOD_S = 0.4, 0.7
BUSY_FOR_S = 9.0

_until = [0.0]


def main() -> None:
    """Becomes the role that the command line names."""
    role = becoming.named_role("proofs.prove.roles.busy")
    signal.signal(signal.SIGUSR1, _start)
    signal.signal(signal.SIGALRM, _spin)
    becoming.go_on_as(role)


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
