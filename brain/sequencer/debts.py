"""Sound is owed: what the caller waits for, by number, until the answer is heard.

Why it exists: silence needs an owner. A wish may expire, a response may end without a sound, a session may
be lost; the caller still waits. Only an answer that became audible settles a debt, and only a decision that
nothing need be said takes one back (docs/design.md, Sound is owed).

Owns: the numbers, since when, for what. Must not know: how an answer is asked for again, what a caller hears
meanwhile (ingress).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.contract.owed import DebtCause

MAX_STANDING = 64
"""Debts of which the cause is known. A caller who is owed more has long been told why (ingress)."""


CARRIED_MS = 100.0
"""What follows a decision by so little belongs to it."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What stands: `number` is the last debt that does, cause and age are those of the oldest one."""

    number: int
    cause: DebtCause
    since_ms: float


@dataclass(slots=True)
class Debts:
    """The debts of one call. Numbers rise over brains and legs."""

    raised: int = 0
    """The number of the last debt."""
    standing: dict[int, DebtCause] = field(default_factory=dict)
    """Those that are neither paid, by what egress said was audible, nor taken back; the oldest comes
    first."""
    waived: int = 0
    """The highest one that was taken back."""
    waived_at_ms: float = float("-inf")
    since_ms: float = 0.0
    """Since when the caller has waited for the oldest of them."""

    @property
    def owed(self) -> Owed | None:
        """What stands; None: nothing."""
        if not self.standing:
            return None
        oldest, last = next(iter(self.standing)), next(reversed(self.standing))
        return Owed(last, self.standing[oldest], self.since_ms)

    def owe(self, cause: DebtCause, now_ms: float) -> int:
        """Raises a debt; returns its number. The age is that of the oldest one that stands, or that was taken
        back only just: a caller who is said goodbye to has waited since their last word."""
        if not self.standing and now_ms - self.waived_at_ms > CARRIED_MS:
            self.since_ms = now_ms
        self.raised += 1
        self.standing[self.raised] = cause
        if len(self.standing) > MAX_STANDING:
            del self.standing[next(iter(self.standing))]
        return self.raised

    def inherit(self, number: int, cause: DebtCause, now_ms: float) -> None:
        """Another brain's debt stands still: its answer is on its way to the caller, under this number. To be
        called before any of ours is raised."""
        if not self.standing:
            self.since_ms = now_ms
        self.standing[number] = cause

    def settle(self, number: int, now_ms: float) -> bool:
        """An answer to all debts up to this one is audible; returns whether it paid any. A younger one is
        waited for from now on."""
        has_paid = self._drop(0, number)
        if has_paid:
            self.since_ms = now_ms
        return has_paid

    def waive(self, number: int, now_ms: float, *, above: int = 0) -> None:
        """It was decided that nothing need be said for the debts up to this one, but for those up to `above`:
        their answer is on its way to the caller."""
        if self._drop(above, number):
            self.waived, self.waived_at_ms = max(self.waived, number), now_ms

    def waive_all(self) -> None:
        """Nobody waits any more."""
        self.standing.clear()
        self.waived = self.raised

    # Private.

    def _drop(self, above: int, number: int) -> bool:
        gone = [each for each in self.standing if above < each <= number]
        for each in gone:
            del self.standing[each]
        return bool(gone)
