"""Each guard switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.prove.chaos.evidence.finding import Finding
from proofs.prove.chaos.guards import GUARDS, UNANSWERED, Shown, main, row_of
from proofs.prove.roles import unguarded

FENCE = next(guard for guard in GUARDS if guard.name == "fence")


def found(promise: str, figure: float) -> Finding:
    """One figure, of which none is allowed."""
    return Finding(promise=promise, what="words heard twice", figure=figure, bound=0)


def test_each_guard_can_be_taken_away_and_has_a_row() -> None:
    """With few calls."""
    assert {guard.name for guard in GUARDS} == set(unguarded.GUARDS)
    for guard in GUARDS:
        if guard.row == UNANSWERED:
            continue
        assert row_of(guard).name == guard.row
        assert row_of(guard).calls <= 4


def test_a_guard_is_shown_by_a_row_that_is_kept_with_it_and_broken_without() -> None:
    """Both are asked."""
    shown = Shown(FENCE)
    shown.note([found("I1", 0)], "", is_off=False)
    assert not shown.is_shown
    shown.note([found("I1", 3)], "", is_off=True)
    assert shown.is_shown
    shown.note([found("I1", 3)], "", is_off=False)
    assert not shown.is_shown


def test_what_is_broken_by_something_else_shows_nothing() -> None:
    """Nor does a run that came to nothing."""
    shown = Shown(FENCE)
    shown.note([found("I7", 3)], "", is_off=True)
    shown.note([], "expected the step model speaks of a call, got none", is_off=True)
    assert not shown.is_necessary
    assert len(shown.broken_without) == 2


def test_an_unknown_guard_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """In words."""
    assert main(["nonsense"], 1, Path("/nowhere")) == 2
    assert "got nonsense" in capsys.readouterr().out
