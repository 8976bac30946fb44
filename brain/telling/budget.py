"""When a call, or all calls of a day, have cost what they may. Pure.

Why it exists: a loop between two machines costs money until somebody looks; a budget ends it politely, and
warns before. Owns: the two steps of a budget, each told once. Must not know: what anything costs, how a call
is ended.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

WARN_AT = 0.8
"""Of the budget: from here on it is told, and nothing is done."""

FAREWELL = "The call has to end now. Say so in one short sentence, and say goodbye."


class Level(enum.IntEnum):
    """How far a budget is spent."""

    FINE = 0
    NEARLY = 1
    SPENT = 2


@dataclass(slots=True)
class Budget:
    """One budget. `of_micros`: the most, in millionths; 0: there is none."""

    of_micros: int
    _told: Level = Level.FINE

    def level(self, spent_micros: int | None) -> Level:
        """How far it is spent. Of what nobody can tell the cost of nothing is spent."""
        if not self.of_micros or spent_micros is None:
            return Level.FINE
        if spent_micros >= self.of_micros:
            return Level.SPENT
        return Level.NEARLY if spent_micros >= self.of_micros * WARN_AT else Level.FINE

    def reached(self, spent_micros: int | None) -> Level | None:
        """The level that it has come to since this was asked last; None: no further one."""
        level = self.level(spent_micros)
        if level <= self._told:
            return None
        self._told = level
        return level
