"""Moments in bodies."""

from __future__ import annotations

import pytest

from brain.webhooks.moments import LATEST_MS, iso


def test_a_moment() -> None:
    """With milliseconds, in UTC."""
    assert iso(1_767_607_200_120) == "2026-01-05T10:00:00.120+00:00"
    assert str(iso(LATEST_MS)).startswith("9999-12-31T23:59:59")


@pytest.mark.parametrize("ms", [0, -1, LATEST_MS + 1, None, "x", 1.5])
def test_what_no_clock_can_say_is_none(ms: object) -> None:
    """Whatever stands in a stream that is open to hands."""
    assert iso(ms) is None
