"""The tables, on the screen and in the page."""

from __future__ import annotations

import pytest

from proofs.prove.hostile import table
from proofs.prove.hostile.attacks import ATTACKS, OTHER_ENDS
from tests.proofs.prove.hostile.test_judge import played

PAGE = "\n".join(f"<!-- {part}:begin -->\nold\n<!-- {part}:end -->" for part in (table.CALLS, table.KINDS))


def test_rows_fit_their_heads() -> None:
    """Every kind of attack has one, made or not."""
    calls, kinds = table.call_rows(played()), table.kind_rows({"idle": {"cut": 5, "held": 7}})
    assert {len(row) for row in calls} == {len(table.CALLS_HEAD)}
    assert {len(row) for row in kinds} == {len(table.KINDS_HEAD)}
    assert len(kinds) == len(ATTACKS) + len(OTHER_ENDS)
    assert kinds[0][2:] == ("12", "held × 7, cut × 5")
    assert len(table.shown("calls", table.CALLS_HEAD, calls).rows) == len(calls)


def test_the_page_gets_both_tables() -> None:
    """Between their markers; what stood there goes."""
    page = table.filled(PAGE, played(), "20 calls.")
    assert "old" not in page
    assert "| frames late, p99, ms | 2.0 | 11.0 | 10 more than alone |" in page
    assert "| idle |" in page


def test_a_page_without_markers_is_refused() -> None:
    """Nothing is lost by it."""
    with pytest.raises(ValueError, match="expected the markers"):
        table.filled("no markers", played(), "")


def test_the_page_that_is_written_has_the_markers() -> None:
    """docs/security.md."""
    page = table.PAGE.read_text("utf-8")
    assert table.filled(page, played(), "20 calls.") != page
