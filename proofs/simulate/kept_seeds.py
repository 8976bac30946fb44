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

_KINDS_WITH_REFUSALS = (
    *(What.KILL, What.VANISH, What.STOP, What.DRAIN, What.CUT, What.LOST, What.RESET, What.FREEZE),
    *(What.SLOW, What.FULL, What.NO_DISK, What.NO_REPLICAS, What.READ_ONLY, What.BUSY, What.LOADING),
    *(What.CRASH, What.EMPTY, What.FAIL_OVER, What.BEHIND, What.MODEL, What.STALL, What.DEAF),
    *(What.CARRIER, What.LINE),
)
"""With those of a Redis that carries out nothing, too."""


def _kept(seed: int, why: str, kinds: tuple[What, ...] = _FIRST_KINDS) -> Kept:
    return Kept(seed=seed, why=why, kinds=kinds, calls=2, seconds=40.0, every_s=6.0, workers=2)


KEPT: tuple[Kept, ...] = (
    _kept(
        34,
        "An ingress that was cut off from Redis counted as dead, and the carrier was asked for its calls; it"
        " heard the carrier stop their streams, and ended them as if their callers had hung up.",
    ),
    _kept(5, "An ingress that drained moved its calls while Redis was away: they were told the apology."),
    _kept(
        1011,
        "Redis was slow, frames of a reply were sent twice, the caller interrupted: what ingress then said of"
        " the old frames was taken for the first ones of the next reply, which nobody heard.",
    ),
    _kept(
        112,
        "A number that was dialled did not answer just when a replica took over: the caller was told the"
        " apology.",
        (What.BEHIND,),
    ),
    _kept(
        26,
        "An egress vanished, its ingress moved the call before anybody took it: the next owner began where"
        " the card said, and the caller heard 880 ms again.",
        _KINDS_WITH_REFUSALS,
    ),
)
