"""Who counts as dead, by the clock of the test: looks at literal times, each with literal beats."""

from __future__ import annotations

import pytest

from shared.ownership.liveness import (
    DEAD_AFTER_MS,
    POLL_MS,
    Back,
    Counted,
    Died,
    How,
    Liveness,
    WorkerStanding,
    WorkerState,
)

A, B = "brain-1@h#a", "brain-2@h#b"


class Observer:
    """Looks four times a second; its own beat moves at every second look, as everybody's does."""

    def __init__(self) -> None:
        self.liveness = Liveness()
        self.awake_ms = 0.0
        self.looks = 0

    def look(
        self,
        seen: dict[str, int | None],
        *,
        after_ms: float = POLL_MS,
        wrote: bool | None = None,
    ) -> list[Died | Back]:
        self.awake_ms += after_ms
        self.looks += 1
        proof = self.looks % 2 == 0 if wrote is None else wrote
        return self.liveness.look(seen, self.awake_ms, wrote=proof)

    def beating(self, looks: int, *workers: str) -> None:
        """Everybody lives for so long."""
        for _ in range(looks):
            number = self.looks // 2
            assert self.look(dict.fromkeys(workers, number)) == []

    def state(self, worker: str) -> WorkerState:
        (found,) = [each.state for each in self.liveness.standings() if each.worker == worker]
        return found


def until_dead(observer: Observer, seen: dict[str, int | None], most_looks: int = 50) -> tuple[float, Died]:
    """How long it takes until somebody dies, ms."""
    began_ms = observer.awake_ms
    for _ in range(most_looks):
        for change in observer.look(seen):
            assert isinstance(change, Died)
            return observer.awake_ms - began_ms, change
    raise AssertionError("nobody died")


def test_a_beat_that_moves_is_life() -> None:
    """However long."""
    observer = Observer()
    observer.beating(1_000, A, B)
    assert observer.liveness.standings() == [
        WorkerStanding(A, WorkerState.BEATING, POLL_MS),
        WorkerStanding(B, WorkerState.BEATING, POLL_MS),
    ]


def test_a_beat_that_stands_still_is_death_after_two_seconds() -> None:
    """And a poll; told once; the sibling that beats is left alone."""
    observer = Observer()
    observer.beating(20, A)
    observer.look({A: 10})
    took_ms, died = until_dead(observer, {A: 10})
    assert died == Died(A, How.SILENT, took_ms)
    assert took_ms == DEAD_AFTER_MS + POLL_MS
    assert [observer.look({A: 10}) for _ in range(20)] == [[]] * 20
    assert observer.state(A) is WorkerState.SILENT


def test_who_was_dead_before_we_came_is_found_dead() -> None:
    """Its hash stays for an hour; nobody knows when it stopped."""
    observer = Observer()
    observer.beating(4)
    took_ms, died = until_dead(observer, {A: 7})
    assert (died.worker, died.how) == (A, How.SILENT)
    assert took_ms <= DEAD_AFTER_MS + 2 * POLL_MS


def test_a_dead_worker_whose_beat_moves_lives_again() -> None:
    """It was stopped, or cut off from Redis."""
    observer = Observer()
    observer.beating(20, A)
    _, died = until_dead(observer, {A: 10})
    assert observer.look({A: 11}) == [Back(A, died.silent_ms)]
    assert observer.state(A) is WorkerState.BEATING
    _, again = until_dead(observer, {A: 11})
    assert again.how is How.SILENT


def test_who_takes_its_keys_away_is_gone_and_not_dead() -> None:
    """A clean stop."""
    observer = Observer()
    observer.beating(20, A, B)
    for _ in range(40):
        assert observer.look({B: observer.looks}) == []
    assert [each.worker for each in observer.liveness.standings()] == [B]


