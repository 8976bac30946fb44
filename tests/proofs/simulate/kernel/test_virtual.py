"""Clocks and chance that a seed decides."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
import uuid

import pytest

from proofs.simulate.kernel.machine import Machine
from tests.support.virtual_time import run


def test_all_chance_comes_from_the_seed() -> None:
    """Every source of chance repeats with the seed, and with no other one."""

    async def work() -> list[object]:
        return [random.random(), secrets.token_hex(4), uuid.uuid4(), os.urandom(4), time.time_ns()]

    assert run(work()) == run(work())
    assert run(work())[:4] != run(work(), seed=2)[:4]


def test_the_clocks_are_put_back() -> None:
    """After a run everything is as before."""
    before = (time.monotonic, time.time, os.urandom, os.getpid)

    async def work() -> None:
        assert time.monotonic is not before[0]

    run(work())
    assert (time.monotonic, time.time, os.urandom, os.getpid) == before


def test_wall_clocks_may_differ() -> None:
    """Each machine has its own wall clock; monotonic time is one."""

    async def read() -> tuple[float, float]:
        return time.time(), time.monotonic()

    async def work() -> tuple[tuple[float, float], tuple[float, float]]:
        loop = asyncio.get_running_loop()
        fast, right = Machine("fast", wall_skew_s=90), Machine("right")
        first = loop.create_task(read(), context=fast.context())
        second = loop.create_task(read(), context=right.context())
        return await first, await second

    (fast_wall, fast_mono), (wall, mono) = run(work())
    assert fast_wall - wall == pytest.approx(90, abs=0.001)
    assert fast_mono == mono
