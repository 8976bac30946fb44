"""One clock for all calls."""

from __future__ import annotations

import asyncio
import itertools

from simulators.twilio.metronome import Metronome
from tests.support.waiting import wait_until


class Member:
    """Counts its ticks; raises at one of them when told."""

    def __init__(self, break_at: int | None = None) -> None:
        self.due_ms: list[float] = []
        self.error: Exception | None = None
        self.break_at = break_at

    def tick(self, due_ms: float, now_ms: float) -> None:
        assert now_ms >= due_ms
        self.due_ms.append(due_ms)
        if len(self.due_ms) == self.break_at:
            raise ValueError("defect")

    def fail(self, error: Exception) -> None:
        self.error = error


async def test_ticks_are_due_every_20_ms_exactly_even_after_a_stall() -> None:
    """Absolute deadlines: a blocked loop is caught up, the schedule never slides."""
    metronome, member = Metronome(), Member()
    metronome.join(member)
    await wait_until(lambda: len(member.due_ms) > 3, "three ticks have come")
    loop = asyncio.get_running_loop()
    until = loop.time() + 0.1
    while loop.time() < until:
        continue  # the stall: 100 ms of a busy process
    await wait_until(lambda: len(member.due_ms) > 12, "the missed ticks have come")
    metronome.leave(member)

    spacings = {round(b - a, 6) for a, b in itertools.pairwise(member.due_ms)}
    assert spacings == {20.0}
    assert metronome.worst_late_ms > 50
    assert metronome.late_ticks > 0
    assert any(ended_ms - began_ms > 50 for began_ms, ended_ms in metronome.stalls_ms)


async def test_members_are_spread_over_four_phases() -> None:
    """A hundred calls do not all send in one instant."""
    metronome, members = Metronome(), [Member() for _ in range(8)]
    for member in members:
        metronome.join(member)
    await wait_until(lambda: all(len(m.due_ms) > 1 for m in members), "everybody ticks")
    for member in members:
        metronome.leave(member)

    assert len({round(member.due_ms[0] % 20, 3) for member in members}) == 4


async def test_a_member_that_raises_leaves_and_the_others_go_on() -> None:
    """It is told why."""
    metronome, bad, good = Metronome(), Member(break_at=1), Member()
    metronome.join(bad)
    metronome.join(good)

    await wait_until(lambda: len(good.due_ms) > 3, "the good one goes on")
    metronome.leave(good)

    assert isinstance(bad.error, ValueError)
    assert len(bad.due_ms) == 1
