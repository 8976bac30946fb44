"""Ending tasks for certain, also those that lose a cancellation; jobs that leave the loop to others."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from shared.clock import now_ms
from shared.process import tasks
from shared.process.tasks import SHARE_MS, Alarm, cancel_all, comes_first, end_task, in_turns
from tests.support.careless import careless


async def test_a_task_that_loses_a_cancellation_ends_all_the_same() -> None:
    """It is asked again."""
    task = asyncio.create_task(careless())
    await asyncio.sleep(0)
    await cancel_all([task])
    assert task.cancelled()


@pytest.mark.parametrize("pace_s", [0.1, 0.25, 0.5, 1.0])
async def test_a_loop_that_loses_what_meets_its_work_ends_whatever_its_pace(pace_s: float) -> None:
    """As one around redis-py does: those who ask at the same pace would be lost each time."""
    loop = asyncio.get_running_loop()
    began_s, lost = loop.time(), 0

    async def works_at_a_pace() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                into_s = (loop.time() - began_s) % pace_s
                if min(into_s, pace_s - into_s) > 0.01:
                    raise
                lost += 1

    task = asyncio.create_task(works_at_a_pace())
    await asyncio.sleep(0)
    await asyncio.wait_for(cancel_all([task]), 5)
    assert lost  # The first at least.


async def test_errors_of_tasks_stay_theirs() -> None:
    """One that fails while it ends is done, too."""

    async def failing() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        raise ValueError

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await cancel_all([task])
    assert isinstance(task.exception(), ValueError)


async def test_ending_a_task_raises_what_it_raised() -> None:
    """Unlike `cancel_all`: whoever ends one task wants to know."""

    async def failing() -> None:
        raise ValueError("a bug")

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="a bug"):
        await end_task(task)


async def test_an_event_that_comes_first_ends_the_task() -> None:
    """Also one that loses a cancellation: the process must not wait for its last call instead."""
    event, task = asyncio.Event(), asyncio.create_task(careless())
    asyncio.get_running_loop().call_soon(event.set)
    assert not await asyncio.wait_for(comes_first(task, event), 5)
    assert task.cancelled()


async def test_a_task_that_comes_first_keeps_its_result() -> None:
    """The event was never set."""

    async def answer() -> int:
        return 7

    task = asyncio.create_task(answer())
    assert await comes_first(task, asyncio.Event())
    assert task.result() == 7


async def test_an_alarm_rings_at_the_earliest_time_that_was_set() -> None:
    """A later one does not move it; one that was cancelled does not ring."""
    rung = asyncio.Event()
    alarm = Alarm(rung.set)
    now = now_ms()
    alarm.set(now + 60_000.0, now)
    alarm.set(now, now)
    alarm.set(now + 90_000.0, now)
    await asyncio.wait_for(rung.wait(), 5)

    rung.clear()
    alarm.set(now, now)
    alarm.cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not rung.is_set()


async def test_others_have_the_loop_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each share of it; in order, and every item once."""
    now, done, seen = [0.0], list[int](), list[int]()
    monkeypatch.setattr(tasks, "now_ms", lambda: now[0])

    def work(item: int) -> None:
        done.append(item)
        now[0] += SHARE_MS / 2

    async def other() -> None:
        while True:
            seen.append(len(done))
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await in_turns(range(10), work)
    beside.cancel()
    assert done == list(range(10))
    assert {2, 4, 6, 8} <= set(seen)
    assert not {1, 3, 5, 7} & set(seen)


async def test_a_short_job_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a turn for others: there is nothing to gain."""
    done = list[int]()
    monkeypatch.setattr(tasks, "now_ms", lambda: 0.0)
    waiting = asyncio.ensure_future(asyncio.sleep(0))
    await in_turns(range(3), done.append)
    assert done == [0, 1, 2]
    assert not waiting.done()
    await waiting
