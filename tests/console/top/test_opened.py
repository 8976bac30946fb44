"""The open call: what stands above its journal, and a line of that."""

from __future__ import annotations

from rich.cells import cell_len

from console.top.opened import FIGURES, head, journal_line
from tests.support.top_samples import AT_MS, PROBLEM, call, figures, journal_entry, unreadable_call


def words(**changes: object) -> str:
    return "\n".join(line.plain for line in head(call(5, **changes), AT_MS, 80))


def test_who_has_it_and_how_it_stands() -> None:
    """Whole names, and who is missing."""
    shown = words(egress="", audible_response="resp_1")
    assert "attached  5:00  leg 1" in shown
    assert "ingress-0@box#a1   brain-1@box#b2   no egress" in shown
    assert "audible resp_1   caller audio waiting 60ms   dropped nothing" in shown


def test_every_figure_has_a_place_and_a_unit() -> None:
    """Two a line."""
    shown = words(pipeline=figures(lag_brain_ms=12.5, drops={"old_cut": 2}))
    assert all(each.words in shown for each in FIGURES)
    assert "12.5 ms" in shown
    assert "dropped old_cut 2" in shown


def test_without_a_window_all_figures_are_dashes() -> None:
    """None is 0."""
    figures_shown = head(call(5, pipeline=None), AT_MS, 80)[5:]
    assert [line.plain.split().count("–") for line in figures_shown] == [2] * (len(FIGURES) // 2)


def test_a_card_that_cannot_be_read_says_why() -> None:
    """Below the call's whole SID."""
    assert [line.plain.rstrip() for line in head(unreadable_call(5), AT_MS, 80)] == [f"CA{5:032x}", PROBLEM]


def test_a_line_of_the_journal_has_its_width() -> None:
    """Time of day, kind, details."""
    shown = journal_line(journal_entry("flush", "brain-0@box#a1", cause="x" * 99), 80).plain
    assert shown.startswith("22:13:20.000 flush ")
    assert "brain-0  cause=xxx" in shown
    assert cell_len(shown) == 80
