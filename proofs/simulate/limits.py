"""What a caller bears in a run, by its faults.

Why it exists: a broken socket repeats a moment of sound, a Redis that forgot takes words away; after anything
else neither may happen. Owns: these bounds. Pure. Must not know: how they are judged.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from proofs.simulate.faults import FAIL_OVER_S, Fault, What

_NEW_OWNER = frozenset({What.KILL, What.VANISH, What.DRAIN})
_MOVES_CALLS = frozenset({What.KILL, What.VANISH, What.STOP, What.CUT})
"""Of an ingress: it is dead, or counts as dead to the others, who have its calls sent to themselves."""

_MISSES_STEPS = frozenset(
    {What.KILL, What.VANISH, What.STOP, What.CUT, What.LOST, What.RESET, What.FREEZE, What.CRASH}
)

_OLDER = frozenset({What.FAIL_OVER, What.BEHIND})
_LOSES_WRITES = _OLDER | {What.EMPTY}

QUIET_MS = 6_000.0
"""The product promises 4.5 s by its own count. The ear's begins earlier: at a key, whose group ends 2 s
later, and where an answer ceased, which ingress knows a second later; voice in between stops both."""

WAIT_MS = 13_000.0

SETTLED_S = 8.0
"""After the last call; then nothing of it is left but what stays of a call that has ended."""

TIDY_AFTER_FAULTS_S = 25.0
"""Where the step that gives a place back may have been missed: whoever holds the count sees it with the next
look, or takes it over when the lease of the one before is over."""

JANITOR_S = 75.0
"""Where the janitor alone can see that something is left: a minute of silence, a look, an end."""

AGAIN_MS = 300.0
"""A new leg, or a new owner, repeats at most the lead."""

UNTOLD_MS = 150.0
"""And what an ingress gave to its socket after its last report, where it cannot report any more: it does
each 100 ms, and what it told was still on its way to Redis, and to the ear."""


PAUSED_MS = 100.0
"""The lead hides what is late; frames that come in a burst may still play a few of them apart."""

KILLED_BESIDE_MS = 300.0
"""An egress whose end is seen at once."""

UNSEEN_MS = 2_500.0
"""A worker whose death is told by its beats alone."""

NEW_LEG_MS = 1_500.0
"""A call that gets another stream."""

RECONNECTED_MS = 1_500.0
"""Behind a fault of a connection: all have another one, and what was lost is written again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a caller bears. Of one run, since its faults decide."""

    quiet_ms: float = QUIET_MS
    """Silence while sound is owed, our own clip counting as sound."""
    wait_ms: float = WAIT_MS
    """Until there is an answer, or the apology."""
    talks_on_ms: float = 1_000.0
    """From the first word of a caller who interrupts to silence; longer around faults."""
    again_ms: float = 0.0
    """Sound that is heard again in one place, inside of an item."""
    left_out_ms: float | None = 0.0
    """Sound that is left out in one place, inside of an item; None: any."""
    may_lose_turns: bool = False
    """Whether one of its faults takes the caller's voice away before it is in Redis, or out of it."""
    tidy_within_s: float = SETTLED_S
    """From the last call's end until Redis is as if there had been none."""
    may_truncate_above: bool = False
    """Whether one of its faults keeps from the carrier what was given to its socket."""
    paused_ms: float = PAUSED_MS
    """Time in which an answer pauses where it has no pause of its own, without a fault."""


def pauses_ms(fault: Fault, *, shares_pids: bool) -> float:
    """For how long an answer may pause on account of a fault. `shares_pids`: a neighbour's end is seen at
    once, not after two seconds without a beat."""
    role, _, _ = fault.target.rpartition("-")
    lasts_ms = fault.lasts_s * 1000
    match fault.what, role:
        case What.KILL, "egress":
            return KILLED_BESIDE_MS if shares_pids else UNSEEN_MS
        case What.DRAIN, "egress":
            return KILLED_BESIDE_MS
        case (What.VANISH, "egress"):
            return UNSEEN_MS
        case (What.STOP | What.CUT | What.LOST | What.RESET, "egress"):
            return min(lasts_ms + RECONNECTED_MS, UNSEEN_MS)
        case (What.KILL | What.VANISH | What.DRAIN, "brain"):
            return 0.0  # What it has said stands in Redis; what it has not is asked for anew.
        case (What.KILL | What.DRAIN | What.CARRIER, "ingress"):
            return NEW_LEG_MS
        case What.VANISH, "ingress":
            return UNSEEN_MS + NEW_LEG_MS
        case (What.STOP | What.CUT | What.LOST, "ingress"):
            return min(lasts_ms, UNSEEN_MS) + NEW_LEG_MS
        case What.FAIL_OVER | What.BEHIND, _:
            return FAIL_OVER_S * 1000 + RECONNECTED_MS
    return lasts_ms + RECONNECTED_MS


def limits_of(faults: Sequence[Fault]) -> Limits:
    """Of a run with these faults."""
    kinds = {fault.what for fault in faults}
    return Limits(
        again_ms=max((_again_ms(fault) for fault in faults), default=0.0),
        left_out_ms=None if kinds & _LOSES_WRITES else 0.0,
        may_lose_turns=bool(kinds & (_NEW_OWNER | _LOSES_WRITES)) or any(map(_is_new_leg, faults)),
        tidy_within_s=_tidy_within_s(kinds),
        may_truncate_above=What.LINE in kinds,
    )


# Private.


def _tidy_within_s(kinds: Set[What]) -> float:
    if kinds & _LOSES_WRITES:
        return JANITOR_S
    return TIDY_AFTER_FAULTS_S if kinds & _MISSES_STEPS else SETTLED_S


def _is_new_leg(fault: Fault) -> bool:
    """Whether calls get another stream for it."""
    if fault.target.startswith("ingress"):
        return fault.what in _MOVES_CALLS | {What.DRAIN, What.CARRIER, What.LINE}
    return False


def _again_ms(fault: Fault) -> float:
    """What is heard again for it, in one place."""
    if fault.target.startswith("ingress"):
        untold = fault.what in _MOVES_CALLS | {What.LINE}
        return AGAIN_MS + (UNTOLD_MS if untold else 0.0) if _is_new_leg(fault) else 0.0
    return AGAIN_MS if fault.what in _NEW_OWNER | {What.STOP} else 0.0
