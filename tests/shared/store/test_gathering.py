"""How long entries wait for company: the rule's promises, and what it makes of loads from one call to 300."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio import FRAME_MS
from shared.store.gathering import (
    ENOUGH,
    GRAIN_MS,
    LATE_FROM_MS,
    LATE_FULL_MS,
    Batch,
    Gathering,
    enough_together,
    lateness,
    never_late,
)

BOUND_MS = 3.0
"""The default of TRUNKLINE_COMMIT_MS."""

SECONDS_MS = 4_000.0

Lag = float


@dataclass(slots=True)
class Commits:
    """What a load was made into."""

    waits_ms: list[float] = field(default_factory=list)
    """Of each entry."""
    sizes: list[int] = field(default_factory=list)
    """Entries of each commit."""
    at_ms: list[float] = field(default_factory=list)

    @property
    def mean_wait_ms(self) -> float:
        return sum(self.waits_ms) / len(self.waits_ms)

    @property
    def mean_size(self) -> float:
        return sum(self.sizes) / len(self.sizes)

    def since(self, at_ms: float) -> Commits:
        """Those from a moment on; waits of their entries."""
        first = next(n for n, when in enumerate(self.at_ms) if when >= at_ms)
        skipped = sum(self.sizes[:first])
        return Commits(self.waits_ms[skipped:], self.sizes[first:], self.at_ms[first:])


def simulate(arrivals: Iterable[float], *, lag_ms: Lag = 0.0, bound_ms: float = BOUND_MS) -> Commits:
    """Entries that come at these times, in order, and an outbox that asks at the end of each turn."""
    batch, commits = Batch(Gathering(bound_ms)), Commits()
    waiting: list[float] = []
    due_ms: float | None = None

    def commit(now: float) -> None:
        nonlocal due_ms
        commits.waits_ms += [now - came for came in waiting]
        commits.sizes.append(len(waiting))
        commits.at_ms.append(now)
        waiting.clear()
        batch.gone(now)
        due_ms = None

    for now in arrivals:
        if due_ms is not None and due_ms <= now:
            commit(due_ms)
        waiting.append(now)
        batch.add()
        if due_ms is None:
            wait_ms = batch.wait_ms(now, lag_ms)
            due_ms = now + wait_ms
            if wait_ms <= 0:
                commit(now)
    if waiting:
        assert due_ms is not None
        commit(due_ms)
    return commits


def poisson(calls: int, *, until_ms: float = SECONDS_MS, from_ms: float = 0.0, seed: int = 1) -> list[float]:
    """A frame of each call every 20 ms in the mean, in no order."""
    rng, now, times = random.Random(seed), from_ms, list[float]()
    while (now := now + rng.expovariate(calls / FRAME_MS)) < until_ms:
        times.append(now)
    return times


def periodic(calls: int, *, until_ms: float = SECONDS_MS, from_ms: float = 0.0, seed: int = 1) -> list[float]:
    """A frame of each call every 20 ms exactly, each call at a place of its own in them."""
    rng = random.Random(seed)
    offsets = [rng.uniform(0, FRAME_MS) for _ in range(calls)]
    rounds = int((until_ms - from_ms) / FRAME_MS)
    return sorted(from_ms + n * FRAME_MS + offset for n in range(rounds) for offset in offsets)


LOADS = pytest.mark.parametrize("arrivals", [poisson, periodic])


# The simulation over load. Calls of one process: half of those of a deployment with two of each role.


@LOADS
def test_one_call_never_waits(arrivals: type) -> None:
    """Its next frame is 20 ms away."""
    commits = simulate(arrivals(1))
    assert max(commits.waits_ms) == 0
    assert set(commits.sizes) == {1}


@LOADS
@pytest.mark.parametrize("calls", [2, 5])
def test_few_calls_hardly_wait(arrivals: type, calls: int) -> None:
    """Ten calls of two processes: waiting buys nothing."""
    assert simulate(arrivals(calls)).mean_wait_ms < 0.1


@LOADS
@pytest.mark.parametrize("calls", [50, 100, 200, 300])
def test_a_crowd_shares_commits(arrivals: type, calls: int) -> None:
    """Three entries a commit at least, for a millisecond at most; and no process commits more than a thousand
    times a second, whatever it carries."""
    commits = simulate(arrivals(calls)).since(500)
    assert commits.mean_size >= ENOUGH
    assert max(commits.waits_ms) <= GRAIN_MS + 1e-6
    assert len(commits.sizes) <= SECONDS_MS / GRAIN_MS


@LOADS
def test_the_cost_of_a_call_falls_as_calls_rise(arrivals: type) -> None:
    """Commits a call-second: from fifty, one for each frame, to a few."""
    loads = (1, 15, 50, 100, 200, 300)
    a_call = [len(simulate(arrivals(calls)).sizes) / calls for calls in loads]
    assert all(later <= earlier * 1.02 for earlier, later in pairwise(a_call))
    assert a_call[-1] < a_call[0] / 8


@LOADS
@pytest.mark.parametrize("calls", [15, 25, 50, 150])
def test_a_late_loop_gathers_more_and_its_neighbours_get_the_core(arrivals: type, calls: int) -> None:
    """In proportion to its lateness."""
    sizes = [
        simulate(arrivals(calls), lag_ms=lag).mean_size
        for lag in (0.0, (LATE_FROM_MS + LATE_FULL_MS) / 2, LATE_FULL_MS)
    ]
    assert sizes == sorted(sizes)
    assert sizes[2] > sizes[0]
    assert sizes[2] >= 0.8 * BOUND_MS * calls / FRAME_MS


@LOADS
def test_a_late_loop_does_not_wait_for_what_does_not_come(arrivals: type) -> None:
    """One call, two busy cores."""
    assert max(simulate(arrivals(1), lag_ms=100.0).waits_ms) <= BOUND_MS
    assert simulate(periodic(1), lag_ms=100.0).mean_wait_ms == 0


@pytest.mark.parametrize("calls", [50, 150, 300])
def test_when_load_falls_nothing_waits_at_once(calls: int) -> None:
    """From hundreds of calls to one: its first frame shows it."""
    after = [SECONDS_MS + FRAME_MS * n for n in range(1, 50)]
    commits = simulate([*poisson(calls), *after]).since(SECONDS_MS + 1)
    assert max(commits.waits_ms) == 0


def test_when_load_falls_by_halves_the_rule_follows_within_frames() -> None:
    """From 300 calls to 20: within some frames of each, what waits does so as it would have without them."""
    fallen = simulate([*poisson(300), *poisson(20, from_ms=SECONDS_MS, until_ms=2 * SECONDS_MS)])
    steady = simulate(poisson(20, until_ms=SECONDS_MS))
    assert fallen.since(SECONDS_MS + 2 * FRAME_MS).mean_wait_ms <= 1.1 * steady.mean_wait_ms + 0.05


def test_a_burst_of_one_turn_waits_for_nobody() -> None:
    """A tick that serves three calls every 20 ms: all are there, and no more come."""
    batch = Batch(Gathering(BOUND_MS))
    for tick in range(1, 100):
        for _ in range(3):
            batch.add()
        assert batch.wait_ms(tick * FRAME_MS, 0.0) == 0
        batch.gone(tick * FRAME_MS)


# Promises that hold for whatever comes.

gaps = st.lists(st.floats(0.0, 60.0), min_size=1, max_size=200)


@given(gaps, st.floats(0.0, 50.0), st.floats(0.0, 200.0))
def test_nothing_waits_longer_than_the_bound(between: list[float], bound_ms: float, lag_ms: Lag) -> None:
    """And each entry goes, once, in order."""
    now, times = 0.0, list[float]()
    for gap in between:
        now += gap
        times.append(now)
    commits = simulate(times, lag_ms=lag_ms, bound_ms=bound_ms)
    assert max(commits.waits_ms) <= bound_ms + 1e-6
    assert sum(commits.sizes) == len(times)
    assert commits.at_ms == sorted(commits.at_ms)


waits = st.floats(0.0, 100.0)


@given(st.floats(0.0, 50.0), st.floats(0.0, 50.0), waits, waits)
def test_a_wait_fits_into_what_is_given(bound_ms: float, gap_ms: float, age_ms: float, lag_ms: float) -> None:
    """Never below nothing, never beyond the bound, a whole number of the timers' grains; and nothing at all
    where nobody comes in time."""
    wait_ms = Gathering(bound_ms, gap_ms).wait_ms(age_ms=age_ms, lag_ms=lag_ms)
    assert 0 <= wait_ms <= max(0.0, bound_ms - age_ms)
    assert wait_ms % GRAIN_MS == 0
    if gap_ms > bound_ms - age_ms:
        assert wait_ms == 0


@given(st.floats(0.0, 50.0), st.floats(0.0, 50.0), waits, waits, waits, waits)
def test_lag_makes_it_wait_longer_and_age_shorter(
    bound_ms: float, gap_ms: float, age_ms: float, older_ms: float, lag_ms: float, later_ms: float
) -> None:
    """Never the other way about."""
    gathering = Gathering(bound_ms, gap_ms)
    (age_ms, older_ms), (lag_ms, later_ms) = sorted([age_ms, older_ms]), sorted([lag_ms, later_ms])
    assert gathering.wait_ms(age_ms=age_ms, lag_ms=lag_ms) <= gathering.wait_ms(
        age_ms=age_ms, lag_ms=later_ms
    )
    assert gathering.wait_ms(age_ms=older_ms, lag_ms=lag_ms) <= gathering.wait_ms(
        age_ms=age_ms, lag_ms=lag_ms
    )


@given(st.floats(0.0, 50.0), waits, waits, st.floats(0.0, 50.0), st.floats(0.0, 50.0))
def test_a_denser_crowd_waits_no_shorter(
    bound_ms: float, age_ms: float, lag_ms: float, gap_ms: float, wider_ms: float
) -> None:
    """So that more calls are never dearer, each, than fewer."""
    gap_ms, wider_ms = sorted([gap_ms, wider_ms])
    dense = Gathering(bound_ms, gap_ms).wait_ms(age_ms=age_ms, lag_ms=lag_ms)
    assert dense >= Gathering(bound_ms, wider_ms).wait_ms(age_ms=age_ms, lag_ms=lag_ms)


@given(gaps)
def test_without_a_bound_nothing_waits(between: list[float]) -> None:
    """TRUNKLINE_COMMIT_MS=0."""
    gathering, now = Gathering(0.0), 0.0
    for gap in between:
        now += gap
        gathering.came(now, 1)
        assert gathering.wait_ms(age_ms=0.0, lag_ms=100.0) == 0


@given(st.integers(1, 20), st.floats(0.0, 400.0), st.floats(0.0, 400.0))
def test_a_late_loop_sends_more_in_one_message(most: int, lag_ms: float, other_ms: float) -> None:
    """One while it keeps its time, all that is allowed when it is late; never fewer for more lag."""
    low, high = sorted([lag_ms, other_ms])
    assert enough_together(most, never_late()) == 1
    assert enough_together(most, LATE_FULL_MS) == most
    assert 1 <= enough_together(most, low) <= enough_together(most, high) <= most


def test_the_grain_of_a_timer_is_no_lag() -> None:
    """A loop that does nothing fires a millisecond late."""
    assert lateness(GRAIN_MS) == 0
    assert lateness(LATE_FULL_MS) == 1
