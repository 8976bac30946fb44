"""What one call uses of its models: on its card, with what that costs, against its budget.

Why it exists: a call goes through several sessions and brains, and has one bill. Owns: the call's sum, when
the card is told, which budgets it has come to. Must not know: how a model's server says it, how a call is
ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from brain.telling.budget import Budget, Level
from brain.telling.spending import Spending
from shared.contract.bill import usage
from shared.contract.bill.usage import ModelUsage, Usages
from shared.contract.card import BrainUsed

CALL, DAY = "call", "day"
"""Which budget."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A budget has come to a level. Figures in millionths."""

    what: str
    level: Level
    spent_micros: int
    of_micros: int


@dataclass(slots=True)
class Meter:
    """Of one call. `write` puts a record on its card."""

    spending: Spending
    call_sid: str
    agent: str
    write: Callable[[object], None]
    usages: Usages = ()
    """One a model, brains before this one included."""
    cost_micros: int | None = None
    """What it costs; None: a model is not in the table."""
    _call: Budget = field(init=False)
    _is_day_told: bool = False

    def __post_init__(self) -> None:
        self._call = Budget(self.spending.call_micros)
        self.usages = self.spending.recall(self.call_sid, self.usages)
        self.cost_micros = self.spending.prices.micros(self.usages)

    def used(self, more: ModelUsage) -> None:
        """A response, or a transcript, has said what it used."""
        self.usages = usage.added(self.usages, more)
        self.cost_micros = self.spending.prices.micros(self.usages)
        self.spending.note(self.agent, more)
        self.spending.remember(self.call_sid, self.usages)
        self.write(BrainUsed(usage=usage.dump(self.usages), cost_micros=self.cost_micros))

    def reached(self) -> list[Reached]:
        """Levels of budgets that the call has come to since this was asked last."""
        found = []
        level = self._call.reached(self.cost_micros)
        if level is not None:
            found.append(Reached(CALL, level, self.cost_micros or 0, self._call.of_micros))
        if not self._is_day_told and self.spending.is_day_spent():
            self._is_day_told = True
            most = self.spending.day.of_micros
            found.append(Reached(DAY, Level.SPENT, most, most))
        return found
