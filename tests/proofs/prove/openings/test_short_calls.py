"""What is promised of memory, on counts written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.prove.chaos.evidence.shapes import Census
from proofs.prove.openings.short_calls import Batch, Outcome, promises
from proofs.prove.promises import true_of

MIB = 2**20

FIRST = Census(
    keys={"out": 2, "entries of live": 0},
    fds={"brain-0": 16},
    tasks={"brain-0": 14},
    rss_bytes={"brain-0": 70 * MIB},
)


def outcome(last: Census, **fields: float) -> Outcome:
    """Two batches; the second ended so."""
    found = Outcome(
        idle_mib=340.0,
        idle_percent={"brain-0": 0.6},
        before_talk_mib=350.0,
        talk_mib=359.0,
        talking=50,
        batches=[Batch(1_000, FIRST), Batch(1_000, last)],
    )
    return replace(found, **fields)  # type: ignore[arg-type]


def test_what_a_call_holds() -> None:
    """By what all processes together have grown."""
    assert outcome(FIRST).call_kib == pytest.approx(9 * 1024 / 50)


@pytest.mark.parametrize(
    "last",
    [
        replace(FIRST, keys={"out": 3, "entries of live": 0}),
        replace(FIRST, keys={"out": 2, "entries of live": 1}),
        replace(FIRST, fds={"brain-0": 21}),
        replace(FIRST, tasks={"brain-0": 17}),
        replace(FIRST, rss_bytes={"brain-0": 73 * MIB}),
        replace(FIRST, sessions=1),
    ],
)
def test_what_grew_is_broken(last: Census) -> None:
    """Each kind by itself."""
    assert len(true_of(promises(outcome(last)))) == 1


def test_what_stays_is_kept() -> None:
    """Also where it shrank."""
    assert true_of(promises(outcome(FIRST))) == []
    assert true_of(promises(outcome(replace(FIRST, fds={}, rss_bytes={"brain-0": MIB})))) == []


@pytest.mark.parametrize("fields", [{"idle_mib": 351.0}, {"idle_mib": 0.0}, {"talk_mib": 361.0}, {"deaf": 1}])
def test_limits(fields: dict[str, float]) -> None:
    """Idle, a call, and nobody who heard nothing."""
    assert len(true_of(promises(outcome(FIRST, **fields)))) == 1


def test_one_batch_shows_nothing() -> None:
    """Nothing can have grown."""
    found = outcome(FIRST)
    found.batches.pop()
    assert len(true_of(promises(found))) == 1


def test_who_does_something_while_nobody_calls_is_named() -> None:
    """More than a hundredth of a core; and what was not looked at is not kept."""
    busy = replace(outcome(FIRST), idle_percent={"brain-0": 0.99, "egress-1": 1.24})
    assert true_of(promises(busy)) == ["egress-1 uses 1.2 % of a core when nobody calls, 1 allowed"]
    assert len(true_of(promises(replace(busy, idle_percent={})))) == 1
