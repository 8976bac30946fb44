"""What waits for somebody: when that is a finding, and which."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.doctor.findings import Level
from console.doctor.takeovers import OVERDUE_MS, WAITS_MS, WaitingFacts, judge

QUIET = WaitingFacts(
    lane=0, janitor="ingress-0@h#1", orphans=0, orphan_waits_ms=0, new_waits_ms=0, overdue_ms=0
)


def test_nothing_waits() -> None:
    """One line says so; what was claimed in time is no finding."""
    busy = replace(QUIET, lane=1, orphans=3, orphan_waits_ms=WAITS_MS, new_waits_ms=WAITS_MS)
    (found,) = judge([QUIET, busy], has_ingress=True)
    assert found.level is Level.OK


@pytest.mark.parametrize(
    ("changes", "what", "level"),
    [
        ({"new_waits_ms": WAITS_MS + 1}, "new calls", Level.FAIL),
        ({"orphans": 2, "orphan_waits_ms": 61_000}, "take-overs", Level.FAIL),
        ({"overdue_ms": OVERDUE_MS + 1}, "ends", Level.FAIL),
        ({"janitor": ""}, "janitor", Level.WARN),
    ],
)
def test_what_waits_for_too_long_is_named_with_its_lane(
    changes: dict[str, object], what: str, level: Level
) -> None:
    """And with what to do."""
    waiting = replace(QUIET, lane=5, **changes)  # type: ignore[arg-type]
    (found,) = judge([QUIET, waiting], has_ingress=True)
    assert (found.what, found.level) == (what, level)
    assert "lane 5" in found.found
    assert found.do


def test_without_an_ingress_nobody_is_missed_who_would_be_one() -> None:
    """That there is none is a finding of its own (workers)."""
    (found,) = judge([replace(QUIET, janitor="", overdue_ms=10**6)], has_ingress=False)
    assert found.level is Level.OK
