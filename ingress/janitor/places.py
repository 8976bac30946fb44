"""What is wrong with the count of all calls, and what would mend it. Pure.

Why it exists: a place is taken and given back in steps of their own, beside those of the call, so that either
may be missed; and a Redis that fell back has places of calls that are over, and none of calls that are on the
line. Owns: each rule, and for how long what it sees must stand. Must not know: Redis, clocks, lanes, how
anything is carried out.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingress.janitor.rules import SETTLED_S
from ingress.janitor.sight import CountSeen


@dataclass(frozen=True, slots=True)
class Vacate:
    """A place of a call that is over, or of one that has no card: it never came, or nobody knows it."""

    call_sid: str
    ends_ms: float
    """Its lease, as it was seen: one that is renewed is another."""
    is_over: bool

    @property
    def after_s(self) -> float:
        """For how long it must have been seen. What is over stays over; a call without a card may be between
        its webhook and its stream, or about to be written again."""
        return 0.0 if self.is_over else SETTLED_S


@dataclass(frozen=True, slots=True)
class Readmit:
    """A call that is on the line and has no place: it gets one, whatever their number."""

    call_sid: str

    @property
    def after_s(self) -> float:
        """For how long it must have been seen: while it has none, another call may get its place."""
        return 0.0


Misplaced = Vacate | Readmit


def judge(seen: CountSeen) -> list[Misplaced]:
    """All that is wrong with the count at this moment."""
    found: list[Misplaced] = []
    for call_sid, card in seen.cards.items():
        is_live = card is not None and card.is_live
        ends_ms = seen.places.get(call_sid)
        if is_live and ends_ms is None:
            found.append(Readmit(call_sid))
        elif not is_live and ends_ms is not None:
            found.append(Vacate(call_sid, ends_ms, is_over=card is not None))
    return found
