"""The user's sounds: read once, kept, and missing for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from ingress.sound import shelf
from ingress.sound.shelf import Shelf
from shared.contract.speech import sound_commands
from shared.logs.log import get_log
from shared.store.client import Store, make_store
from tests.support.servers import free_port

SOUND = b"\x10" * 320


class Tasks:
    """Runs them, and waits for all."""

    def __init__(self) -> None:
        self.begun: list[asyncio.Task[None]] = []

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> object:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self.begun.append(task)
        return task

    async def done(self) -> None:
        await asyncio.gather(*self.begun)


async def tell(store: Store, sound_id: str, sound: bytes = SOUND) -> None:
    for command in sound_commands(sound_id, sound):
        await store.execute(command)


async def test_a_sound_is_read_once_and_is_there_from_then_on(store: Store) -> None:
    """Whoever wants it first goes without it."""
    tasks = Tasks()
    found = Shelf(store, get_log(), tasks.spawn)
    await tell(store, "0f3a")

    assert found.find("0f3a") == b""
    assert found.find("0f3a") == b""
    await tasks.done()

    assert found.find("0f3a") == SOUND
    assert len(tasks.begun) == 1


async def test_a_sound_that_nobody_has_told_of_is_asked_for_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while, not at each look."""
    now = 10_000.0
    monkeypatch.setattr(shelf, "now_ms", lambda: now)
    tasks = Tasks()
    found = Shelf(store, get_log(), tasks.spawn)

    for _ in range(3):
        assert found.find("0f3a") == b""
    await tasks.done()
    assert len(tasks.begun) == 1

    await tell(store, "0f3a")
    now += shelf.AGAIN_MS
    found.find("0f3a")
    await tasks.done()
    assert found.find("0f3a") == SOUND


async def test_those_that_nobody_wants_any_more_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was wanted longest ago first."""
    monkeypatch.setattr(shelf, "MOST", 2)
    tasks = Tasks()
    found = Shelf(store, get_log(), tasks.spawn)
    for sound_id in ("a", "b", "a", "c"):
        await tell(store, sound_id)
        found.find(sound_id)
        await tasks.done()

    assert sorted(found._sounds) == ["a", "c"]


async def test_without_redis_there_is_none() -> None:
    """And nothing fails."""
    store = make_store(f"redis://127.0.0.1:{free_port()}/0", name="test")
    tasks = Tasks()
    found = Shelf(store, get_log(), tasks.spawn)

    found.find("0f3a")
    await tasks.done()

    assert found.find("0f3a") == b""
    await store.aclose()
