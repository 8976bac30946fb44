"""What a caller bears, by the faults of a run."""

from __future__ import annotations

import pytest

from proofs.simulate.faults import Fault, What
from proofs.simulate.limits import (
    AGAIN_MS,
    JANITOR_S,
    KILLED_BESIDE_MS,
    NEW_LEG_MS,
    QUIET_MS,
    RECONNECTED_MS,
    SETTLED_S,
    TIDY_AFTER_FAULTS_S,
    UNSEEN_MS,
    UNTOLD_MS,
    Limits,
    limits_of,
    pauses_ms,
)


def test_without_faults_nothing_is_borne() -> None:
    """The strictest of all; so it is where Redis alone is slow."""
    assert limits_of([]) == Limits()
    assert limits_of([Fault(1.0, What.SLOW, "", 1.0)]) == Limits()


@pytest.mark.parametrize("what", [What.KILL, What.VANISH, What.STOP, What.DRAIN])
@pytest.mark.parametrize("role", ["brain", "egress"])
def test_a_worker_that_is_gone_costs_no_silence_and_no_word(what: What, role: str) -> None:
    """Its calls go on in another one, which may repeat what nobody has confirmed."""
    found = limits_of([Fault(1.0, What.SLOW, "", 1.0), Fault(5.0, what, f"{role}-0")])
    assert (found.quiet_ms, found.again_ms, found.left_out_ms) == (QUIET_MS, AGAIN_MS, 0.0)


@pytest.mark.parametrize(
    ("what", "target", "again_ms"),
    [
        (What.CARRIER, "ingress-0", AGAIN_MS),
        (What.DRAIN, "ingress-0", AGAIN_MS),
        (What.VANISH, "ingress-0", AGAIN_MS + UNTOLD_MS),
        (What.CUT, "ingress-0", AGAIN_MS + UNTOLD_MS),
        (What.CUT, "egress-0", 0.0),
        (What.LOST, "ingress-0", 0.0),
    ],
)
def test_a_new_leg_repeats_a_moment(what: What, target: str, again_ms: float) -> None:
    """And loses what was said between the two."""
    found = limits_of([Fault(1.0, what, target)])
    assert (found.again_ms, found.left_out_ms, found.may_lose_turns) == (again_ms, 0.0, again_ms > 0)


def test_how_long_an_answer_may_pause() -> None:
    """As long as it takes to see that its egress is gone, or to get another stream."""
    killed, gone = Fault(1.0, What.KILL, "egress-0"), Fault(1.0, What.VANISH, "ingress-0")
    assert pauses_ms(killed, shares_pids=True) == KILLED_BESIDE_MS
    assert pauses_ms(killed, shares_pids=False) == UNSEEN_MS
    assert pauses_ms(gone, shares_pids=True) == UNSEEN_MS + NEW_LEG_MS
    assert pauses_ms(Fault(1.0, What.KILL, "brain-0"), shares_pids=False) == 0
    frozen = Fault(1.0, What.FREEZE, "", 2.0)
    assert pauses_ms(frozen, shares_pids=True) == 2_000 + RECONNECTED_MS


def test_what_the_janitor_finds_takes_a_minute() -> None:
    """Where Redis has brought something back; a place that was not given back takes less; else all is tidy at
    once."""
    assert limits_of([Fault(1.0, What.FAIL_OVER)]).tidy_within_s == JANITOR_S
    assert limits_of([Fault(1.0, What.KILL, "ingress-0")]).tidy_within_s == TIDY_AFTER_FAULTS_S
    assert limits_of([Fault(1.0, What.MODEL, "brain-0")]).tidy_within_s == SETTLED_S