def test_in_a_redis_that_was_emptied_absence_is_silence() -> None:
    """Everybody gets the whole time to show itself; who does not is dead, and told of once."""
    observer = Observer()
    observer.beating(20, A, B)
    observer.liveness.emptied()
    observer.liveness.missed()
    began_ms, found = observer.awake_ms, []
    for number in range(40):
        found += observer.look({B: number} if number > 1 else {})
    (died,) = found
    assert died == Died(A, How.SILENT, died.silent_ms)
    assert observer.awake_ms - began_ms > DEAD_AFTER_MS
    assert [each.worker for each in observer.liveness.standings()] == [B]


HINDRANCES = {
    "Redis does not answer": lambda observer: observer.liveness.missed(),
    "Redis refuses writes": lambda observer: observer.look({A: 10}, wrote=False),
    "looks are far apart": lambda observer: observer.look({A: 10}, after_ms=3 * POLL_MS + 1, wrote=True),
}


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_time_in_which_we_were_hindered_does_not_count(hindrance: str) -> None:
    """For whatever reason, for however long."""
    observer = Observer()
    observer.beating(20, A)
    for _ in range(100):
        observer.awake_ms += POLL_MS if hindrance == "Redis does not answer" else 0.0
        assert not HINDRANCES[hindrance](observer)
    assert observer.liveness.counted is not Counted.YES
    took_ms, _ = until_dead(observer, {A: 10})
    assert took_ms > DEAD_AFTER_MS, "after an outage everybody gets the whole time again"


def test_one_failed_look_makes_nobody_alive() -> None:
    """The time around it does not count; what counted before it stays."""
    observer = Observer()
    observer.beating(20, A)
    for _ in range(4):
        observer.look({A: 10})
    silent_ms = observer.liveness.silent_ms(A)
    assert silent_ms > 0
    observer.awake_ms += POLL_MS
    observer.liveness.missed()
    observer.look({A: 10}, wrote=True)
    assert observer.liveness.silent_ms(A) == silent_ms


def test_an_observer_that_was_stopped_condemns_nobody() -> None:
    """On its awake clock a stop of a minute is a step; others were not seen to beat meanwhile."""
    observer = Observer()
    observer.beating(20, A)
    for _ in range(5):
        observer.look({A: 10})
    assert observer.look({A: 10}, after_ms=POLL_MS + 150.0) == []
    assert observer.look({A: 200}) == []
    assert observer.state(A) is WorkerState.BEATING


def test_the_kernels_word_needs_no_silence() -> None:
    """Dead at once and for good, even if its last beat is read late; told once."""
    observer = Observer()
    observer.beating(20, A)
    assert observer.liveness.exited(A, has_keys=True) == Died(A, How.EXITED, POLL_MS)
    assert observer.liveness.exited(A, has_keys=True) is None
    assert observer.look({A: 99}) == []
    assert [observer.look({A: 99}) for _ in range(20)] == [[]] * 20
    assert observer.state(A) is WorkerState.EXITED
    observer.look({})
    assert observer.liveness.standings() == []


def test_who_ended_without_keys_has_left() -> None:
    """It took them away itself; but not if Redis has lost them."""
    observer = Observer()
    observer.beating(20, A, B)
    assert observer.liveness.exited(A, has_keys=False) is None
    observer.liveness.emptied()
    assert observer.liveness.exited(B, has_keys=False) == Died(B, How.EXITED, 0.0)
    assert observer.liveness.exited("brain-9@h#x", has_keys=True) is None


def test_an_exit_of_who_was_dead_is_not_told_again() -> None:
    """It was stopped, taken for dead, and then killed; it does not come back."""
    observer = Observer()
    observer.beating(20, A)
    until_dead(observer, {A: 10})
    assert observer.liveness.exited(A, has_keys=True) is None
    assert observer.state(A) is WorkerState.EXITED


def test_who_must_live_and_never_showed_a_beat_is_not_judged() -> None:
    """It waits for Redis; with its first beat it comes under the rule."""
    observer = Observer()
    observer.beating(4)
    assert [observer.look({A: None}) for _ in range(40)] == [[]] * 40
    observer.look({A: 1})
    _, died = until_dead(observer, {A: None})
    assert died.worker == A
