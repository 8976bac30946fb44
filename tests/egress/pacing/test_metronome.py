"""The metronome: slots on absolute deadlines, one entry per ingress worker, silence without a timer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from unittest import mock

from egress.pacing import metronome as metronome_module
from egress.pacing.metronome import ROUND_MS, SLOT_MS, TICK_LATE_MS, Metronome, OutBatch, Ticking
from shared.clock import now_ms
from shared.contract.streams.pairs import Pair
from tests.support.waiting import HeldClock, held_clock, wait_until


@dataclass(eq=False)
class Ticked:
    """A call that sends a frame each tick, `left` times."""

    batch: OutBatch
    ingress: str = "ingress-0"
    left: int = 10
    due_ms: float | None = None
    slot: int = -1
    at: list[float] = field(default_factory=list)

    def tick(self, now_ms: float) -> bool:
        self.at.append(now_ms)
        self.batch.add(self.ingress, (b"frame", b"x"))
        self.left -= 1
        return self.left > 0

    def next_due_ms(self) -> float | None:
        return self.due_ms


@contextmanager
def held_time(clock: HeldClock) -> Iterator[Callable[[], float]]:
    """The metronome's own clock is the loop's, which is held; in ms."""

    def held_ms() -> float:
        return clock.time() * 1000

    with mock.patch.object(metronome_module, "now_ms", held_ms):
        yield held_ms


def no_bug(_call: Ticking, bug: Exception) -> None:
    raise bug


@dataclass
class Written:
    """What the batch sent."""

    entries: list[tuple[str, int, bool]] = field(default_factory=list)

    def write(self, ingress: str, pairs: list[Pair], urgent: bool) -> None:
        self.entries.append((ingress, len(pairs), urgent))


async def test_a_tick_is_one_entry_for_each_ingress_worker() -> None:
    """Three calls of one slot, two ingress workers: two entries a tick."""
    written = Written()
    batch = OutBatch(written.write)
    metronome = Metronome(batch, no_bug)
    now = now_ms()
    calls = [Ticked(batch, ingress, left=2, due_ms=now + 7) for ingress in ("a", "a", "b")]
    for call in calls:
        metronome.enter(call, now)

    await wait_until(lambda: all(call.left == 0 for call in calls), "all calls were served")

    assert sorted(written.entries) == [("a", 2, False), ("a", 2, False), ("b", 1, False), ("b", 1, False)]


async def test_ticks_of_a_call_lie_on_its_grid() -> None:
    """A call is served once a round, never before its deadline, whatever the lateness of one tick."""
    batch = OutBatch(Written().write)
    metronome = Metronome(batch, no_bug)
    call = Ticked(batch, left=8)
    metronome.enter(call, now_ms())

    await wait_until(lambda: call.left == 0, "the call was served eight times")

    slots = [int((at - call.at[0] + SLOT_MS) // ROUND_MS) for at in call.at]
    assert slots == sorted(slots)
    assert slots[-1] - slots[0] >= 7 - 1


@dataclass(eq=False)
class Paced(Ticked):
    """A call whose frames are due every 60 ms, from `due_ms` on."""

    def tick(self, now_ms: float) -> bool:
        assert self.due_ms is not None
        while self.due_ms <= now_ms + 1:
            self.due_ms += ROUND_MS
        return super().tick(now_ms)


async def test_calls_are_served_when_they_are_due_and_share_the_ticks() -> None:
    """Twelve calls whose spurts began all over a round: each is served every third slot, at most a slot after
    it was due; all of them cost one tick a slot."""
    written = Written()
    batch = OutBatch(written.write)
    with held_clock() as clock, held_time(clock) as now:
        metronome = Metronome(batch, no_bug)
        began = now()
        calls = [Paced(batch, left=5, due_ms=began + 5.0 * number) for number in range(12)]
        dues: dict[Ticking, list[float]] = {call: [] for call in calls}
        for call in calls:
            metronome.enter(call, began)
        while any(call.left for call in calls):
            before = {call: (call.due_ms, len(call.at)) for call in calls}
            await clock.let_pass(0.005)
            for call, (due_ms, served) in before.items():
                if len(call.at) > served and due_ms is not None:
                    dues[call].append(due_ms)

        for call in calls:
            waits = [at - due for at, due in zip(call.at, dues[call], strict=True)]
            assert all(-1 <= wait <= SLOT_MS for wait in waits)
            assert all(55 <= round(after - at) <= 65 for at, after in pairwise(call.at)), (
                "time passes by 5 ms"
            )
        assert metronome.ticks <= 5 * 3 + 1
        assert len(written.entries) == metronome.ticks, "what a tick has for one worker is one entry"
        assert max(pairs for _, pairs, _ in written.entries) == 4, "no slot has more than its share"
        assert metronome.ticks_late == 0


async def test_a_late_tick_serves_each_call_once() -> None:
    """The loop stood still for five slots: what was missed is not made up for, and the tick counts as
    late."""
    batch = OutBatch(Written().write)
    with held_clock() as clock, held_time(clock) as now:
        metronome = Metronome(batch, no_bug)
        began = now()
        calls = [Paced(batch, left=2, due_ms=began + 20.0 * number) for number in range(4)]
        for call in calls:
            metronome.enter(call, began)

        await clock.let_pass(5 * SLOT_MS / 1000 + TICK_LATE_MS / 1000)

        assert [len(call.at) for call in calls] == [1, 1, 1, 1]
        assert (metronome.ticks, metronome.ticks_late) == (1, 1)
        await clock.let_pass(ROUND_MS / 1000)
        assert [len(call.at) for call in calls] == [2, 2, 2, 2]


async def test_a_call_that_learns_that_it_is_due_does_not_wait_for_its_round() -> None:
    """It stood there without anything to do; then audio came. Without a word of when, it stays where it
    is."""
    batch = OutBatch(Written().write)
    with held_clock() as clock, held_time(clock) as now:
        metronome = Metronome(batch, no_bug)
        call = Ticked(batch, left=1)
        metronome.enter(call, now())
        resting = call.slot
        metronome.enter(call, now() + SLOT_MS)
        assert call.slot == resting

        call.due_ms = now() + 1
        metronome.enter(call, now())
        await clock.let_pass(SLOT_MS / 1000)

        assert len(call.at) == 1
        assert call.slot == -1


async def test_a_call_that_another_one_takes_along_is_not_served() -> None:
    """What one call's tick does may end another one of the same slot."""
    batch = OutBatch(Written().write)
    with held_clock() as clock, held_time(clock) as now:
        metronome = Metronome(batch, lambda _call, _bug: metronome.leave(gone))
        broken, gone = Broken(batch, due_ms=now() + 7), Ticked(batch, due_ms=now() + 7)
        for call in (broken, gone):
            metronome.enter(call, now())

        await clock.let_pass(2 * SLOT_MS / 1000)

        assert gone.at == []
        assert metronome.ticks == 1


