"""A budget: told at four fifths, spent at the whole, each once."""

from __future__ import annotations

from brain.telling.budget import Budget, Level


def test_each_level_is_told_once() -> None:
    """On the way up; what was left out on a leap is not told afterwards."""
    budget = Budget(1_000_000)
    told = [budget.reached(spent) for spent in (0, 799_999, 800_000, 850_000, 1_000_000, 2_000_000)]
    assert told == [None, None, Level.NEARLY, None, Level.SPENT, None]
    assert Budget(1_000_000).reached(5_000_000) is Level.SPENT


def test_without_a_budget_nothing_is_ever_spent() -> None:
    """0 is none."""
    assert Budget(0).reached(10**12) is None


def test_a_cost_that_nobody_can_tell_spends_nothing() -> None:
    """A model without a price ends no call."""
    assert Budget(1).reached(None) is None
