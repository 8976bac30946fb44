"""What is kept out of collections, and what collections are timed."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from shared.process.garbage import FULL, THRESHOLDS, GarbageWatch


@pytest.fixture
def watch() -> Iterator[GarbageWatch]:
    found = GarbageWatch()
    found.start()
    yield found
    found.stop()


def test_full_collections_are_timed_and_no_others(watch: GarbageWatch) -> None:
    """The small ones come often and cost nothing."""
    gc.collect(FULL - 1)
    assert watch.counters.full_ms.count == 0

    gc.collect()

    assert watch.counters.full_ms.count == 1
    assert watch.counters.full_ms.sum > 0


def test_a_watch_that_was_stopped_changes_nothing() -> None:
    """It has left the list of those who are told, and thresholds are what they were."""
    before = gc.get_threshold()
    watch = GarbageWatch()
    watch.start()
    assert gc.get_threshold() == THRESHOLDS != before
    watch.stop()

    gc.collect()

    assert watch.counters.full_ms.count == 0
    assert gc.get_threshold() == before


@pytest.mark.parametrize(
    ("live_calls", "is_ready", "has_aged", "collections"),
    [(0, True, True, 1), (1, True, True, 0), (0, False, True, 0), (0, True, False, 0)],
)
def test_who_serves_nobody_collects(
    watch: GarbageWatch, *, live_calls: int, is_ready: bool, has_aged: bool, collections: int
) -> None:
    """Once there is something that younger collections have left; and never while a call goes on, or while
    all that is imported would be looked at."""
    watch.counters.kept_objects = int(is_ready)
    gc.collect()
    if has_aged:
        gc.collect(FULL - 1)
    before = watch.counters.full_ms.count

    watch.tidy(live_calls)
    watch.tidy(live_calls)

    assert watch.counters.full_ms.count - before == collections


class Knot:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_there_is_looked_at_no_more_and_what_comes_later_is(watch: GarbageWatch) -> None:
    """It takes no collection: an ingress listens by then."""
    kept = Knot()
    try:
        watch.keep_for_good()

        assert watch.counters.full_ms.count == 0
        looked_at = {id(each) for each in gc.get_objects()}
        later = Knot()
        assert id(kept) not in looked_at
        assert watch.counters.kept_objects == gc.get_freeze_count() > 0
        assert id(later) in {id(each) for each in gc.get_objects()}
        del later
        assert gc.collect() >= 1
    finally:
        gc.unfreeze()
