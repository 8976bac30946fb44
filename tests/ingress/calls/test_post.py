"""Reports to egress: gathered by worker, sent once."""

from __future__ import annotations

import asyncio

from ingress.calls.post import PROGRESS_S, BackPost
from ingress.counters import CallCounters
from shared.contract.streams.pairs import Pair
from tests.support.guards import a_guard
from tests.support.waiting import held_clock


class Mover:
    """A call that has moved; reports `times` times."""

    def __init__(self, worker: str, times: int = 1) -> None:
        self.call_sid = worker
        self.worker = worker
        self.times = times

    def progress(self, _now_ms: float) -> tuple[str, Pair, bool] | None:
        self.times -= 1
        return None if self.times < 0 else (self.worker, (b"n", b"v"), self.times > 0)


class Desk:
    """A post and what it sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []
        self.post = BackPost(
            lambda worker, pairs: self.sent.append((worker, len(pairs))), CallCounters(), a_guard()
        )


async def test_one_entry_a_worker_and_turn() -> None:
    """What one turn of the loop reports goes in one entry for each egress worker."""
    desk = Desk()
    for worker in ("a", "b", "a"):
        desk.post.at_once(worker, (b"n", b"v"))
    await asyncio.sleep(0)
    assert sorted(desk.sent) == [("a", 2), ("b", 1)]


async def test_progress_of_many_calls_is_one_entry() -> None:
    """However many frames and calls: one entry for each tenth of a second."""
    desk = Desk()
    calls = [Mover("a") for _ in range(20)]
    with held_clock() as clock:
        for call in calls * 5:
            desk.post.moved(call)
        await clock.let_pass(PROGRESS_S)
        await clock.let_pass(PROGRESS_S)
    assert desk.sent == [("a", 20)]


async def test_the_first_frames_after_a_pause_are_told_at_once() -> None:
    """All that this turn wrote; what follows at the end of the tenth of a second; then it is quiet."""
    desk = Desk()
    call = Mover("a", times=9)
    with held_clock() as clock:
        for _ in range(8):
            desk.post.moved(call)
        assert desk.sent == []
        await asyncio.sleep(0)
        assert (desk.sent, call.times) == ([("a", 1)], 8)
        call.times = 1
        desk.post.moved(call)
        await asyncio.sleep(0)
        assert desk.sent == [("a", 1)]
        await clock.let_pass(PROGRESS_S)
        assert desk.sent == [("a", 1)] * 2
        await clock.let_pass(PROGRESS_S)
        assert desk.post._timer is None


async def test_after_a_pause_that_was_short_the_first_frames_are_told_at_once_too() -> None:
    """What was told before it does not keep them waiting."""
    desk, call = Desk(), Mover("a", times=9)
    with held_clock():
        desk.post.moved(call)
        await asyncio.sleep(0)
        desk.post.paused(call)
        desk.post.moved(call)
        await asyncio.sleep(0)
        assert desk.sent == [("a", 1)] * 2


async def test_how_far_a_call_came_before_a_pause_is_told_with_the_pause() -> None:
    """It does not come later, in place of what follows."""
    desk, call = Desk(), Mover("a", times=9)
    with held_clock() as clock:
        desk.post.moved(call)
        await asyncio.sleep(0)
        desk.post.moved(call)
        desk.post.paused(call)
        await asyncio.sleep(0)
        assert (desk.sent, call.times) == ([("a", 1)] * 2, 7)
        desk.post.moved(call)
        await asyncio.sleep(0)
        assert call.times == 6
        desk.post.forget(call)
        await clock.let_pass(PROGRESS_S)


async def test_progress_repeats_while_wanted() -> None:
    """A call that still has unsent bytes is asked again."""
    desk = Desk()
    with held_clock() as clock:
        desk.post.moved(Mover("a", times=2))
        for _ in range(4):
            await clock.let_pass(PROGRESS_S)
    assert desk.sent == [("a", 1)] * 2


async def test_a_sign_of_life_keeps_no_beginning_waiting() -> None:
    """A call whose last word still plays is reported; what begins then is told at once all the same."""
    desk, call = Desk(), Mover("a", times=9)
    with held_clock() as clock:
        desk.post.moved(call)
        await asyncio.sleep(0)
        await clock.let_pass(PROGRESS_S)
        assert desk.sent == [("a", 1)] * 2, "it moved, and it is there"
        desk.post.moved(call)
        await asyncio.sleep(0)
        assert desk.sent == [("a", 1)] * 3


async def test_forgotten_calls_are_silent() -> None:
    """A call that has left is not asked."""
    desk = Desk()
    call = Mover("a")
    with held_clock() as clock:
        desk.post.moved(call)
        desk.post.forget(call)
        await clock.let_pass(PROGRESS_S)
    assert desk.sent == []
