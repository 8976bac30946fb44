"""Stretches of time: their sum, and what lies in others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proofs.prove.listening.spans import Span, covered_ms, joined

SPANS = st.lists(
    st.tuples(st.integers(0, 200), st.integers(-20, 100)).map(lambda pair: Span(pair[0], sum(pair))),
    max_size=8,
)


def test_spans_that_touch_are_one() -> None:
    """In order; an empty one and a reversed one are none."""
    spans = [Span(50, 60), Span(0, 10), Span(10, 20), Span(30, 30), Span(45, 40)]
    assert joined(spans) == [Span(0, 20), Span(50, 60)]


def test_what_overlaps_counts_once() -> None:
    """And only what lies inside."""
    assert covered_ms(Span(10, 100), [Span(0, 30), Span(20, 40), Span(90, 200)]) == 40


@given(SPANS, SPANS)
def test_a_cover_is_never_more_than_there_is(spans: list[Span], others: list[Span]) -> None:
    """Each millisecond is counted at most once, whatever the spans."""
    for span in joined(spans):
        covered = covered_ms(span, others)
        each = {ms for other in others for ms in range(int(other.start_ms), int(other.end_ms))}
        assert covered == len(each & set(range(int(span.start_ms), int(span.end_ms))))
