"""How long a thing must be wrong: in a row, on the observer's clock, before something is done about it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from ingress.janitor.patience import Patience

GAP_MS = 15_000.0


@dataclass(frozen=True)
class Stain:
    """Something wrong."""

    name: str = "a"
    after_s: float = 10.0


def test_what_stands_long_enough_is_told_once_and_again_after_its_whole_time() -> None:
    """A deed that did not help is not repeated at once."""
    patience: Patience[Stain] = Patience(GAP_MS)
    told = [bool(patience.look([Stain()], at * 5_000.0)) for at in range(6)]
    assert told == [False, False, True, False, True, False]


def test_what_was_right_for_a_moment_begins_again() -> None:
    """Two halves are no whole."""
    patience: Patience[Stain] = Patience(GAP_MS)
    patience.look([Stain()], 0)
    patience.look([], 5_000)
    assert patience.look([Stain()], 10_000) == []
    assert patience.waiting == 1


def test_after_a_gap_nothing_that_was_seen_counts() -> None:
    """Nobody knows what was in between; nor after the lane was another's."""
    patience: Patience[Stain] = Patience(GAP_MS)
    patience.look([Stain()], 0)
    assert patience.look([Stain()], GAP_MS + 1) == []
    patience.forget()
    assert patience.look([Stain()], GAP_MS + 10_001) == []


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 20_000)), max_size=40))
def test_nothing_is_told_that_was_not_seen_in_a_row_for_its_whole_time(looks: list[tuple[bool, int]]) -> None:
    """Whatever comes and goes, and however far the looks are apart."""
    patience: Patience[Stain] = Patience(GAP_MS)
    now, since = 0.0, None
    for is_wrong, passed_ms in looks:
        now += passed_ms
        if passed_ms > GAP_MS or not is_wrong:
            since = None
        if is_wrong and since is None:
            since = now
        ripe = patience.look([Stain()] if is_wrong else [], now)
        if ripe:
            assert since is not None
            assert now - since >= 10_000
            since = now
