"""Marks under way: their names, their places, and what becomes of those that never come back."""

from __future__ import annotations

import pytest

from egress.heard.accounts import LedgerCounters, PlayedItem, PlayedResponse
from egress.heard.marks import (
    DOUBT_MS,
    MARK_DEADLINE_MS,
    Marks,
    SentMark,
    end_mark_due,
    mark_due,
    mark_name,
    read_mark,
)


def item(item_id: str = "a", received_ms: int = 1_000, plays_until_ms: float = 0.0) -> PlayedItem:
    return PlayedItem(item_id, PlayedResponse("r"), received_ms=received_ms, plays_until_ms=plays_until_ms)


def marks() -> Marks:
    return Marks(LedgerCounters())


def lost(of: Marks, now_ms: float) -> list[int]:
    """Positions of the marks that are given up at a moment."""
    return [mark.ms for mark in of.expire(now_ms)]


def test_an_item_may_have_dots_in_its_id() -> None:
    """The model names items; its mark comes back and is read."""
    name = mark_name(1, 0, "item.with.dots", 500)

    assert read_mark(name) == (1, 0, "item.with.dots", 500)


@pytest.mark.parametrize("name", ["", "hold-clip", "1.0.a", "x.0.a.500", "1.0.a.x"])
def test_a_mark_of_another_hand_is_not_ours(name: str) -> None:
    """Ingress marks its own clips."""
    assert read_mark(name) is None


def test_marks_stand_where_half_seconds_end() -> None:
    """Not beyond what was received, and not twice."""
    of = item(received_ms=500)

    places = [ms for ms in range(0, 1_020, 20) if mark_due(of, ms)]
    marks().add(of, 500, 0.0)

    assert places == [0, 500]
    assert not mark_due(of, 500)


def test_a_mark_stands_at_the_end_of_an_item() -> None:
    """Once its end is known, once, and not if it has no audio."""
    of, empty = item(received_ms=500), item(received_ms=0)

    before = end_mark_due(of)
    of.ended = empty.ended = True
    due = end_mark_due(of)
    marks().add(of, 500, 0.0)

    assert (before, due, end_mark_due(of), end_mark_due(empty)) == (False, True, False, False)


def test_a_mark_that_comes_back_takes_those_before_it_along() -> None:
    """Echoes come in order: what was passed over is lost."""
    of, first, second = marks(), item("a"), item("b", plays_until_ms=90.0)
    of.add(first, 100, 0.0)
    of.add(first, 140, 0.0)
    of.add(second, 20, 0.0)

    found = of.echoed(second, 20)

    assert found == SentMark(second, 20, 90.0, 90.0 + MARK_DEADLINE_MS)
    assert (of.counters.marks_sent, of.counters.marks_lost) == (3, 2)
    assert of.next_deadline_ms is None


def test_a_mark_that_was_given_up_is_not_found() -> None:
    """It comes back after its deadline; those that are under way stay."""
    of, first = marks(), item()
    of.add(first, 100, 0.0)
    assert lost(of, MARK_DEADLINE_MS) == [100]
    of.add(first, 200, 100.0)

    assert of.echoed(first, 100) is None
    assert of.next_deadline_ms == 100.0 + MARK_DEADLINE_MS
    assert of.counters.marks_lost == 1


def test_a_mark_is_due_when_what_stands_before_it_has_played() -> None:
    """Its deadline counts from there, from now on if that is past."""
    of, waits, out = marks(), item("a", plays_until_ms=500.0), item("b", plays_until_ms=90.0)
    of.add(waits, 100, 100.0)
    of.add(out, 100, 700.0)

    assert [of.overdue_ms(now) for now in (100.0, 500.0, 640.0)] == [0, 0, 140]
    assert lost(of, 500.0 + MARK_DEADLINE_MS - 1) == []
    assert lost(of, 500.0 + MARK_DEADLINE_MS) == [100]
    assert of.overdue_ms(700.0) == 0.0
    assert of.next_deadline_ms == 700.0 + MARK_DEADLINE_MS


