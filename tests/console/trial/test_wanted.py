"""What is tried where nothing is said of it."""

from __future__ import annotations

from pathlib import Path

from console.trial.scenario import Scenario
from console.trial.wanted import Wanted, Way


def test_nothing_costs_anything_unasked() -> None:
    """The simulated model, nobody told, by scenario."""
    wanted = Wanted(scenarios=[(Scenario(name="x"), Path())])
    assert (wanted.live, wanted.webhooks, wanted.way) == (False, False, Way.SCENARIO)
