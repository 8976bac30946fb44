"""Who takes the sound of recorded calls: when that is a finding."""

from __future__ import annotations

import pytest

from console.doctor.findings import Level
from console.doctor.recordings import TapesFacts, judge

ONE, TWO = "recorder@h1", "recorder@h2"


def lane(waiting: int, *recorders: str) -> TapesFacts:
    return TapesFacts(waiting=waiting, recorders=recorders)


@pytest.mark.parametrize("lanes", [[], [lane(0)], [TapesFacts(waiting=3, recorders=None)]])
def test_where_nothing_is_recorded_nobody_is_missed(lanes: list[TapesFacts]) -> None:
    """Nor where an older user of Redis may not see who asks."""
    assert judge(lanes) == []


def test_calls_that_nobody_records_are_a_failure() -> None:
    """Redis fills, and sound is lost."""
    (found,) = judge([lane(0), lane(2), lane(1)])
    assert (found.what, found.level) == ("recordings", Level.FAIL)
    assert "3 under way, and no recorder takes them" in found.found
    assert "RECORDER_PROCESSES=1" in found.do


def test_a_recorder_that_asks_is_well() -> None:
    (found,) = judge([lane(2, ONE), lane(0, ONE)])
    assert (found.level, found.found) == (Level.OK, "recorder@h1 takes them, 2 under way")


def test_two_recorders_are_one_too_many() -> None:
    (found,) = judge([lane(2, ONE), lane(0, TWO)])
    assert (found.level, found.found) == (Level.WARN, "2 recorders share the calls: recorder@h1, recorder@h2")
