"""A hole in what was heard of the caller: who says nothing after it is asked, once; nobody else is."""

from __future__ import annotations

import pytest

from brain.caller.hole import ASK_AFTER_MS, HOLE_MS, STILL_BUSY_MS, Hole

NOW = 1_000.0


@pytest.fixture
def hole() -> Hole:
    hole = Hole()
    hole.seen(3_000.0, NOW)
    return hole


def test_a_caller_who_says_nothing_after_a_hole_is_asked_once(hole: Hole) -> None:
    assert not hole.due(NOW + ASK_AFTER_MS - 1, busy=False)
    assert hole.due(NOW + ASK_AFTER_MS, busy=False)
    assert not hole.due(NOW + 2 * ASK_AFTER_MS, busy=False)


def test_a_hole_in_which_no_word_fits_is_nothing() -> None:
    hole = Hole()
    hole.seen(HOLE_MS - 1, NOW)

    assert not hole.due(NOW + ASK_AFTER_MS, busy=False)


def test_who_is_spoken_to_meanwhile_does_not_wait(hole: Hole) -> None:
    """Also if it was only for a moment."""
    assert not hole.due(NOW + STILL_BUSY_MS + 1, busy=True)
    assert not hole.due(NOW + ASK_AFTER_MS, busy=False)


def test_who_was_spoken_to_before_the_hole_waits(hole: Hole) -> None:
    """That the last word of an answer was heard is told a moment after the stream has come back."""
    assert not hole.due(NOW + 100, busy=True)
    assert not hole.due(NOW + STILL_BUSY_MS, busy=True)
    assert not hole.due(NOW + ASK_AFTER_MS - 1, busy=False)
    assert hole.due(NOW + ASK_AFTER_MS, busy=False)


def test_who_speaks_is_answered_for_that(hole: Hole) -> None:
    hole.forget()

    assert not hole.due(NOW + ASK_AFTER_MS, busy=False)


def test_the_wait_begins_with_the_last_hole(hole: Hole) -> None:
    hole.seen(800.0, NOW + 1_000)

    assert not hole.due(NOW + ASK_AFTER_MS, busy=False)
    assert hole.due(NOW + 1_000 + ASK_AFTER_MS, busy=False)
    assert hole.length_ms == 800.0
