"""What a listener hears: both sides in order, from now on, for as long as they say that they listen."""

from __future__ import annotations

import asyncio

import pytest

from console.listen import sound
from console.listen.sound import Heard, NotToBeHeard, pieces
from shared.contract.streams.control import Listen, read_message
from shared.contract.streams.tape import tape_command
from shared.store.client import Store
from tests.console.recorder.test_placing import entry
from tests.support.redis_samples import KEYS, ONE, make_living_call
from tests.support.waiting import wait_until


async def said(store: Store) -> int:
    """How often somebody has said that they listen."""
    found = [read_message(entry_id, fields) for entry_id, fields in await store.xrange(KEYS.control(ONE))]
    return sum(isinstance(each.message, Listen) for each in found)


async def write(store: Store, *numbers: int, run: str = "a:1") -> None:
    for number in numbers:
        await store.execute(tape_command(KEYS, ONE, entry(number, run=run), creates=True))


async def test_both_sides_come_in_order(store: Store) -> None:
    """What was there before is not heard; what was lost is silence, and no more of it than is missing."""
    await make_living_call(store, ONE)
    await write(store, 1)
    heard: list[Heard] = []

    async def listen() -> None:
        async for piece in pieces(store, KEYS, ONE):
            heard.append(piece)

    task = asyncio.create_task(listen())
    await wait_until(lambda: said(store), "somebody listens")
    await asyncio.sleep(0.05)  # The read stands behind the word.
    await write(store, 2, 4)
    await wait_until(lambda: len(heard) == 2, "both came")
    assert heard[0] == Heard(b"\x02" * 4000, b"\x02" * 4000)
    assert heard[1] == Heard(b"\xff" * 4000 + b"\x04" * 4000, b"\xff" * 4000 + b"\x04" * 4000)
    await write(store, 9, run="b:1")
    await wait_until(lambda: len(heard) == 3, "another stream")
    assert len(heard[2].caller) == 4000
    await store.hset(KEYS.card(ONE), "state", "ended")
    await asyncio.wait_for(task, 5)


async def test_it_is_said_again_in_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "RENEW_MS", 100.0)
    monkeypatch.setattr(sound, "BLOCK_MS", 50)
    await make_living_call(store, ONE)

    is_over = False

    async def listen() -> None:
        async for _ in pieces(store, KEYS, ONE, lambda: not is_over):
            pass

    task = asyncio.create_task(listen())

    async def often() -> bool:
        return await said(store) > 2

    await wait_until(often, "it is said again")
    is_over = True
    await asyncio.wait_for(task, 5)


async def test_a_call_that_is_over_cannot_be_listened_to(store: Store) -> None:
    with pytest.raises(NotToBeHeard):
        async for _ in pieces(store, KEYS, ONE):
            pass
