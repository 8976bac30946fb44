"""Histories that once failed, and are played for good.

Why it exists: a history that has shown a mistake shows it again. Owns: the list, and what makes a history the
same one. Must not know: how it is played.

A seed is the same history only under the same kinds of fault, the same length and the same number of calls:
these stand beside it, and are not the defaults of the command.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.simulate.faults import What


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One history."""

    seed: int
    why: str
    """What it has shown."""
    kinds: tuple[What, ...]
    calls: int
    """Callers at once."""
    seconds: float
    """How long they call."""
    every_s: float
    """From fault to fault, on the average."""
    workers: int
    """Processes of each role."""


_FIRST_KINDS = (
    *(What.KILL, What.VANISH, What.STOP, What.DRAIN, What.CUT, What.LOST, What.RESET, What.FREEZE),
    *(What.SLOW, What.FULL, What.CRASH, What.EMPTY, What.FAIL_OVER, What.BEHIND, What.MODEL, What.STALL),
    *(What.DEAF, What.CARRIER, What.LINE),
)
"""All that there were; a kind that is added draws other histories."""

KEPT: tuple[Kept, ...] = (
    Kept(
        seed=4,
        why="Redis came back empty; an egress could not claim what ingress had written again, and never again"
        " tried.",
        kinds=_FIRST_KINDS,
        calls=3,
        seconds=60.0,
        every_s=10.0,
        workers=2,
    ),
)
