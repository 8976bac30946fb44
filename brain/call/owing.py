"""What ingress is told of the sound that a caller is owed: at each change, and every second that we live.

Why it exists: ingress holds the caller's ear and plays its clip when an answer takes long; a brain that says
nothing at all is a silence too. Owns: the words, and when they have changed. Pure. Must not know: how a debt
comes about (brain/sequencer/debts.py), what ingress does (ingress/calls/owed.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from brain.sequencer.debts import Debts
from shared.contract.streams.pairs import DebtCause, Owes

DEBTS_AN_EPOCH = 1_000_000
"""The debts of each owner have numbers of their own, above all of those before."""


@dataclass(slots=True)
class Owing:
    """The words of one call. `turn_end_ms`: how long the model listens to silence before it says that a turn
    has ended: the caller has waited since before that."""

    turn_end_ms: float
    _told: Owes | None = None

    def words(self, debts: Debts, now_ms: float, *, is_caller_speaking: bool, is_patient: bool) -> Owes:
        """What is to be said now."""
        owed = debts.owed
        heard_before_ms = self.turn_end_ms if debts.cause is DebtCause.TURN else 0.0
        return Owes(
            number=debts.raised,
            age_ms=0 if owed is None else round(now_ms - owed.since_ms + heard_before_ms),
            cause=debts.cause if debts.raised else None,
            is_paid=owed is None,
            is_waived=debts.raised > 0 and debts.waived == debts.raised,
            is_caller_speaking=is_caller_speaking,
            is_patient=is_patient,
        )

    def changed(self, words: Owes) -> bool:
        """Whether these words say something new; they count as told from now on. Age is no news."""
        news = replace(words, age_ms=0)
        if news == self._told:
            return False
        self._told = news
        return True