async def test_no_calls_no_timer() -> None:
    """An idle process sleeps: nothing is left for its loop to do."""
    batch = OutBatch(Written().write)
    metronome = Metronome(batch, no_bug)
    call = Ticked(batch, left=1)
    with held_clock() as clock:
        metronome.enter(call, now_ms())
        await clock.let_pass(2 * ROUND_MS / 1000)
        assert call.left == 0

        await clock.let_pass(2 * ROUND_MS / 1000)

    assert call.slot == -1
    assert (len(call.at), metronome.ticks) == (1, 1)


async def test_a_call_that_leaves_is_not_served() -> None:
    """Leaving takes effect at once, and twice does no harm."""
    batch = OutBatch(Written().write)
    metronome = Metronome(batch, no_bug)
    gone, stays = Ticked(batch), Ticked(batch, left=2)
    metronome.enter(gone, now_ms())
    metronome.enter(stays, now_ms())

    metronome.leave(gone)
    metronome.leave(gone)
    await wait_until(lambda: stays.left == 0, "the other call was served")

    assert gone.at == []


def test_urgency_is_of_one_batch_only() -> None:
    """A clear makes its batch urgent; the next one waits its turn again."""
    written = Written()
    batch = OutBatch(written.write)
    batch.add("a", (b"clear", b""))
    batch.is_urgent = True
    batch.send()
    batch.add("a", (b"frame", b"x"))

    batch.send()

    batch.send(urgent=True)
    assert written.entries == [("a", 1, True), ("a", 1, False)], "an empty batch is no entry"


@dataclass(eq=False)
class Broken(Ticked):
    """A call whose core has a bug."""

    def tick(self, now_ms: float) -> bool:
        raise RuntimeError("a bug")


async def test_a_bug_in_one_call_does_not_silence_the_others() -> None:
    """The call that raised leaves and is told; the rest of its slot is served, now and later."""
    found: list[tuple[Ticking, str]] = []
    batch = OutBatch(Written().write)
    metronome = Metronome(batch, lambda call, bug: found.append((call, str(bug))))
    now = now_ms()
    broken, sound = Broken(batch, due_ms=now + 7), Ticked(batch, left=5, due_ms=now + 7)
    metronome.enter(broken, now)
    metronome.enter(sound, now)

    await wait_until(lambda: sound.left == 0, "the sound call was served")

    assert found == [(broken, "a bug")]
    assert broken.slot == -1
