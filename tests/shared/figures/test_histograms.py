"""A histogram counts each value once, under the first bound that is not below it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.figures.histograms import LATENCY_MS, Histogram


@pytest.mark.parametrize(("value", "le"), [(0.0, "0.5"), (0.5, "0.5"), (0.6, "1.0"), (3001.0, "+Inf")])
def test_a_value_belongs_to_the_first_bound_not_below_it(value: float, le: str) -> None:
    """As Prometheus has it: a bound is inclusive."""
    found = Histogram(LATENCY_MS)

    found.observe(value)

    assert next(bound for bound, count in found.cumulative() if count) == le
    assert found.sum == value


@given(st.lists(st.floats(min_value=0, max_value=1e6), max_size=60))
def test_counts_add_up(values: list[float]) -> None:
    """Each bound counts what is at or below it, the last one everything."""
    found = Histogram(LATENCY_MS)

    for value in values:
        found.observe(value)

    rows = found.cumulative()
    assert rows[-1] == ("+Inf", len(values))
    assert found.count == len(values)
    assert [count for _, count in rows[:-1]] == [sum(v <= bound for v in values) for bound in LATENCY_MS]


@pytest.mark.parametrize("bounds", [(), (1.0, 1.0), (2.0, 1.0)])
def test_bounds_must_rise(bounds: tuple[float, ...]) -> None:
    """Others would count values in the wrong place for ever."""
    with pytest.raises(ValueError, match="bounds that rise"):
        Histogram(bounds)
