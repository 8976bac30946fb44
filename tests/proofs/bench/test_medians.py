"""Figures of several runs as one."""

from __future__ import annotations

from proofs.bench.medians import fat_yardsticks, rows
from tests.proofs.bench.samples import figures


def test_a_row_has_the_medians_of_its_runs() -> None:
    """Of processes too; one that cannot be told stays so."""
    runs = [
        figures(run=run, holes=holes, cpu_ms={"brain": cost, "egress": 1.0}, bytes_lost=None)
        for run, holes, cost in ((1, 4, 2.0), (2, 0, 9.0), (3, 1, 3.0))
    ]
    (row,) = rows(runs)
    assert (row.system, row.calls, row.runs) == ("trunkline", 10, 3)
    assert (row.numbers["holes"], row.numbers["cpu_call_second_ms"]) == (1, 4.0)
    assert row.numbers["bytes_lost"] is None
    assert row.cpu_ms == {"brain": 3.0, "egress": 1.0}


def test_what_is_added_is_told_run_by_run() -> None:
    """Against the leanest bridge of the same run, not of the whole sitting."""
    runs = [
        figures("leanest", run=1, response_p50_ms=800.0, response_p99_ms=900.0, cpu_ms={"leanest": 2.0}),
        figures("trunkline", run=1, response_p50_ms=820.0, response_p99_ms=950.0, cpu_ms={"brain": 6.0}),
        figures("trunkline", run=2, response_p50_ms=930.0, response_p99_ms=990.0, cpu_ms={"brain": 8.0}),
        figures("leanest", run=2, response_p50_ms=900.0, response_p99_ms=980.0, cpu_ms={"leanest": 4.0}),
    ]
    lean, own = rows(runs)
    assert (lean.added_p50_ms, lean.added_p99_ms, lean.cpu_ratio) == (0.0, 0.0, 1.0)
    assert (own.added_p50_ms, own.added_p99_ms, own.cpu_ratio) == (25.0, 30.0, 2.5)


def test_without_the_leanest_bridge_nothing_is_added() -> None:
    """Nor where one of the two had no answers; another load's yardstick is none."""
    runs = [figures(response_p50_ms=800.0), figures("leanest", calls=30, response_p50_ms=1.0)]
    assert (rows(runs)[0].added_p50_ms, rows(runs)[0].cpu_ratio) == (None, None)
    runs = [figures("leanest"), figures(response_p50_ms=800.0)]
    assert rows(runs)[1].added_p50_ms is None


def test_a_yardstick_that_is_not_lean_is_named() -> None:
    """At 0.8 of the sample's cost it still is; without one of the two nothing is said."""
    sample, lean = figures("sample", cpu_ms={"s": 10.0}), figures("leanest", cpu_ms={"l": 8.0})
    fat = figures("leanest", cpu_ms={"l": 8.1})
    assert fat_yardsticks(rows([sample, lean])) == []
    assert fat_yardsticks(rows([lean])) == fat_yardsticks(rows([sample])) == []
    (sentence,) = fat_yardsticks(rows([sample, fat]))
    assert "10 calls: expected" in sentence
    assert "got 0.81" in sentence
