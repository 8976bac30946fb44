"""Two observers and their neighbours over a Redis that fails in every way, on virtual time.

Each is a process as it runs: it beats every 500 ms by a queue that is sent again after an outage, looks every
250 ms, and stands still while it is stopped. All beats stand on one server, or, as in a Cluster, those of the
observers on one and all others on another. Held: nobody who ran is judged dead; whoever is dead for certain
is found within two seconds and a poll in which nothing was wrong; in a Cluster one more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.ownership import liveness
from shared.ownership.liveness import BACK_MS, DEAD_AFTER_MS, POLL_MS, Back, Died, Liveness
from shared.process.awake import AwakeClock

STEP_MS = 50
BEAT_MS = 500
RECONNECT_MOST_MS = 1_000
"""How long an outbox may rest between two attempts (shared/store/reach/keeper.py)."""

OTHER_BACK_MOST_MS = 2_700
"""How long it may take until it writes to the server that has taken over (test_liveness.py)."""

WORKERS = 4
OBSERVERS = 2


@dataclass(slots=True)
class Look:
    """A question to Redis, and what it said: that is as old as the answer, whenever it is read."""

    asked_ms: int
    due_ms: int
    answer: dict[str, int] | None = None
    unheard: frozenset[str] = frozenset()


@dataclass(slots=True)
class Worker:
    """A process: its timers fire late when it was stopped, as a loop's do."""

    name: str
    beat_due_ms: int
    look_due_ms: int
    is_killed: bool = False
    stopped_until_ms: int = 0
    number: int = 0
    unsent: int | None = None
    """The newest beat that Redis has not taken."""
    sends_from_ms: int = 0
    """Its outbox is between two attempts until then."""
    latency_ms: int = 0
    look: Look | None = None
    """The one that is under way."""
    last_ran_ms: int = 0
    stood_still_ms: int = -100_000
    """The end of its last stop."""


