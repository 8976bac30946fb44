"""Attempts side by side: which is taken, when another begins, and that all others are closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.model import attempts
from brain.model.attempts import Attempts, EarlySession, Ready
from brain.model.engine import Engine, SeedItem
from shared.clock import now_ms
from shared.logs.log import get_log
from tests.brain.model.test_sessions import PAST, FakeEngine
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "BESIDE_AFTER_MS", 30.0)
    monkeypatch.setattr(attempts, "BESIDE_AGAIN_MS", 30.0)


@dataclass
class Desk:
    """Makes engines as planned, and notes which were left."""

    plans: list[Callable[[FakeEngine], None]]
    made: list[FakeEngine] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    counters: BrainCounters = field(default_factory=BrainCounters)

    def make(self) -> Engine:
        number = len(self.made) + 1
        engine = FakeEngine(number, seeded=True)
        if number <= len(self.plans):
            self.plans[number - 1](engine)
        self.made.append(engine)
        return engine

    def leave(self, engine: Engine) -> None:
        assert isinstance(engine, FakeEngine)
        self.left.append(engine.number)

    def attempts(self) -> Attempts:
        return Attempts(self.make, self.leave, self.counters, get_log())


def well(engine: FakeEngine) -> None:
    """At once."""


def hangs(engine: FakeEngine) -> None:
    engine.opens = asyncio.Event()


def refuses(*, fatal: bool) -> Callable[[FakeEngine], None]:
    def plan(engine: FakeEngine) -> None:
        engine.open_fails = EngineError("connect_refused", fatal=fatal)

    return plan


def past() -> tuple[SeedItem, ...]:
    return PAST


def number_of(ready: Ready) -> int:
    assert isinstance(ready.engine, FakeEngine)
    return ready.engine.number


async def test_a_healthy_opening_is_alone() -> None:
    """Nothing is begun beside it, nothing is left."""
    desk = Desk([well])
    ready = await desk.attempts().first(past)

    assert number_of(ready) == 1
    assert desk.made[0].seeds == [PAST]
    assert (desk.left, desk.counters.sessions_beside) == ([], 0)


async def test_the_first_that_is_ready_is_taken_and_the_others_are_left() -> None:
    """Two hang; the third serves."""
    desk = Desk([hangs, hangs, well])
    ready = await desk.attempts().first(None)

    assert number_of(ready) == 3
    assert sorted(desk.left) == [1, 2]
    assert desk.counters.sessions_beside == 2


async def test_being_told_the_past_takes_a_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened in time, and slow to take what was said so far: nothing is begun beside it yet."""
    monkeypatch.setattr(attempts, "BESIDE_AFTER_MS", 200.0)

    def slow(engine: FakeEngine) -> None:
        engine.opens, engine.takes_seeds = asyncio.Event(), asyncio.Event()
        asyncio.get_running_loop().call_later(0.15, engine.opens.set)
        asyncio.get_running_loop().call_later(0.25, engine.takes_seeds.set)

    desk = Desk([slow])
    assert number_of(await desk.attempts().first(past)) == 1
    assert desk.counters.sessions_beside == 0


async def test_a_slow_one_may_still_win() -> None:
    """It is not given up because another was begun."""
    desk = Desk([hangs, hangs])
    first = asyncio.create_task(desk.attempts().first(None))
    await wait_until(lambda: len(desk.made) == 2, "a second one is under way")
    opens = desk.made[0].opens
    assert opens is not None
    opens.set()

    assert number_of(await first) == 1
    assert desk.left == [2]


async def test_a_failure_beside_one_that_is_under_way_is_no_failure() -> None:
    """It is counted, and the other one goes on."""
    desk = Desk([hangs, refuses(fatal=False), well])
    assert number_of(await desk.attempts().first(None)) == 3
    assert desk.counters.sessions_failed == 1


async def test_a_fatal_refusal_ends_all_of_them() -> None:
    """The others would be refused as well."""
    desk = Desk([hangs, refuses(fatal=True)])
    with pytest.raises(EngineError) as refused:
        await desk.attempts().first(None)

    assert refused.value.fatal
    assert sorted(desk.left) == [1, 2]


async def test_the_last_failure_is_told() -> None:
    """Where nothing is under way any more."""
    desk = Desk([refuses(fatal=False)])
    with pytest.raises(EngineError, match="connect_refused"):
        await desk.attempts().first(None)
    assert desk.left == [1]


async def test_they_are_bounded_in_number_and_in_time() -> None:
    """A server that never answers holds a few sockets, and not for ever."""
    desk = Desk([hangs] * 20)
    with pytest.raises(EngineError, match="session_unconfirmed"):
        await desk.attempts().first(None, give_up_at_ms=now_ms() + 400)

    assert len(desk.made) == attempts.MAX_ATTEMPTS
    assert sorted(desk.left) == [1, 2, 3, 4]


def begun(desk: Desk, *, age_ms: float = 0.0) -> EarlySession:
    """An attempt of somebody who knew of the call before."""
    engine = desk.make()

    async def opened() -> Ready:
        try:
            return Ready(engine, await engine.open(), now_ms())
        except (EngineError, asyncio.CancelledError):
            desk.leave(engine)
            raise

    return EarlySession(asyncio.create_task(opened()), now_ms() - age_ms)


async def test_one_that_was_begun_is_the_first_attempt() -> None:
    """No other is made for it."""
    desk = Desk([well])
    assert number_of(await desk.attempts().first(None, begun(desk))) == 1
    assert len(desk.made) == 1


async def test_one_that_was_begun_long_ago_gets_another_beside_it_at_once() -> None:
    """It has had its time while the call was not ours."""
    desk = Desk([hangs])
    early = begun(desk, age_ms=60_000)
    task = asyncio.create_task(desk.attempts().first(None, early))
    assert number_of(await task) == 2
    assert desk.left == [1]
    assert desk.counters.sessions_beside == 1


@pytest.mark.parametrize("fatal", [True, False])
async def test_one_that_was_begun_fails_like_any_other(fatal: bool) -> None:
    """It is counted, and what it says is the call's to judge."""
    desk = Desk([refuses(fatal=fatal)])
    with pytest.raises(EngineError, match="connect_refused") as raised:
        await desk.attempts().first(None, begun(desk))
    assert raised.value.fatal is fatal
    assert desk.counters.sessions_failed == 1
    assert desk.left == [1]


@pytest.mark.parametrize("plan", [well, hangs])
async def test_one_that_was_begun_and_never_waited_for_is_left(plan: Callable[[FakeEngine], None]) -> None:
    """The call ends before it asks for its first session."""
    desk = Desk([plan])
    here, early = desk.attempts(), begun(desk)
    await asyncio.wait({early.task}, timeout=0.01)
    here.adopt(early)
    await here.end()
    assert desk.left == [1]


async def test_cancelled_they_are_all_left() -> None:
    """The call ended meanwhile."""
    desk = Desk([hangs, hangs])
    task = asyncio.create_task(desk.attempts().first(None))
    await wait_until(lambda: len(desk.made) == 2, "a second one is under way")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert sorted(desk.left) == [1, 2]
