"""An event loop on virtual time."""

from __future__ import annotations

import asyncio
import time

import pytest

from proofs.simulate.kernel.loop import NothingLeft
from tests.support.virtual_time import run


def test_an_hour_passes_at_once() -> None:
    """A sleep moves the clock, and costs no time."""

    async def work() -> float:
        began_s = time.monotonic()
        await asyncio.sleep(3600)
        return time.monotonic() - began_s

    began_s = time.monotonic()
    assert run(work()) == pytest.approx(3600, abs=0.001)
    assert time.monotonic() - began_s < 5


def test_timers_of_one_moment_ring_in_the_order_in_which_they_were_set() -> None:
    """Nothing but that order decides."""

    async def work() -> list[int]:
        loop, rang = asyncio.get_running_loop(), []
        at_s = loop.time() + 1
        for number in range(50):
            loop.call_at(at_s, rang.append, number)
        await asyncio.sleep(2)
        return rang

    assert run(work()) == list(range(50))


def test_a_cancelled_timer_does_not_hold_time_up() -> None:
    """Time jumps to the first timer that somebody still waits for."""

    async def work() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, lambda: None).cancel()
        began_s = loop.time()
        await asyncio.sleep(1)
        return loop.time() - began_s

    assert run(work()) == pytest.approx(1, abs=0.001)


def test_who_waits_for_nothing_is_told() -> None:
    """Where a real loop would sleep for ever, this one says so."""

    async def work() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingLeft):
        run(work())


def test_a_thread_is_run_at_once() -> None:
    """What asks for a thread gets its answer in the same moment, an error too."""

    async def work() -> tuple[int, float]:
        began_s = time.monotonic()
        found = await asyncio.to_thread(lambda: 7)
        with pytest.raises(ValueError, match="no number"):
            await asyncio.to_thread(int, "no number")
        return found, time.monotonic() - began_s

    found, took_s = run(work())
    assert found == 7
    assert took_s < 0.001
