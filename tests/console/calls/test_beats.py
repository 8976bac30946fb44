"""How long a worker has been silent, whatever the clocks of hosts say."""

from __future__ import annotations

from console.calls.beats import BeatSeen, BeatWatch


def test_the_first_look_goes_by_wall_clocks() -> None:
    """There is nothing else to go by."""
    assert BeatWatch().look(1_000, {"a": BeatSeen(7, 400)}) == {"a": 400}


def test_a_beat_that_changes_is_a_worker_that_lives() -> None:
    """However far behind its host's clock is."""
    watch = BeatWatch()
    watch.look(1_000, {"a": BeatSeen(7, 60_000)})
    assert watch.look(1_800, {"a": BeatSeen(8, 60_000)}) == {"a": 800}


def test_a_beat_that_stands_still_grows_old_by_our_clock() -> None:
    """However far ahead its host's clock is."""
    watch = BeatWatch()
    assert watch.look(1_000, {"a": BeatSeen(7, 0)}) == {"a": 0}
    assert watch.look(3_000, {"a": BeatSeen(7, 0)}) == {"a": 2_000}
    assert watch.look(5_000, {"a": BeatSeen(7, 0)}) == {"a": 4_000}


def test_a_look_that_was_missed_makes_nobody_older() -> None:
    """Redis was away: nobody could write."""
    watch = BeatWatch()
    watch.look(1_000, {"a": BeatSeen(7, 300)})
    watch.missed()
    assert watch.look(21_000, {"a": BeatSeen(7, 20_300)}) == {"a": 300}
    assert watch.look(22_000, {"a": BeatSeen(7, 21_300)}) == {"a": 1_300}


def test_a_worker_that_comes_later_is_judged_from_then_on() -> None:
    """And one that went is forgotten."""
    watch = BeatWatch()
    watch.look(1_000, {"a": BeatSeen(7, 300)})
    assert watch.look(2_000, {"b": BeatSeen(1, 100)}) == {"b": 100}
    assert watch.look(3_000, {"a": BeatSeen(7, 2_300), "b": BeatSeen(1, 1_100)}) == {"a": 2_300, "b": 1_100}
