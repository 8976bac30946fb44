"""Two observers and their neighbours over a Redis that fails in every way, on virtual time.

Each is a process as it runs: it beats every 500 ms by a queue that is sent again after an outage, looks every
250 ms, and stands still while it is stopped. Held: nobody who ran is judged dead; whoever is dead for certain
is found within two seconds and a poll in which nothing was wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from shared.ownership import liveness
from shared.ownership.liveness import DEAD_AFTER_MS, POLL_MS, Back, Died, Liveness
from shared.process.awake import AwakeClock

STEP_MS = 50
BEAT_MS = 500
RECONNECT_MOST_MS = 1_000
"""How long an outbox may rest between two attempts (shared/store/reach/keeper.py)."""

WORKERS = 4
OBSERVERS = 2


@dataclass(slots=True)
class Look:
    """A question to Redis, and what it said: that is as old as the answer, whenever it is read."""

    asked_ms: int
    due_ms: int
    answer: dict[str, int] | None = None


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

    @initialize(offsets=st.lists(st.integers(0, 9), min_size=WORKERS, max_size=WORKERS))
    def begin(self, offsets: list[int]) -> None:
        self.now_ms = 0
        self.beats: dict[str, int] = {}
        self.frozen_until_ms = self.refuses_until_ms = self.slow_until_ms = 0
        self.down_until_ms = 0
        self.slow_ms = 0
        self.backoffs = [0] * WORKERS
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
        self.pass_time(round(DEAD_AFTER_MS + POLL_MS) + STEP_MS)
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
                if observer.look is not None and self.answers and self.now_ms >= observer.look.due_ms:
                    observer.look.answer = observer.look.answer or dict(self.beats)
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
            self.judge(number, worker, look.answer)
        elif self.now_ms < self.down_until_ms or self.now_ms - look.asked_ms >= 1_000:
            self.liveness[number].missed()
        else:
            return
        worker.look, worker.look_due_ms = None, look.asked_ms + round(POLL_MS)

    def judge(self, number: int, worker: Worker, beats: dict[str, int]) -> None:
        liveness, own = self.liveness[number], beats.get(worker.name)
        if own is None:
            liveness.missed()
            return
        wrote, self.own[number] = self.own[number] not in (None, own), own
        seen = {name: beat for name, beat in beats.items() if name != worker.name}
        for change in liveness.look(seen, self.clocks[number].at(float(self.now_ms)), wrote=wrote):
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
    deadline=None,
)  # fmt: skip


def without_a_proof(patch: pytest.MonkeyPatch) -> None:
    """Our own beat need not move."""
    look = Liveness.look
    patch.setattr(
        Liveness, "look", lambda self, seen, awake_ms, *, wrote: look(self, seen, awake_ms, wrote=True)
    )


def without_a_second_chance(patch: pytest.MonkeyPatch) -> None:
    """Silence before an outage counts after it."""
    patch.setattr(Liveness, "_start_over", lambda self: None)


def with_looks_far_apart(patch: pytest.MonkeyPatch) -> None:
    """All time between two answers counts, on a clock that runs while the observer stands still."""
    patch.setattr(liveness, "GAP_POLLS", 10**6)
    patch.setattr(Failing, "clock", lambda self: AwakeClock(0.0, 1e9))


@pytest.mark.parametrize("guard_off", [without_a_proof, without_a_second_chance, with_looks_far_apart])
def test_each_guard_is_necessary(guard_off: Callable[[pytest.MonkeyPatch], None]) -> None:
    """The machine finds the wrong death that it prevents."""
    with pytest.MonkeyPatch.context() as patch:
        guard_off(patch)
        with pytest.raises(AssertionError, match="at "):
            run_state_machine_as_test(Failing, settings=FEW)
