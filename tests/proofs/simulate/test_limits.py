"""What a caller bears, by the faults of a run."""

from __future__ import annotations

from proofs.simulate.faults import Fault, What
from proofs.simulate.limits import AGAIN_MS, Limits, limits_of


def test_without_faults_nothing_is_borne() -> None:
    """The strictest of all; so it is where Redis alone is slow."""
    assert limits_of([]) == Limits()
    assert limits_of([Fault(1.0, What.SLOW, "", 1.0)]) == Limits()


def test_a_killed_process_may_cost_its_calls() -> None:
    """In words, until somebody takes them over: strictly seen it may not."""
    faults = [Fault(1.0, What.SLOW, "", 1.0), Fault(5.0, What.KILL, "brain-0")]
    assert limits_of(faults).may_apologise
    assert not limits_of(faults, strict=True).may_apologise


def test_a_new_leg_repeats_a_moment() -> None:
    """And loses what was said between the two."""
    found = limits_of([Fault(1.0, What.CARRIER, "ingress-0")])
    assert (found.again_ms, found.left_out_ms, found.may_lose_turns) == (AGAIN_MS, 0.0, True)
