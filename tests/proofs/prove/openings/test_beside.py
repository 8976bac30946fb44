"""Lateness of loops out of two looks at a histogram, and what is promised."""

from __future__ import annotations

import math

import pytest

from proofs.prove.openings.beside import Lag, Outcome, buckets, lag_between, promises
from proofs.prove.promises import true_of
from proofs.prove.roles.timed import Steps

EXPOSITION = """
# HELP trunkline_loop_late_ms Lateness of the loop.
# TYPE trunkline_loop_late_ms histogram
trunkline_loop_late_ms_bucket{le="5.0"} 98.0
trunkline_loop_late_ms_bucket{le="+Inf"} 100.0
trunkline_loop_late_ms_sum 40.0
trunkline_loop_late_ms_count 100.0
"""


def test_only_what_grew_counts() -> None:
    """Ticks before the first look are nobody's business."""
    before = buckets(EXPOSITION)
    assert before == {5.0: 98.0, math.inf: 100.0}
    lag = lag_between(before, {5.0: 1_097.0, math.inf: 1_100.0})
    assert (lag, lag.is_kept) == (Lag(1_000, 999), True)


@pytest.mark.parametrize(("within", "is_kept"), [(990, True), (989, False)])
def test_p99(within: int, is_kept: bool) -> None:
    """One in a hundred may be later."""
    assert Lag(1_000, within).is_kept is is_kept


def outcome(*, within: int = 1_000, most_ms: float = 4.9, deaf: int = 0, holes: int = 0) -> Outcome:
    """Of one process."""
    return Outcome(
        lags={"brain-0": Lag(1_000, within)},
        steps={"brain-0": Steps(count=5, most_ms=most_ms)},
        began=10,
        deaf=deaf,
        holes=holes,
    )


@pytest.mark.parametrize(
    ("found", "broken"),
    [
        (outcome(), 0),
        (outcome(within=900), 1),
        (outcome(most_ms=5.1), 1),
        (outcome(deaf=1), 1),
        (outcome(holes=1), 1),
        (Outcome(), 3),
    ],
)
def test_what_is_promised(found: Outcome, broken: int) -> None:
    """Loops in time, no long step, nobody deaf, no hole; and that all was looked at."""
    assert len(true_of(promises(found))) == broken
