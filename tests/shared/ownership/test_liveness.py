"""Who counts as dead, by the clock of the test: looks at literal times, each with literal beats."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from shared.ownership.liveness import (
    BACK_MS,
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
from shared.store.reach.keeper import RECONNECT_MAX_S
from shared.store.reach.link import CONNECT_TIMEOUT_S
from shared.store.reach.servers import ASK_TIMEOUT_S, FRESH_MS

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
        unheard: Collection[str] = (),
    ) -> list[Died | Back]:
        self.awake_ms += after_ms
        self.looks += 1
        proof = self.looks % 2 == 0 if wrote is None else wrote
        return self.liveness.look(seen, self.awake_ms, wrote=proof, unheard=unheard)

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


def test_a_server_that_does_not_answer_is_no_silence_of_those_whose_beats_stand_there() -> None:
    """However long it is away, and our own beat moves on another one; who left is told from who is not
    heard."""
    observer = Observer()
    observer.beating(20, A, B)
    for number in range(100):
        assert observer.look({B: 100 + number}, unheard=[A]) == []
    assert observer.liveness.counted is Counted.YES
    assert observer.state(A) is WorkerState.BEATING
    assert observer.look({B: 200}) == []
    assert [each.worker for each in observer.liveness.standings()] == [B]


def test_a_beat_that_could_not_be_written_is_no_silence() -> None:
    """The server answers what is read and refuses writes."""
    observer = Observer()
    observer.beating(20, A, B)
    for number in range(100):
        assert observer.look({A: 10, B: 100 + number}, unheard=[A]) == []
    assert observer.look({A: 11, B: 300}, unheard=[A]) == []
    assert observer.liveness.silent_ms(A) == 0.0, "a beat that moves is life, whatever its server says"


def test_after_an_outage_of_its_server_a_worker_has_time_to_come_back() -> None:
    """The whole time, and as long as its own connection may take; who is dead is found all the same, once."""
    observer = Observer()
    observer.beating(20, A, B)
    for _ in range(4):
        observer.look({A: 10, B: observer.looks})
    for _ in range(8):
        observer.look({B: observer.looks}, unheard=[A])
    found: list[tuple[float, Died]] = []
    began_ms = observer.awake_ms
    for _ in range(30):
        changes = observer.look({A: 10, B: observer.looks})
        found += [(observer.awake_ms - began_ms, each) for each in changes if isinstance(each, Died)]
    ((took_ms, died),) = found
    assert (died.worker, died.how) == (A, How.SILENT)
    assert DEAD_AFTER_MS + BACK_MS < took_ms <= DEAD_AFTER_MS + BACK_MS + 2 * POLL_MS
    observer.look({A: 11, B: observer.looks})
    for _ in range(4):
        observer.look({A: 12, B: observer.looks})
    took_ms, _ = until_dead(observer, {A: 12})
    assert took_ms <= DEAD_AFTER_MS, "once it has shown itself it is as everybody"


def test_one_look_without_an_answer_of_its_server_makes_nobody_alive() -> None:
    """What counted before it stays."""
    observer = Observer()
    observer.beating(20, A, B)
    for _ in range(4):
        observer.look({A: 10, B: observer.looks})
    silent_ms = observer.liveness.silent_ms(A)
    assert silent_ms > 0
    observer.look({B: observer.looks}, unheard=[A])
    observer.look({A: 10, B: observer.looks})
    assert observer.liveness.silent_ms(A) == silent_ms
    observer.look({A: 10, B: observer.looks})
    assert observer.liveness.silent_ms(A) == silent_ms + POLL_MS


def test_where_our_own_server_is_away_others_that_are_too_have_the_same_time() -> None:
    """Nothing is looked at meanwhile; one that was heard all the time has no more than before."""
    observer = Observer()
    observer.beating(20, A, B)
    for _ in range(8):
        observer.awake_ms += POLL_MS
        observer.liveness.missed(unheard=[A])
    found: dict[str, float] = {}
    began_ms = observer.awake_ms
    for _ in range(30):
        for change in observer.look({A: 10, B: 10}):
            assert isinstance(change, Died)
            found[change.worker] = observer.awake_ms - began_ms
    assert found[B] <= DEAD_AFTER_MS + 2 * POLL_MS
    assert found[A] > DEAD_AFTER_MS + BACK_MS


def test_the_time_to_come_back_is_that_of_a_connection_at_worst() -> None:
    """It is at the server that is gone when another takes over, rests, asks who has the slot (one that is
    gone among those that it asks), and opens one."""
    worst_s = CONNECT_TIMEOUT_S + RECONNECT_MAX_S + ASK_TIMEOUT_S + FRESH_MS / 1000
    assert worst_s * 1000 <= DEAD_AFTER_MS + BACK_MS


def test_a_number_that_falls_is_an_older_copy_and_no_life() -> None:
    """A replica that was promoted lacks the last beat of one that is dead; one that lives goes on from it."""
    observer = Observer()
    observer.beating(20, A, B)
    for _ in range(4):
        observer.look({A: 10, B: 10})
    assert observer.look({A: 9, B: 9}) == []
    assert observer.liveness.silent_ms(A) == 4 * POLL_MS
    assert observer.look({A: 9, B: 10}) == []
    assert observer.liveness.silent_ms(B) == 0.0
    _, died = until_dead(observer, {A: 9, B: 11})
    assert died.worker == A


def test_a_beat_from_before_the_outage_of_its_server_takes_no_time_off() -> None:
    """It was written when the server was about to go, and is read when another has taken over."""
    observer = Observer()
    observer.beating(20, A, B)
    for _ in range(8):
        observer.look({B: observer.looks}, unheard=[A])
    began_ms = observer.awake_ms
    found = []
    for _ in range(30):
        found += [observer.awake_ms - began_ms for _ in observer.look({A: 10, B: observer.looks})]
    (took_ms,) = found
    assert took_ms > DEAD_AFTER_MS + BACK_MS
