"""What is kept out of collections, and what collections are timed."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other C library gives back on demand")
def test_who_is_ready_gives_back_what_compiling_modules_left_free(tmp_path: Path) -> None:
    """In a process of its own, where no bytecode is kept: this one's heap has other things in it."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    held = subprocess.run(
        [sys.executable, "-c", _HELD], env=environment, capture_output=True, text=True, check=True
    )

    before_kib, after_kib = map(int, held.stdout.split())

    assert after_kib < before_kib - 2_048


_HELD = """
from pathlib import Path
import egress.role
from shared.process.garbage import GarbageWatch

def held_kib():
    text = Path("/proc/self/smaps_rollup").read_text("ascii")
    return next(line.split()[1] for line in text.splitlines() if line.startswith("Pss_Anon:"))

before = held_kib()
GarbageWatch().keep_for_good()
print(before, held_kib())
"""