class Failing(RuleBasedStateMachine):
    """Redis: `beats` as it holds them. The faults end by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.workers: list[Worker] = []

    @initialize(
        offsets=st.lists(st.integers(0, 9), min_size=WORKERS, max_size=WORKERS), is_apart=st.booleans()
    )
    def begin(self, offsets: list[int], is_apart: bool) -> None:
        self.now_ms = 0
        self.is_apart = is_apart
        self.beats: dict[str, int] = {}
        self.frozen_until_ms = self.refuses_until_ms = self.slow_until_ms = 0
        self.down_until_ms = 0
        self.slow_ms = 0
        self.backoffs = [0] * WORKERS
        self.other_down_until_ms = self.other_refuses_until_ms = 0
        self.other_backoffs = [0] * WORKERS
        self.workers = [
            Worker(f"brain-{number}@h#a", offset * STEP_MS, (offset * 7 % 5) * STEP_MS)
            for number, offset in enumerate(offsets)
        ]
        self.observers = self.workers[:OBSERVERS]
        self.clocks = [self.clock() for _ in self.observers]
        self.own: list[int | None] = [None] * OBSERVERS
        self.liveness = [Liveness() for _ in self.observers]
        self.found: list[dict[str, int]] = [{} for _ in self.observers]
        """Whom each observer holds for dead, and since when."""
        self.wrong: list[str] = []
        self.pass_time(2_000)

    # Faults.

    @rule(ms=st.integers(1, 120).map(lambda n: n * STEP_MS))
    def nothing_happens(self, ms: int) -> None:
        self.pass_time(ms)

    @rule(ms=st.integers(1, 120).map(lambda n: n * STEP_MS))
    def redis_freezes(self, ms: int) -> None:
        self.frozen_until_ms = self.now_ms + ms
        self.pass_time(ms)

    @rule(ms=st.integers(1, 120).map(lambda n: n * STEP_MS))
    def redis_is_full_or_read_only(self, ms: int) -> None:
        self.refuses_until_ms = self.now_ms + ms
        self.pass_time(ms)

    @rule(
        ms=st.integers(1, 120).map(lambda n: n * STEP_MS),
        backoffs=st.lists(st.integers(1, RECONNECT_MOST_MS // STEP_MS), min_size=WORKERS, max_size=WORKERS),
    )
    def redis_restarts(self, ms: int, backoffs: list[int]) -> None:
        """Each comes back after a pause of its own, which grows with the outage."""
        self.down_until_ms = self.now_ms + ms
        self.backoffs = [min(each * STEP_MS, ms) for each in backoffs]
        self.pass_time(ms)

    @rule(
        times=st.integers(2, 4), pause_ms=st.sampled_from([600, 900]), down_ms=st.sampled_from([1_200, 2_000])
    )
    def redis_comes_and_goes(self, times: int, pause_ms: int, down_ms: int) -> None:
        """The observers are the first to come back, everybody else the last, each time."""
        for _ in range(times):
            late = [STEP_MS] * OBSERVERS + [RECONNECT_MOST_MS] * (WORKERS - OBSERVERS)
            self.backoffs = late
            self.down_until_ms = self.now_ms + down_ms
            self.pass_time(down_ms + pause_ms)

    @precondition(lambda self: self.is_apart)
    @rule(
        ms=st.integers(1, 120).map(lambda n: n * STEP_MS),
        backoffs=st.lists(st.integers(1, OTHER_BACK_MOST_MS // STEP_MS), min_size=WORKERS, max_size=WORKERS),
    )
    def the_other_server_is_taken_over(self, ms: int, backoffs: list[int]) -> None:
        """Observers read from its successor at once; a writer may have been in the middle of an attempt."""
        self.other_down_until_ms = self.now_ms + ms
        self.other_backoffs = [min(each * STEP_MS, ms) for each in backoffs]
        self.pass_time(ms)

    @precondition(lambda self: self.is_apart)
    @rule(ms=st.sampled_from([2_000, 4_000]))
    def the_other_server_is_found_late(self, ms: int) -> None:
        """By all who write to it; nothing else happens meanwhile."""
        self.other_down_until_ms = self.now_ms + ms
        self.other_backoffs = [OTHER_BACK_MOST_MS] * WORKERS
        self.pass_time(ms + OTHER_BACK_MOST_MS + BEAT_MS)

    @precondition(lambda self: self.is_apart)
    @rule(ms=st.integers(1, 120).map(lambda n: n * STEP_MS))
    def the_other_server_refuses_writes(self, ms: int) -> None:
        self.other_refuses_until_ms = self.now_ms + ms
        self.pass_time(ms)

    @rule(ms=st.integers(1, 120).map(lambda n: n * STEP_MS), slow_ms=st.sampled_from([50, 200, 400, 800]))
    def redis_is_slow(self, ms: int, slow_ms: int) -> None:
        self.slow_until_ms, self.slow_ms = self.now_ms + ms, slow_ms
        self.pass_time(ms)

    @rule(who=st.integers(0, WORKERS - 1), ms=st.integers(1, 200).map(lambda n: n * STEP_MS))
    def a_process_is_stopped(self, who: int, ms: int) -> None:
        worker = self.workers[who]
        worker.stopped_until_ms = self.now_ms + ms
        self.pass_time(ms)

    @rule(who=st.integers(OBSERVERS, WORKERS - 1))
    def a_worker_is_killed(self, who: int) -> None:
        self.workers[who].is_killed = True

    # What must hold.

    @invariant()
    def nobody_who_runs_is_dead(self) -> None:
        assert not self.wrong, self.wrong[0]

    def teardown(self) -> None:
        for worker in self.workers[OBSERVERS:]:
            worker.is_killed = True
        if not self.workers:
            return  # A failure of the machine itself.
        # Its last beat may be under way; then all of the silence has to be seen, and one look.
        self.pass_time(RECONNECT_MOST_MS + BEAT_MS)
        more_ms = BACK_MS + POLL_MS if self.is_apart else 0.0
        self.pass_time(round(DEAD_AFTER_MS + POLL_MS + more_ms) + STEP_MS)
        for number, observer in enumerate(self.workers[:OBSERVERS]):
            missing = {each.name for each in self.workers[OBSERVERS:]} - set(self.found[number])
            assert not missing, f"{observer.name} does not know that {missing} are dead"

    # The world.

    def clock(self) -> AwakeClock:
        """An observer's."""
        return AwakeClock(0.0)

    def pass_time(self, ms: int) -> None:
        for _ in range(ms // STEP_MS):
            self.now_ms += STEP_MS
            for observer in self.workers[:OBSERVERS]:
                look = observer.look
                if look is None or look.answer is not None:
                    continue
                if self.answers and self.now_ms >= look.due_ms:
                    look.answer, look.unheard = self.answer()
            for number, worker in enumerate(self.workers):
                if worker.is_killed or self.now_ms < worker.stopped_until_ms:
                    continue
                self.run(number, worker)

    @property
    def takes(self) -> bool:
        return self.now_ms >= max(self.frozen_until_ms, self.refuses_until_ms, self.down_until_ms)

    @property
    def answers(self) -> bool:
        return self.now_ms >= max(self.frozen_until_ms, self.down_until_ms)

    @property
    def unheard(self) -> frozenset[str]:
        """Whose beats could not be written just now, though ours could."""
        until_ms = max(self.refuses_until_ms, self.other_down_until_ms, self.other_refuses_until_ms)
        if not self.is_apart or self.now_ms >= until_ms:
            return frozenset()
        return frozenset(each.name for each in self.workers[OBSERVERS:])

    def answer(self) -> tuple[dict[str, int], frozenset[str]]:
        """What both servers say, as far as they answer."""
        unheard = self.unheard
        is_read = self.now_ms >= self.other_down_until_ms
        return {name: beat for name, beat in self.beats.items() if is_read or name not in unheard}, unheard

    def run(self, number: int, worker: Worker) -> None:
        if self.now_ms - worker.last_ran_ms > STEP_MS:
            worker.stood_still_ms = self.now_ms
        worker.last_ran_ms = self.now_ms
        if self.now_ms >= worker.beat_due_ms:
            worker.number += 1
            worker.unsent = worker.number
            worker.beat_due_ms = self.now_ms + BEAT_MS
        self.send(number, worker)
        if number < OBSERVERS:
            self.clocks[number].tick(float(self.now_ms))
            self.observe(number, worker)

    def send(self, number: int, worker: Worker) -> None:
        if self.now_ms < self.down_until_ms:
            worker.sends_from_ms = self.down_until_ms + self.backoffs[number]
        if number >= OBSERVERS and self.now_ms < self.other_down_until_ms:
            worker.sends_from_ms = self.other_down_until_ms + self.other_backoffs[number]
        if number >= OBSERVERS and self.now_ms < self.other_refuses_until_ms:
            return
        late_ms = self.slow_ms if self.now_ms < self.slow_until_ms else 0
        if worker.unsent is None or not self.takes or self.now_ms < worker.sends_from_ms:
            return
        if self.now_ms < worker.beat_due_ms - BEAT_MS + late_ms:
            return  # On its way.
        self.beats[worker.name], worker.unsent = worker.unsent, None

    def observe(self, number: int, worker: Worker) -> None:
        """One look at a time; it fails after a second, or at once when there is no Redis."""
        look = worker.look
        if look is None:
            if self.now_ms >= worker.look_due_ms:
                late_ms = self.slow_ms if self.now_ms < self.slow_until_ms else 0
                worker.look = Look(self.now_ms, self.now_ms + late_ms)
            return
        if look.answer is not None:
            self.judge(number, worker, look.answer, look.unheard)
        elif self.now_ms < self.down_until_ms or self.now_ms - look.asked_ms >= 1_000:
            self.liveness[number].missed(unheard=self.unheard)
        else:
            return
        worker.look, worker.look_due_ms = None, look.asked_ms + round(POLL_MS)

    def judge(self, number: int, worker: Worker, beats: dict[str, int], unheard: frozenset[str]) -> None:
        liveness, own = self.liveness[number], beats.get(worker.name)
        if own is None:
            liveness.missed()
            return
        wrote, self.own[number] = self.own[number] not in (None, own), own
        seen = {name: beat for name, beat in beats.items() if name != worker.name}
        awake_ms = self.clocks[number].at(float(self.now_ms))
        for change in liveness.look(seen, awake_ms, wrote=wrote, unheard=unheard):
            match change:
                case Died(name):
                    self.found[number][name] = self.now_ms
                    self.hold(name)
                case Back(name):
                    del self.found[number][name]

    def hold(self, name: str) -> None:
        """Who is killed, or stood still for so long, may be held for dead."""
        (worker,) = [each for each in self.workers if each.name == name]
        is_away = self.now_ms - worker.last_ran_ms >= DEAD_AFTER_MS - BEAT_MS - POLL_MS
        is_just_back = self.now_ms - worker.stood_still_ms <= POLL_MS + self.slow_ms
        if not worker.is_killed and not is_away and not is_just_back:
            self.wrong.append(f"{name} at {self.now_ms}")


TestFailing = Failing.TestCase


# Each guard is necessary: without it somebody who runs is judged dead.

FEW = settings(
    max_examples=300, stateful_step_count=30, phases=[Phase.generate], derandomize=True, database=None,
    deadline=None, suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


def without_a_proof(patch: pytest.MonkeyPatch) -> None:
    """Our own beat need not move."""
    look = Liveness.look
    patch.setattr(
        Liveness,
        "look",
        lambda self, seen, awake_ms, *, wrote, unheard: look(
            self, seen, awake_ms, wrote=True, unheard=unheard
        ),
    )


def without_its_own_server(patch: pytest.MonkeyPatch) -> None:
    """Our own beat proves everybody's, wherever it stands."""
    look = Liveness.look
    patch.setattr(
        Liveness,
        "look",
        lambda self, seen, awake_ms, *, wrote, unheard: look(self, seen, awake_ms, wrote=wrote),
    )


def without_time_to_come_back(patch: pytest.MonkeyPatch) -> None:
    """After an outage of its server a worker has two seconds, as after any."""
    patch.setattr(liveness, "BACK_MS", 0.0)


def without_a_second_chance(patch: pytest.MonkeyPatch) -> None:
    """Silence before an outage counts after it."""
    patch.setattr(Liveness, "_start_over", lambda self: None)


def with_looks_far_apart(patch: pytest.MonkeyPatch) -> None:
    """All time between two answers counts, on a clock that runs while the observer stands still."""
    patch.setattr(liveness, "GAP_POLLS", 10**6)
    patch.setattr(Failing, "clock", lambda self: AwakeClock(0.0, 1e9))


@pytest.mark.parametrize(
    "guard_off",
    [
        without_a_proof,
        without_a_second_chance,
        with_looks_far_apart,
        without_its_own_server,
        without_time_to_come_back,
    ],
)
def test_each_guard_is_necessary(guard_off: Callable[[pytest.MonkeyPatch], None]) -> None:
    """The machine finds the wrong death that it prevents."""
    with pytest.MonkeyPatch.context() as patch:
        guard_off(patch)
        with pytest.raises(AssertionError, match="at "):
            run_state_machine_as_test(Failing, settings=FEW)
