"""What every process has: its tasks, its doorbells."""

from __future__ import annotations

import asyncio
import signal

from shared.contract.command import Command
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import load
from shared.store.client import Store
from tests.support.servers import free_port
from tests.support.waiting import running, wait_until


def make(url: str) -> Process:
    return make_process("brain", 0, load(env_file=None, redis_url=url))


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
