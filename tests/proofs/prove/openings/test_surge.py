"""What is promised of live calls beside two hundred a second that are refused."""

from __future__ import annotations

from array import array
from collections import Counter

import pytest

from proofs.prove.hostile.clean import Figures
from proofs.prove.openings.ringers import Rung
from proofs.prove.openings.surge import Outcome, promises
from proofs.prove.promises import true_of


def heard(behind_ms: float = 2.0, *, holes: int = 0, lost: int = 0) -> Figures:
    return Figures(
        calls=20,
        sessions=20,
        behind_ms=array("d", [behind_ms] * 100),
        frames=10_000,
        holes=holes,
        turns=200,
        lost_turns=lost,
    )


def rung(busy: int = 12_000, *, p99_ms: float = 40.0, **other: int) -> Rung:
    ends = Counter({"busy": busy, **other})
    return Rung(ends=ends, statuses=Counter({"204": busy}), seconds=60.0, answered_p99_ms=p99_ms)


def test_who_is_refused_in_words_and_who_notices_nothing() -> None:
    """Then all is kept."""
    assert true_of(promises(Outcome(200.0, heard(), heard(11.0), rung()))) == []


@pytest.mark.parametrize(
    ("beside", "rang", "said"),
    [
        (heard(12.5), rung(), "frames were 12.5 ms late (p99), 2.0 ms without"),
        (heard(holes=11), rung(), "11 holes in 10000 frames"),
        (heard(lost=1), rung(), "1 of 200 turns lost"),
        (heard(), rung(11_000), "183 calls a second rang, 200 asked"),
        (heard(), rung(11_999, stream=1), "1 of 12000 calls were not refused in words: {'stream': 1}"),
        (heard(), rung(p99_ms=1_001.0), "a webhook was answered after 1001 ms (p99)"),
    ],
)
def test_each_promise_can_be_broken(beside: Figures, rang: Rung, said: str) -> None:
    """In a sentence."""
    assert true_of(promises(Outcome(200.0, heard(), beside, rang))) == [said]
