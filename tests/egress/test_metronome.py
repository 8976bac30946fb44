"""The metronome: phases on absolute deadlines, one entry per ingress worker, silence without a timer."""

from __future__ import annotations

from dataclasses import dataclass, field

from egress.metronome import PHASE_MS, ROUND_MS, Metronome, OutBatch, Ticking
from shared.clock import now_ms
from shared.contract.streams.pairs import Pair
from tests.support.waiting import held_clock, wait_until


@dataclass(eq=False)
class Ticked:
    """A call that sends a frame each tick, `left` times."""

    batch: OutBatch
    ingress: str = "ingress-0"
    left: int = 10
    due_ms: float | None = None
    phase: int = -1
    at: list[float] = field(default_factory=list)

    def tick(self, now_ms: float) -> bool:
        self.at.append(now_ms)
        self.batch.add(self.ingress, (b"frame", b"x"))
        self.left -= 1
        return self.left > 0

    def next_due_ms(self) -> float | None:
        return self.due_ms


def no_bug(_call: Ticking, bug: Exception) -> None:
    raise bug


@dataclass
class Written:
    """What the batch sent."""

    entries: list[tuple[str, int, bool]] = field(default_factory=list)

    def write(self, ingress: str, pairs: list[Pair], urgent: bool) -> None:
        self.entries.append((ingress, len(pairs), urgent))


async def test_a_tick_is_one_entry_for_each_ingress_worker() -> None:
    """Three calls of one phase, two ingress workers: two entries a tick."""
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

    slots = [int((at - call.at[0] + PHASE_MS) // ROUND_MS) for at in call.at]
    assert slots == sorted(slots)
    assert slots[-1] - slots[0] >= 7 - 1


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

    assert call.phase == -1
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
    """The call that raised leaves and is told; the rest of its phase is served, now and later."""
    found: list[tuple[Ticking, str]] = []
    batch = OutBatch(Written().write)
    metronome = Metronome(batch, lambda call, bug: found.append((call, str(bug))))
    now = now_ms()
    broken, sound = Broken(batch, due_ms=now + 7), Ticked(batch, left=5, due_ms=now + 7)
    metronome.enter(broken, now)
    metronome.enter(sound, now)

    await wait_until(lambda: sound.left == 0, "the sound call was served")

    assert found == [(broken, "a bug")]
    assert broken.phase == -1
