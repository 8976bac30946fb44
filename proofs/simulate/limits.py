"""What a caller bears in a run, by its faults.

Why it exists: a broken socket repeats a moment of sound, a Redis that forgot takes words away; after anything
else neither may happen. Owns: these bounds. Pure. Must not know: how they are judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proofs.simulate.faults import Fault, What

_NEW_OWNER = frozenset({What.KILL, What.VANISH, What.DRAIN})
_NEW_LEG = _NEW_OWNER | {What.CARRIER, What.STOP, What.LINE}
_OLDER = frozenset({What.FAIL_OVER, What.BEHIND})
_LOSES_WRITES = _OLDER | {What.EMPTY}

QUIET_MS = 6_000.0
"""The product promises 4.5 s by its own count. The ear's begins earlier: at a key, whose group ends 2 s
later, and where an answer ceased, which ingress knows a second later; voice in between stops both."""

WAIT_MS = 13_000.0

SETTLED_S = 8.0
"""After the last call; then nothing of it is left but what stays of a call that has ended."""

JANITOR_S = 75.0
"""Where the janitor alone can see that something is left: a minute of silence, a look, an end."""

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
    tidy_within_s: float = SETTLED_S
    """From the last call's end until Redis is as if there had been none."""
    may_truncate_above: bool = False
    """Whether one of its faults keeps from the carrier what was given to its socket."""


def limits_of(faults: Iterable[Fault]) -> Limits:
    """Of a run with these faults."""
    kinds = {fault.what for fault in faults}
    return Limits(
        again_ms=AGAIN_MS if kinds & _NEW_LEG else 0.0,
        left_out_ms=None if kinds & (_LOSES_WRITES | _NEW_OWNER) else 0.0,
        may_lose_turns=bool(kinds & (_NEW_LEG | _LOSES_WRITES)),
        tidy_within_s=JANITOR_S if kinds & _LOSES_WRITES else SETTLED_S,
        may_truncate_above=What.LINE in kinds,
    )
