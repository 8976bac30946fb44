"""Sessions for calls that ring: begun at once, used once, or closed, whatever becomes of the call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.model.attempts import Ready
from brain.model.engine import Engine, Opened
from brain.takeover import expected as module
from brain.takeover.expected import Expected
from shared.clock import wall_ms
from shared.contract.streams.calls import RINGING_MS, Ringing
from shared.contract.streams.journal import Kind
from shared.contract.streams.reply import ReplyKind
from shared.ownership import steps
from shared.ownership.counters import Where
from shared.process.dispatch import Dispatch
from shared.store.client import Store
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from tests.brain.stage import KEYS, brain, line, sid
from tests.brain.takeover.staff import alone
from tests.support.waiting import running, wait_until

CALL = Ringing(sid(), "", "+1555")


@dataclass
class FakeEngine:
    """A session that opens when it is let, or fails."""

    lets_open: asyncio.Event
    error: Exception | None = None
    is_opening: bool = False
    is_open: bool = False
    closes: int = 0

    async def open(self) -> Opened:
        self.is_opening = True
        await self.lets_open.wait()
        if self.error is not None:
            raise self.error
        self.is_open = True
        return Opened(session_id="s", life_ms=0.0)

    async def close(self) -> None:
        self.closes += 1


@dataclass
class Desk:
    """A brain that expects calls."""

    expected: Expected
    engines: list[FakeEngine]
    lets_open: asyncio.Event
    taken: list[FakeEngine] = field(default_factory=list)

    async def rings(self, call: Ringing = CALL, error: Exception | None = None) -> FakeEngine:
        """A call rings; its session is on its way when this returns."""
        self.expected.ringing(call)
        engine = self.engines[-1]
        engine.error = error
        await wait_until(lambda: engine.is_opening, "it is being opened")
        return engine

    async def takes(self) -> Ready:
        """The call takes it, and is its owner from here on."""
        begun = self.expected.take(CALL.call_sid, "default")
        assert begun is not None
        ready = await begun.task
        self.taken.append(cast(FakeEngine, ready.engine))
        return ready


@asynccontextmanager
async def desk(store: Store, redis_url: str) -> AsyncIterator[Desk]:
    """When it is left the process stops: nothing is open then but what a call has taken."""
    async with alone(store, redis_url) as (process, _):
        engines: list[FakeEngine] = []
        lets_open = asyncio.Event()

        def make(call: Ringing) -> tuple[str, Engine]:
            engines.append(FakeEngine(lets_open))
            return call.agent or "default", cast(Engine, engines[-1])

        here = Desk(Expected(process, make, BrainCounters()), engines, lets_open)
        yield here
        await here.expected.stop()
        assert here.expected.count == 0
        for engine in engines:
            assert engine.closes == (engine not in here.taken)
        assert process.fatal is None


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_call_takes_its_session_open_or_not_yet(store: Store, redis_url: str, is_open: bool) -> None:
    """It is used once, and its age counts from when it was begun."""
    async with desk(store, redis_url) as here:
        engine = await here.rings()
        if is_open:
            here.lets_open.set()
            await wait_until(lambda: engine.is_open, "it is open")
        assert here.expected.has(CALL.call_sid)
        here.lets_open.set()
        assert (await here.takes()).engine is cast(Engine, engine)
        assert here.expected.take(CALL.call_sid, "default") is None
        assert here.expected.counters.sessions_early == 1
        assert here.expected.counters.sessions_early_unused == 0


async def test_a_call_that_is_read_twice_has_one_session(store: Store, redis_url: str) -> None:
    """An entry may be read again after a lost connection."""
    async with desk(store, redis_url) as here:
        await here.rings()
        here.expected.ringing(CALL)
        assert len(here.engines) == here.expected.count == 1


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_session_that_no_stream_comes_for_is_closed(
    store: Store, redis_url: str, is_open: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten seconds after it was begun, whether it is open by then or not."""
    async with desk(store, redis_url) as here:
        engine = await here.rings()
        if is_open:
            here.lets_open.set()
            await wait_until(lambda: engine.is_open, "it is open")
        begun_ms = here.expected._kept[CALL.call_sid].begun.since_ms
        monkeypatch.setattr(module, "now_ms", lambda: begun_ms + RINGING_MS - 1)
        here.expected.forget_old()
        assert here.expected.count == 1

        monkeypatch.setattr(module, "now_ms", lambda: begun_ms + RINGING_MS + 1)
        here.expected.forget_old()
        assert here.expected.count == 0
        await wait_until(lambda: engine.closes == 1, "it is closed")
        assert here.expected.counters.sessions_early_unused == 1


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_session_for_another_agent_is_closed(store: Store, redis_url: str, is_open: bool) -> None:
    """The agents file has changed since: its instructions and tools are not this call's."""
    async with desk(store, redis_url) as here:
        engine = await here.rings()
        if is_open:
            here.lets_open.set()
            await wait_until(lambda: engine.is_open, "it is open")
        assert here.expected.take(CALL.call_sid, "other") is None
        await wait_until(lambda: engine.closes == 1, "it is closed")


