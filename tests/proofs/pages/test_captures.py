"""Screens between the markers of a page."""

from __future__ import annotations

import pytest

from proofs.pages.captures import captured, put

PAGE = "# Top\n\n<!-- top:begin -->\n```\nold\n```\n<!-- top:end -->\n\nend\n"


def test_a_screen_takes_the_place_of_the_old_one() -> None:
    """Without the blanks that a terminal has behind its lines; the rest of the page stays."""
    page = put(PAGE, "top", "one   \n\n  two \n   \n\n")

    assert captured(page, "top") == "one\n\n  two"
    assert page.startswith("# Top\n\n<!-- top:begin -->\n```\none")
    assert page.endswith("\n```\n<!-- top:end -->\n\nend\n")
    assert put(page, "top", "old") == PAGE


def test_a_page_without_the_markers_is_refused() -> None:
    """By name, for writing and for reading."""
    with pytest.raises(ValueError, match="doctor:begin"):
        put(PAGE, "doctor", "x")
    with pytest.raises(ValueError, match="expected a capture doctor in the page"):
        captured(PAGE, "doctor")
