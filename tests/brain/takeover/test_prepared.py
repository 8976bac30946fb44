"""Sessions for calls that are still another brain's: opened when asked for, used once, or closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from brain.errors import EngineError
from brain.model.attempts import Ready
from brain.model.engine import Engine, Opened
from brain.takeover import prepared as module
from brain.takeover.prepared import Prepared, PreparedSession
from shared.contract.streams.doorbell import Ring, Why
from shared.store.client import Store
from tests.brain.stage import sid
from tests.brain.takeover.staff import Siblings, alone
from tests.support.waiting import wait_until

CALL = sid()


@dataclass
class FakeEngine:
    """A session that is open, until it is closed."""

    is_closed: bool = False

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class Desk:
    """A brain that prepares itself, and the one that asks."""

    prepared: Prepared
    siblings: Siblings
    by: str
    engines: list[FakeEngine] = field(default_factory=list)
    let_open: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    is_gone: bool = False
    has_room: bool = True

    async def open(self, _call_sid: str) -> PreparedSession | None:
        await self.let_open.wait()
        if self.error is not None:
            raise self.error
        if self.is_gone:
            return None
        engine = FakeEngine()
        self.engines.append(engine)
        opened = Opened(session_id="s", life_ms=0.0)
        return PreparedSession(Ready(cast(Engine, engine), opened, 0.0), "default")

    async def answers(self, *whys: Why) -> None:
        """What the other one is told, in our name."""
        wanted = [Ring(CALL, why, self.prepared.process.name) for why in whys]

        async def is_told() -> bool:
            return await self.siblings.rung(self.by) == wanted

        await wait_until(is_told, f"the other brain is told {whys}")


@asynccontextmanager
async def desk(store: Store, redis_url: str) -> AsyncIterator[Desk]:
    async with alone(store, redis_url) as (process, siblings):
        here: Desk

        async def opener(call_sid: str) -> PreparedSession | None:
            return await here.open(call_sid)

        prepared = Prepared(process, opener, lambda: here.has_room)
        here = Desk(prepared, siblings, await siblings.add(1))
        here.let_open.set()
        yield here
        await prepared.stop()
        assert all(engine.is_closed for engine in here.engines if engine is not None)
        assert process.fatal is None


async def test_a_session_is_opened_and_is_the_calls_when_it_is_ours(store: Store, redis_url: str) -> None:
    """Who asked is told when it is open; it is used once."""
    async with desk(store, redis_url) as here:
        here.prepared.ask(CALL, here.by)
        assert here.prepared.count == 1
        await here.answers(Why.READY)
        assert here.prepared.count == 1

        found = here.prepared.take(CALL, "default")
        assert found is not None
        assert found.engine is cast(Engine, here.engines[0])
        assert here.prepared.take(CALL, "default") is None
        assert here.prepared.count == 0
        await found.engine.close()


async def test_who_asks_again_gets_no_second_session(store: Store, redis_url: str) -> None:
    """While it is opened the answer comes anyway; afterwards it is said again: a ring may be lost."""
    async with desk(store, redis_url) as here:
        here.let_open.clear()
        here.prepared.ask(CALL, here.by)
        here.prepared.ask(CALL, here.by)
        here.let_open.set()
        await here.answers(Why.READY)
        here.prepared.ask(CALL, here.by)
        await here.answers(Why.READY, Why.READY)
        assert len(here.engines) == 1


async def test_without_a_place_it_declines_at_once(store: Store, redis_url: str) -> None:
    """Calls that are expected count: see BrainRole.has_room."""
    async with desk(store, redis_url) as here:
        here.has_room = False
        here.prepared.ask(CALL, here.by)
        await here.answers(Why.DECLINED)
        assert here.engines == []
        assert here.prepared.count == 0


@pytest.mark.parametrize("how", ["no session", "no redis", "no call"])
async def test_without_a_session_it_declines(store: Store, redis_url: str, how: str) -> None:
    """Also where the call is over by now."""
    async with desk(store, redis_url) as here:
        here.error = {"no session": EngineError("quota"), "no redis": ConnectionError()}.get(how)
        here.is_gone = how == "no call"
        here.prepared.ask(CALL, here.by)
        await here.answers(Why.DECLINED)
        assert here.prepared.count == 0
        assert here.prepared.take(CALL, "default") is None


async def test_a_session_that_nobody_comes_for_is_closed(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other brain has given the call to another, or it has ended."""
    async with desk(store, redis_url) as here:
        here.prepared.ask(CALL, here.by)
        await here.answers(Why.READY)
        here.prepared.forget_old()
        assert here.prepared.count == 1

        monkeypatch.setattr(module, "now_ms", lambda: float("inf"))
        here.prepared.forget_old()
        assert here.prepared.count == 0
        await wait_until(lambda: here.engines[0].is_closed, "its session is closed")


async def test_a_session_for_another_agent_is_closed(store: Store, redis_url: str) -> None:
    """The agents file has changed since: its instructions and tools are not this call's."""
    async with desk(store, redis_url) as here:
        here.prepared.ask(CALL, here.by)
        await here.answers(Why.READY)
        assert here.prepared.take(CALL, "other") is None
        await wait_until(lambda: here.engines[0].is_closed, "its session is closed")
        assert here.prepared.count == 0


async def test_a_process_that_ends_closes_what_it_has_prepared(store: Store, redis_url: str) -> None:
    """Nobody would come for it."""
    async with desk(store, redis_url) as here:
        here.prepared.ask(CALL, here.by)
        await here.answers(Why.READY)
        await here.prepared.stop()
        assert here.engines[0].is_closed
        assert here.prepared.count == 0