async def test_a_session_that_has_failed_is_not_the_calls(store: Store, redis_url: str) -> None:
    """The call begins one at once, instead of meeting an old failure; nothing is counted as its error."""
    async with desk(store, redis_url) as here:
        engine = await here.rings(error=EngineError("connect_failed"))
        here.lets_open.set()
        await wait_until(lambda: engine.closes == 1, "what was begun is closed")
        assert here.expected.take(CALL.call_sid, "default") is None
        assert here.expected.counters.sessions_failed == 0
        assert here.expected.process.ownership.bugs[Where.TASK] == 0


async def test_a_bug_while_it_is_opened_is_noted_and_ends_nothing(store: Store, redis_url: str) -> None:
    """Nobody's call is there to meet it."""
    async with desk(store, redis_url) as here:
        engine = await here.rings(error=RuntimeError("a bug"))
        here.lets_open.set()
        await wait_until(lambda: engine.closes == 1, "what was begun is closed")
        assert here.expected.take(CALL.call_sid, "default") is None
        bugs = here.expected.process.ownership.bugs
        await wait_until(lambda: bugs[Where.TASK] == 1, "it is counted")


async def test_a_call_that_another_brain_has_leaves_nothing(store: Store, redis_url: str) -> None:
    """It was quicker, or had the call before."""
    async with desk(store, redis_url) as here:
        engine = await here.rings()
        here.expected.drop(CALL.call_sid)
        here.expected.drop(CALL.call_sid)
        await wait_until(lambda: engine.closes == 1, "it is closed")
        assert here.expected.counters.sessions_early_unused == 1


async def test_a_brain_that_drains_begins_none(store: Store, redis_url: str) -> None:
    """What it has begun is closed when it stops: see `desk`."""
    async with desk(store, redis_url) as here:
        await here.rings()
        here.expected.process.draining = True
        here.expected.ringing(Ringing(sid(), "", "+1555"))
        assert here.expected.count == 1


# In a brain's process, on a real server.


QUICK = Knobs(response=ResponseKnobs(first_audio_ms=20, speed_factor=50))


async def rung(store: Store, *, is_heard: bool = True) -> None:
    """The webhook of the call that `line` opens then. Before a brain reads what rings it goes nowhere."""
    if is_heard:
        await wait_until(lambda: store.exists(KEYS.ringing(0)), "a brain reads what rings")
    await steps.reserve(
        store, KEYS, CALL.call_sid, nonce="nonce-1",
        expires_at_ms=wall_ms() + 60_000, rings=Ringing(CALL.call_sid, "default", ""),
    )  # fmt: skip


