"""A table in the page."""

from __future__ import annotations

import pytest

from proofs.prove.page_table import PAGE, filled

TEXT = "before\n<!-- x:begin -->\nold\n<!-- x:end -->\nafter\n"


def test_a_part_gets_its_table_and_the_rest_stays() -> None:
    """Whatever stood there; a pipe in a cell is no new cell."""
    page = filled(TEXT, "x", ("a", "b"), [("1", "2|3")], "1 of 1.")

    assert page == (
        "before\n<!-- x:begin -->\n| a | b |\n|---|---|\n| 1 | 2\\|3 |\n\n1 of 1.\n<!-- x:end -->\nafter\n"
    )


def test_a_page_without_the_markers_is_refused() -> None:
    """It is named."""
    with pytest.raises(ValueError, match=f"expected the markers .*y:begin.* in {PAGE.name}"):
        filled(TEXT, "y", ("a",), [], "")
