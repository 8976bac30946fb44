"""What is counted of the janitor's work."""

from __future__ import annotations

import pytest

from ingress.janitor.counters import DEEDS, JanitorCounters


def test_every_deed_has_its_zero_from_the_start() -> None:
    """One that was never declared is an error, not a new series."""
    counters = JanitorCounters()
    assert counters.deeds == dict.fromkeys(DEEDS, 0)
    with pytest.raises(KeyError):
        counters.deeds["nonsense"] += 1