async def test_the_brain_that_expects_a_call_serves_it_with_the_session_it_has(
    store: Store, redis_url: str
) -> None:
    """Of two, whichever reads that it rings; the call says for how long its session had been begun."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim) as (_, one),
        brain(redis_url, sim, number=1) as (_, other),
    ):
        await rung(store)
        await wait_until(lambda: len(sim.sessions) == 1, "a session is opened before there is a stream")
        heir = one if one.expected_calls() else other
        assert (one.expected_calls() + other.expected_calls(), heir.live_calls()) == (1, 0)
        async with line(store, redis_url) as here:
            await wait_until(lambda: heir.live_calls() == 1, "the heir has the call")
            await wait_until(lambda: ReplyKind.RESPONSE_END in here.kinds(), "and greets")
            assert [entry.kind for entry in await here.journal()].count(Kind.SESSION_EARLY) == 1
            assert await store.xlen(KEYS.calls(0)) == 0
            assert heir.expected_calls() == 0
            await here.end()
            await wait_until(lambda: heir.live_calls() == 0, "the call is over")
        assert len(sim.sessions) == 1
        assert heir.counters.sessions_early == 1
        assert one.counters.sessions_early_unused == other.counters.sessions_early_unused == 0


async def test_an_heir_that_drains_leaves_the_call_to_another(store: Store, redis_url: str) -> None:
    """The other one takes it within about a second, with a session of its own; the first one's is closed
    when its process stops."""
    async with RealtimeSimulator(knobs=QUICK) as sim, brain(redis_url, sim, number=1) as (_, other):
        async with brain(redis_url, sim) as (process, heir):
            other._process.draining = True  # So that the first one reads it.
            await rung(store)
            await wait_until(lambda: heir.expected_calls() == 1, "it is expected")
            other._process.draining = False
            process.draining = True
            dispatch = Dispatch(
                other._process, 0, live_calls=other.live_calls, on_call=other._on_call, host=other
            )
            async with running(dispatch.run()), line(store, redis_url) as here:
                await wait_until(lambda: other.live_calls() == 1, "another has the call")
                await here.end()
                await wait_until(lambda: other.live_calls() == 0, "the call is over")
                other._process.draining = True
        first, *_ = sim.sessions
        await wait_until(lambda: first.closed_at_ms is not None, "the session that was not used is closed")
        assert heir.counters.sessions_early_unused == 1
        assert other.counters.sessions_early == 0


async def test_a_caller_who_hangs_up_while_it_rings_leaves_nothing(store: Store, redis_url: str) -> None:
    """Ingress ends the call: its session need not wait for its time."""
    async with RealtimeSimulator(knobs=QUICK) as sim, brain(redis_url, sim) as (_, role):
        await rung(store)
        await wait_until(lambda: len(sim.sessions) == 1, "its session is opened")
        await steps.end(store, KEYS, CALL.call_sid, outcome="canceled", by="ingress-0@h#1")
        await wait_until(lambda: role.expected_calls() == 0, "it is expected no longer")
        (session,) = sim.sessions
        await wait_until(lambda: session.closed_at_ms is not None, "its session is closed")


async def test_switched_off_nothing_is_expected(store: Store, redis_url: str) -> None:
    """A brain without the setting reads no calls that ring, and takes new ones without a wait."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, early_sessions=False) as (_, role),
    ):
        await rung(store, is_heard=False)
        async with line(store, redis_url) as here:
            await wait_until(lambda: ReplyKind.RESPONSE_END in here.kinds(), "it greets")
            assert role.counters.sessions_early == 0
            assert Kind.SESSION_EARLY not in [entry.kind for entry in await here.journal()]
            await here.end()
            await wait_until(lambda: role.live_calls() == 0, "the call is over")


async def test_a_session_that_needs_more_than_is_known_is_not_begun(store: Store, redis_url: str) -> None:
    """Its call opens one when it is ours."""
    async with alone(store, redis_url) as (process, _):
        expected = Expected(process, lambda _call: None, BrainCounters())
        expected.ringing(CALL)

        assert (expected.count, expected.take(CALL.call_sid, "default")) == (0, None)
