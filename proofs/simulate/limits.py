"""What a caller bears in a run, by its faults.

Why it exists: after a kill without an heir a call may end in words, and a broken socket repeats a moment of
sound; after anything else neither may happen. Owns: these bounds. Pure. Must not know: how they are judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proofs.simulate.faults import LOSES_CALLS, Fault, What

_NEW_OWNER = frozenset({What.KILL, What.VANISH, What.DRAIN})
_NEW_LEG = _NEW_OWNER | {What.CARRIER, What.STOP, What.LINE}
_OLDER = frozenset({What.FAIL_OVER, What.BEHIND})
_LOSES_WRITES = _OLDER | {What.EMPTY}

QUIET_MS = 6_000.0
"""The product promises 4.5 s by its own count. The ear's begins earlier: at a key, whose group ends 2 s
later, and where an answer ceased, which ingress knows a second later; voice in between stops both."""

WAIT_MS = 13_000.0

AGAIN_MS = 300.0
"""A new leg, or a new owner, repeats at most the lead, and what nobody could confirm."""


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
    may_truncate_above: bool = False
    """Whether one of its faults keeps from the carrier what was given to its socket."""
    may_come_back: bool = False
    """Whether one of its faults brings calls back that have ended: nobody ends them again yet."""
    may_apologise: bool = False
    """Whether one of its faults ends calls."""


def limits_of(faults: Iterable[Fault], *, strict: bool = False) -> Limits:
    """Of a run with these faults. `strict`: as if every call of a killed process had an heir."""
    kinds = {fault.what for fault in faults}
    return Limits(
        # What a caller says while Redis is empty, nobody has: no owner writes anything back yet.
        quiet_ms=WAIT_MS if kinds & _LOSES_WRITES else QUIET_MS,
        again_ms=AGAIN_MS if kinds & _NEW_LEG else 0.0,
        left_out_ms=None if kinds & (_LOSES_WRITES | _NEW_OWNER) else 0.0,
        may_lose_turns=bool(kinds & (_NEW_LEG | _LOSES_WRITES)),
        may_come_back=bool(kinds & _OLDER),
        may_truncate_above=What.LINE in kinds,
        may_apologise=not strict and bool(kinds & LOSES_CALLS),
    )
