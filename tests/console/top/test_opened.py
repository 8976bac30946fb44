"""The open call: what stands above its journal, and a line of that."""

from __future__ import annotations

from rich.cells import cell_len

from console.top.opened import FIGURES, head, journal_lines
from tests.support.top_samples import AT_MS, PROBLEM, call, crew, figures, journal_entry, unreadable_call


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
    figures_shown = head(call(0, pipeline=None), AT_MS, 80)[5:]
    assert [line.plain.split().count("–") for line in figures_shown] == [2] * (len(FIGURES) // 2)


def test_a_card_that_cannot_be_read_says_why() -> None:
    """Below the call's whole SID."""
    assert [line.plain.rstrip() for line in head(unreadable_call(5), AT_MS, 80)] == [f"CA{5:032x}", PROBLEM]


def test_what_is_wrong_stands_above_the_verdict() -> None:
    """And the verdict says whose fault it is, not what egress said when it lived."""
    shown = words(crew=crew(egress_0=27_000)).splitlines()
    assert shown[3].rstrip() == "egress-0 is gone: caller hears nothing"
    assert shown[4].startswith("verdict no egress")


def test_nothing_of_a_journal_is_lost_on_a_narrow_screen() -> None:
    """What does not fit goes on below, each line of the screen's width: time of day, kind, details."""
    entry = journal_entry(
        "response_created", "brain-1@box#a1", response="resp_WWtbZfAtbeX0000000005", by="brain",
        reason="greeting", token="b1-create-2", wish="0",
    )  # fmt: skip
    shown = [line.plain for line in journal_lines([entry, journal_entry("flush")], 80)]
    assert shown[0].startswith("22:13:20.000 response_created     brain-1")
    assert [cell_len(line) for line in shown] == [80] * len(shown)
    assert len(shown) == 3
    assert " ".join(" ".join(shown[:2]).split()).endswith("reason=greeting token=b1-create-2 wish=0")
    assert shown[2].startswith("22:13:20.000 flush ")


def test_a_word_that_is_longer_than_the_screen_is_divided() -> None:
    """A transcript without blanks, a stack of ids."""
    shown = [line.plain for line in journal_lines([journal_entry("flush", why="x" * 150)], 80)]
    assert "".join(shown).count("x") == 150
