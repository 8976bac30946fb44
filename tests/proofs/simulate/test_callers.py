"""What callers do."""

from __future__ import annotations

from random import Random

from proofs.simulate.callers import TAKEN, Caller, Habits
from simulators.twilio import CallPlan, Dtmf, HangUp, InterruptAfter, Pause, Speak

STATUS_URL = "https://example.test/call-status"


class _Clock:
    """Two seconds pass with each look."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 2.0
        return self.now_s


def _plan(seed: int, habits: Habits | None = None) -> CallPlan:
    caller = Caller(
        chance=Random(seed),
        habits=habits or Habits(),
        now_s=_Clock(),
        until_s=200.0,
        status_url=STATUS_URL,
    )
    return caller.plan()


def _kinds(plan: CallPlan) -> list[str]:
    return [type(step).__name__ for step in plan.steps]


def test_a_caller_is_the_same_again() -> None:
    """What they do follows from chance alone."""
    assert _kinds(_plan(1)) == _kinds(_plan(1))
    assert _kinds(_plan(1)) != _kinds(_plan(2))


def test_every_habit_shows() -> None:
    """Somebody does each of it, and all hang up at last."""
    plans = [_plan(seed) for seed in range(20)]
    kinds = [_kinds(plan) for plan in plans]
    for step in (Speak, InterruptAfter, Dtmf, Pause):
        assert any(step.__name__ in each for each in kinds)
    assert all(each[-1] == HangUp.__name__ for each in kinds)
    stays_s = [(plan.hang_up_after_ms or 0.0) / 1000 for plan in plans]
    assert min(stays_s) < 100 < max(stays_s)
    assert {plan.dials[0] is TAKEN for plan in plans} == {True, False}


def test_a_habit_can_be_left() -> None:
    """Who never interrupts, presses or stays silent speaks each time."""
    habits = Habits(interrupts=0, presses_keys=0, says_nothing=0, leaves_early=0, is_taken=0)
    kinds = set(_kinds(_plan(1, habits)))
    assert Speak.__name__ in kinds
    assert not kinds & {Dtmf.__name__, InterruptAfter.__name__}
