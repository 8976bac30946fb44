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
    calls: int = 3
    seconds: float = 60.0
    every_s: float = 10.0
    workers: int = 2


KEPT: tuple[Kept, ...] = ()
