"""Sound is owed: what the caller waits for, by number, until the answer is heard.

Why it exists: silence needs an owner. A wish may expire, a response may end without a sound, a session may
be lost; the caller still waits. Only an answer that became audible settles a debt, and only a decision that
nothing need be said takes one back (docs/design.md, Sound is owed).

Owns: the numbers, since when, for what. Must not know: how an answer is asked for again, what a caller hears
meanwhile (ingress).
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.contract.owed import DebtCause


@dataclass(frozen=True, slots=True)
class Owed:
    """What stands: `number` is the last debt raised, cause and age are those of the oldest unpaid one."""

    number: int
    cause: DebtCause
    since_ms: float


@dataclass(slots=True)
class Debts:
    """The debts of one call. Numbers rise over brains and legs."""

    raised: int = 0
    """The number of the last debt."""
    settled: int = 0
    """Up to this number they are paid, by what egress said was audible, or taken back."""
    waived: int = 0
    """Of those, up to this number nothing was said, and nothing need be."""
    cause: DebtCause = DebtCause.TURN
    since_ms: float = 0.0

    @property
    def owed(self) -> Owed | None:
        """What stands; None: nothing."""
        return Owed(self.raised, self.cause, self.since_ms) if self.raised > self.settled else None

    def owe(self, cause: DebtCause, now_ms: float) -> int:
        """Raises a debt; returns its number. The age is that of the oldest one that stands."""
        if self.raised == self.settled:
            self.cause, self.since_ms = cause, now_ms
        self.raised += 1
        return self.raised

    def settle(self, number: int, now_ms: float) -> None:
        """An answer to all debts up to this one is audible. A younger one stands from now on."""
        self.settled = max(self.settled, min(number, self.raised))
        self.since_ms = now_ms

    def waive(self) -> None:
        """It was decided that nothing need be said."""
        self.settled = self.waived = self.raised
