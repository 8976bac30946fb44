"""The result of rows."""

from __future__ import annotations

from dataclasses import replace

from proofs.prove import page_table
from proofs.prove.chaos.evidence.finding import Bounds, Finding
from proofs.prove.chaos.faults import Killed, Row, Step
from proofs.prove.chaos.table import (
    HEAD,
    PART,
    REDIS_PART,
    Result,
    filled,
    late_together,
    row_of,
    shown,
    together,
)

ROW = Row(
    name="killed-egress-model",
    text="egress killed, of two",
    fault=Killed("egress"),
    step=Step.MODEL,
    bounds=Bounds(silence_ms=300),
    calls=4,
)
TWICE = Finding(promise="I1", what="words heard twice", figure=40, bound=0, unit="ms", where="CA1")


def silence(figure: float) -> Finding:
    """By the fault, of one call."""
    return Finding(promise="I4", what="silence by the fault", figure=figure, bound=300, unit="ms")


def result(*findings: Finding, problem: str = "") -> Result:
    """A row with these figures."""
    return Result(row=ROW, findings=findings, calls=4, hit=2, problem=problem)


def test_a_row_says_each_figure_beside_its_bound() -> None:
    """And in words what was not kept."""
    kept = row_of(result(silence(-20), silence(120)))
    assert kept == (
        "killed-egress-model", "egress killed, of two", "model speaks", "4, 2", "120 / 300", "", "yes"
    )  # fmt: skip
    broken = row_of(result(silence(120), TWICE))
    assert broken[5] == "words heard twice 40 / 0 ms"
    assert broken[6] == "no: I1, words heard twice: 40 ms, allowed 0 ms (CA1)"
    assert row_of(replace(result(silence(0)), tries=2))[6] == "yes (played 2 times)"
    assert len(shown([result(silence(0))]).columns) == len(HEAD) - 1


def test_a_fault_that_did_not_begin_shows_nothing() -> None:
    """Whatever the figures are."""
    assert result(silence(0), problem="no step").broken == ["nothing is shown: no step"]


def test_rows_with_few_frames_are_judged_together() -> None:
    """Too few say nothing, also together; a row that has enough is judged by itself."""
    late = replace(result(), late_ms=[0.0] * 480 + [30.0] * 20)
    assert late_together([late]) is None
    assert together([late, late]) == ["I7, lateness of other calls' frames, p99: 30 ms, allowed 10 ms"]
    assert together([replace(result(), late_ms=[0.0] * 800), replace(result(), late_ms=[30.0] * 2_000)]) == []
    assert late_together([replace(result(), late_ms=[1.0] * 1_000)] * 2) is None


def test_kills_of_an_egress_are_judged_together() -> None:
    """95 of 100 are not heard at all; those of the only one are another matter."""
    good, bad = result(*[silence(0)] * 95), result(*[silence(200)] * 5)
    assert together([good, bad]) == []
    assert together([good, bad, bad]) == [
        "egress killed, one of two: 90% of the calls heard no silence, asked 95%"
    ]
    assert together([replace(bad, row=replace(ROW, only="egress"))]) == []
    assert together([bad, bad, bad]) == [], "of few calls one is more than a twentieth"


def test_the_page_gets_rows_and_their_count() -> None:
    """Between its markers; rows with a Redis of their own between theirs."""
    for part in (PART, REDIS_PART):
        markers = f"<!-- {part}:begin -->\n<!-- {part}:end -->"
        page = filled(markers, [result(silence(1)), result(TWICE)], part)
        assert "| killed-egress-model | egress killed, of two |" in page
        assert "1 of 2 kept." in page


def test_the_page_has_the_markers_of_both_tables() -> None:
    """Else what was shown could not be put there."""
    page = page_table.PAGE.read_text("utf-8")
    for part in (PART, REDIS_PART):
        assert "killed-egress-model" in filled(page, [result(silence(1))], part)
