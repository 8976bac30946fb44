"""What every process has: its tasks, its doorbells."""

from __future__ import annotations

import asyncio
import signal

import pytest

from shared.contract.command import Command
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import load
from shared.store.client import Store
from tests.support.servers import free_port
from tests.support.waiting import running, wait_until


def make(url: str, lanes: int = 1) -> Process:
    return make_process("brain", 0, load(env_file=None, redis_url=url, lanes=lanes))


async def test_a_task_that_fails_ends_the_process() -> None:
    """By the same signal as an operator's stop; the first failure is the one that is told."""
    process, asked = make(f"redis://127.0.0.1:{free_port()}/0"), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, asked.set)

    async def fail(text: str) -> None:
        raise ValueError(text)

    try:
        process.spawn(fail("first"), "one")
        process.spawn(fail("second"), "two")
        await asyncio.wait_for(asked.wait(), 5)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    assert str(process.fatal) == "first"
    assert not process.tasks


async def test_a_task_that_is_cancelled_or_done_ends_nothing() -> None:
    """It is forgotten."""
    process = make(f"redis://127.0.0.1:{free_port()}/0")
    waiting = process.spawn(asyncio.Event().wait(), "waits")
    process.spawn(asyncio.sleep(0), "done")
    waiting.cancel()
    await wait_until(lambda: not process.tasks, "both are forgotten")
    assert process.fatal is None


async def test_a_doorbell_rings_only_where_somebody_listens(store: Store, redis_url: str) -> None:
    """A ring makes no stream: a worker that is gone would leave one behind for ever."""
    process = make(redis_url)
    mine = process.keys.wake(0, process.name)
    await store.xadd(mine, {"v": "1"})
    async with running(process.outbox.run()):
        process.nudge(0)
        process.outbox.send(Command(0, (b"PING",)))
        assert await process.outbox.flushed(5)
        rings = [fields for _, fields in await store.xrange(mine)]
        assert rings[1:] == [{b"v": b"1", b"call": b"", b"why": b"claimed"}]
        await store.delete(mine)
        process.nudge(0)
        assert await process.outbox.flushed(5)
    assert not await store.exists(mine)
    await process.store.aclose()


@pytest.mark.parametrize(
    ("lanes", "away", "since_ms"),
    [
        (1, {}, None),
        (1, {0: 5.0}, 5.0),
        (3, {2: 5.0}, None),
        (3, {0: 9.0, 2: 5.0}, 9.0),
        (4, {0: 1.0, 3: 2.0}, 2.0),
    ],
)
async def test_a_process_is_out_when_no_more_than_half_of_its_lanes_are_left(
    monkeypatch: pytest.MonkeyPatch, lanes: int, away: dict[int, float], since_ms: float | None
) -> None:
    """Since the last of those that it takes for that."""
    process = make(f"redis://127.0.0.1:{free_port()}/0", lanes)
    monkeypatch.setattr(type(process.outbox), "lane_away_since_ms", lambda _, lane: away.get(lane))
    assert process.most_away_since_ms == since_ms


async def test_another_connection_to_a_lane_may_be_another_redis() -> None:
    """To that lane alone; a Redis that was emptied is another one for all."""
    process = make(f"redis://127.0.0.1:{free_port()}/0", 2)
    before = [process.lane_run(lane) for lane in (0, 1)]
    process.inboxes[1].counters.connects += 1
    assert process.lane_run(0) == before[0]
    assert process.lane_run(1) != before[1]
    process.emptied += 1
    assert process.lane_run(0) != before[0]
