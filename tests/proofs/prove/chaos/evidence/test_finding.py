"""A figure beside its bound."""

from __future__ import annotations

from proofs.prove.chaos.evidence.finding import Finding, share_within, worst


def finding(figure: float, bound: float = 10, what: str = "silence") -> Finding:
    """One of I4."""
    return Finding(promise="I4", what=what, figure=figure, bound=bound, unit="ms", where="CA1")


def test_what_is_above_its_bound_is_broken() -> None:
    """And says so in words; what reaches it is kept."""
    assert not finding(10).is_broken
    assert finding(11).is_broken
    assert finding(11).text == "I4, silence: 11 ms, allowed 10 ms (CA1)"


def test_the_worst_of_each_kind_is_that_furthest_above_its_own_bound() -> None:
    """Not the largest: bounds differ from call to call."""
    largest, worst_one, other = finding(90, 100), finding(60, 20), finding(1, what="end")
    assert worst([largest, worst_one, other]) == [worst_one, other]


def test_a_share_is_of_all_figures_of_one_kind() -> None:
    """None where there is none."""
    found = [finding(0), finding(1), finding(300), finding(0), finding(5_000, what="end")]
    assert share_within(found, "I4", "silence", most=1) == 0.75
    assert share_within(found, "I4", "other", most=1) is None
