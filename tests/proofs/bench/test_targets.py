"""Targets of the bench: what is above one is named, what cannot be told is not."""

from __future__ import annotations

import pytest

from proofs.bench.judging import Figures
from proofs.bench.medians import rows
from proofs.bench.report import to_markdown
from proofs.bench.targets import TARGETS, asked_of, missed
from tests.proofs.bench.samples import figures

GOOD = {
    "cpu_ms": {"brain": 6.0}, "response_p50_ms": 808.0, "response_p99_ms": 920.0, "barge_in_p50_ms": 8.0,
    "barge_in_p99_ms": 22.0, "turns": 25, "bytes_lost": 0, "schedule_p99_ms": 5.0, "caller_xlen_p95": 3,
}  # fmt: skip


def sitting(**own: object) -> list[Figures]:
    lean = figures("leanest", cpu_ms={"leanest": 2.0}, response_p50_ms=800.0, response_p99_ms=900.0)
    return [lean, figures(**{**GOOD, **own})]


def test_what_is_reached_to_the_figure_is_not_missed() -> None:
    """And the leanest bridge is asked for nothing."""
    made = rows(sitting())
    assert missed(made) == []
    assert asked_of(made) == len(TARGETS) - 1, "of ten calls the CPU is only told"


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ({"response_p50_ms": 809.0}, "response added p50, ms: expected at most 8, got 9"),
        ({"schedule_p99_ms": 37.06}, "schedule p99, ms: expected at most 5, got 37.1"),
        ({"holes": 1}, "holes, % of the turns: expected at most 0, got 4.0"),
        ({"bytes_lost": 34_720}, "bytes lost: expected at most 0, got 34,720"),
        ({"turns_lost": 2}, "turns lost: expected at most 0, got 2"),
        ({"caller_xlen_p95": 4}, "XLEN of caller p95: expected at most 3, got 4"),
    ],
)
def test_what_is_missed_is_named_with_what_was_asked(own: dict[str, object], named: str) -> None:
    """In the command's last words and in the table's page."""
    made = rows(sitting(**own))
    assert missed(made) == [f"10 calls: {named}"]
    assert f"- 10 calls: {named}" in to_markdown(made, {}, {}, missed(made))


def test_what_cannot_be_told_is_neither_reached_nor_missed() -> None:
    """Nor is a number of calls for which nothing is asked."""
    made = rows(sitting(bytes_lost=None, schedule_p99_ms=None))
    assert missed(made) == []
    assert asked_of(made) == len(TARGETS) - 3
    assert asked_of(rows([figures(**GOOD, calls=50)])) == 0


def test_the_cpu_of_a_hundred_calls_is_held_against_the_leanest() -> None:
    """As a ratio of one run."""
    lean = figures("leanest", calls=100, cpu_ms={"leanest": 2.0}, response_p50_ms=800.0)
    own = figures(calls=100, cpu_ms={"brain": 8.4})
    assert missed(rows([lean, own])) == [
        "100 calls: CPU × the leanest bridge: expected at most 3.5, got 4.20"
    ]
