"""Runs a coroutine on virtual time, for tests of what stands on it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from proofs.simulate.kernel.loop import VirtualLoop
from proofs.simulate.kernel.virtual import VirtualClock, virtual


def run(work: Coroutine[Any, Any, Any], *, seed: int = 1) -> Any:
    """Runs it on a loop of its own."""
    clock = VirtualClock()
    with virtual(clock, seed):
        loop = VirtualLoop(clock)
        try:
            return loop.run_until_complete(work)
        finally:
            loop.close()