def test_nothing_is_overdue_where_no_mark_is_under_way() -> None:
    """However late it is."""
    assert marks().overdue_ms(10_000.0) == 0.0


def test_a_lost_mark_inside_an_item_may_be_sent_again() -> None:
    """The item may turn out to end there; at a known end it is not asked for once more."""
    of, open_, ended = marks(), item("a"), item("b", received_ms=100)
    ended.ended = True
    of.add(open_, 100, 0.0)
    of.add(ended, 100, 0.0)

    ends = [(mark.is_end, mark.item.marked_ms) for mark in of.expire(MARK_DEADLINE_MS)]

    assert ends == [(False, -1), (True, 100)]


def test_a_rewind_forgets_the_marks_behind_it() -> None:
    """Of this item; what was marked there is marked again."""
    of, first, second = marks(), item("a"), item("b")
    of.add(first, 500, 0.0)
    of.add(first, 1_000, 0.0)
    of.add(second, 20, 0.0)

    of.rewind(first, 400)

    assert first.marked_ms == -1
    assert lost(of, MARK_DEADLINE_MS) == [20]


def test_a_rewind_behind_a_mark_keeps_it() -> None:
    """It may have gone down with the socket all the same, and is sent again; one that came back is not."""
    of, unanswered, answered = marks(), item("a"), item("b")
    of.add(unanswered, 100, 0.0)
    of.add(answered, 100, 0.0)
    answered.acknowledged_ms = 100

    of.rewind(unanswered, 140)
    of.rewind(answered, 100)

    assert (unanswered.marked_ms, answered.marked_ms) == (-1, 100)
    assert lost(of, MARK_DEADLINE_MS) == [100, 100]


def test_after_a_stop_marks_play_later_and_wait_again() -> None:
    """Those of the item that plays later; the whole deadline counts from when things move again."""
    of, moved, other = marks(), item("a", plays_until_ms=160.0), item("b", plays_until_ms=160.0)
    of.add(moved, 160, 0.0)
    of.add(other, 160, 0.0)

    of.play_later(moved, 1_000.0)
    of.wait_from(5_000.0)

    assert of.next_deadline_ms == 5_000.0 + MARK_DEADLINE_MS
    assert [of.echoed(each, 160) for each in (moved, other)] == [
        SentMark(moved, 160, 1_160.0, 5_000.0 + MARK_DEADLINE_MS),
        SentMark(other, 160, 160.0, 5_000.0 + MARK_DEADLINE_MS),
    ]


def test_marks_that_are_void_are_forgotten() -> None:
    """A flush, or a new leg: they are neither lost nor overdue."""
    of = marks()
    of.add(item(), 160, 0.0)

    of.clear()

    assert of.next_deadline_ms is None
    assert lost(of, 10_000.0) == []
    assert of.counters.marks_lost == 0


def test_a_deadline_that_is_further_off_stays() -> None:
    """A stop shortens no wait."""
    of, first = marks(), item(plays_until_ms=9_000.0)
    of.add(first, 160, 0.0)

    of.wait_from(5_000.0)

    assert of.next_deadline_ms == 9_000.0 + MARK_DEADLINE_MS


def test_marks_are_silent_half_a_second_behind_their_time() -> None:
    """To the millisecond; with a word of ingress behind that time, they are late for another reason."""
    of = marks()
    assert not of.are_silent(10_000.0, 0.0), "none is under way"
    of.add(item(plays_until_ms=1_000.0), 500, 900.0)
    assert not of.are_silent(1_000.0 + DOUBT_MS - 1, 0.0)
    assert of.are_silent(1_000.0 + DOUBT_MS, 0.0)
    assert not of.are_silent(1_000.0 + DOUBT_MS, 1_000.0)
    assert not of.are_silent(1_000.0 + DOUBT_MS, None)
