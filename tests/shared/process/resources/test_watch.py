"""The look at one's own memory, and what it leads to."""

from __future__ import annotations

import asyncio

import pytest

from shared.process.life import make_process
from shared.process.resources import limits, watch
from shared.process.resources.limits import CgroupMemory
from shared.process.resources.memory import MemorySeen
from shared.process.resources.watch import MIB, memory_seen, watch_memory
from shared.settings import load


def test_the_setting_goes_before_the_cgroup(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where neither has a limit there is none."""
    monkeypatch.setattr(limits, "resident_bytes", lambda: 50 * MIB)
    monkeypatch.setattr(limits, "cgroup_memory", lambda: CgroupMemory(900, 1000))
    assert memory_seen(100) == MemorySeen(50 * MIB, 50 * MIB, 100 * MIB, is_shared=False)
    assert memory_seen(0) == MemorySeen(50 * MIB, 900, 1000, is_shared=True)
    monkeypatch.setattr(limits, "cgroup_memory", lambda: None)
    assert memory_seen(0) is None


async def test_a_process_that_is_near_its_limit_is_asked_to_drain_once(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the signal that anybody would send."""
    monkeypatch.setattr(watch, "LOOK_S", 0.0)
    process = make_process("brain", 0, load(env_file=None, redis_url=valkey_url, memory_most_mib=7))
    asked: list[int] = []
    ends: list[bool] = []

    def seen(most_mib: int) -> MemorySeen:
        asked.append(most_mib)
        return MemorySeen(1, 99 if len(asked) > 3 else 10, 100, is_shared=False)

    async with asyncio.timeout(5):
        await watch_memory(process, seen=seen, end=lambda: ends.append(True))
    await process.store.aclose()
    assert (ends, asked) == ([True], [7] * 4)


async def test_a_process_that_drains_looks_no_more(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on its way already."""
    monkeypatch.setattr(watch, "LOOK_S", 0.0)
    process = make_process("brain", 0, load(env_file=None, redis_url=valkey_url))
    process.draining = True
    async with asyncio.timeout(5):
        await watch_memory(process, seen=lambda _: None, end=lambda: pytest.fail("it drains already"))
    await process.store.aclose()
