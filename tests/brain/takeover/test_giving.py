"""A draining brain gives its calls away: whom it asks, what it does with each answer, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from brain.takeover import giving as module
from brain.takeover import handover
from brain.takeover.giving import AT_ONCE, GivenCall, Giving
from shared.contract.streams.doorbell import Ring, Why
from shared.ownership.counters import Where
from shared.store.client import Store
from tests.brain.stage import sid
from tests.brain.takeover.staff import CAPACITY, Siblings, alone
from tests.support.waiting import running, wait_until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks and ticks follow one another at once."""
    monkeypatch.setattr(module, "TICK_S", 0.002)
    monkeypatch.setattr(module, "LOOK_MS", 5.0)


@dataclass
class Call:
    """A call that may be given away, and to whom it was."""

    call_sid: str
    quiet: bool = True
    given: list[str] = field(default_factory=list)
    bug: Exception | None = None

    def may_be_given(self) -> bool:
        return not self.given

    def is_quiet(self, *, may_play: bool) -> bool:
        if self.bug is not None:
            raise self.bug
        return self.quiet

    def hand_over(self, heir: str) -> None:
        self.given.append(heir)


@dataclass
class Office:
    """A brain that gives its calls away, and its siblings."""

    giving: Giving
    siblings: Siblings
    calls: list[Call]

    async def asked(self, heir: str, call: Call) -> None:
        async def is_asked() -> bool:
            return Ring(call.call_sid, Why.PREPARE, self.giving.process.name) in await self.siblings.rung(
                heir
            )

        await wait_until(is_asked, f"{heir} is asked for {call.call_sid}")

    async def answer(self, heir: str, call: Call, *, is_ready: bool) -> None:
        """The heir answers, once it was asked."""
        await self.asked(heir, call)
        self.giving.answered(call.call_sid, heir, is_ready=is_ready)

    async def was_given(self, call: Call, heir: str) -> None:
        await wait_until(lambda: bool(call.given), "the call is given", say=lambda: call.given)
        assert call.given == [heir]


@asynccontextmanager
async def office(
    store: Store, redis_url: str, *loads: int, n_calls: int = 1, may_stay: bool = False
) -> AsyncIterator[tuple[Office, list[Call], list[str]]]:
    """`loads`: how many calls each sibling has. It runs when the block has begun."""
    async with alone(store, redis_url) as (process, siblings):
        names = [await siblings.add(number, calls=calls) for number, calls in enumerate(loads, 1)]
        calls = [Call(sid(number)) for number in range(1, n_calls + 1)]
        given: list[GivenCall] = list(calls)
        giving = Giving(process, lambda: given, may_stay=may_stay)
        async with running(giving.run()):
            yield Office(giving, siblings, calls), calls, names
            assert process.fatal is None


async def test_the_least_loaded_is_asked_in_our_name_and_gets_the_call(store: Store, redis_url: str) -> None:
    """When it is ready and nobody speaks; nobody else is asked."""
    async with office(store, redis_url, 5, 2) as (here, (call,), (busy, idle)):
        call.quiet = False
        await here.answer(idle, call, is_ready=True)
        assert not call.given
        call.quiet = True
        await here.was_given(call, idle)
        assert await here.siblings.rung(busy) == []


async def test_an_heir_that_declines_is_asked_once(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then another one, at once, and then the call is released for whoever comes first."""
    monkeypatch.setattr(handover, "READY_WITHIN_MS", 60_000.0)
    async with office(store, redis_url, 1, 2) as (here, (call,), (first, second)):
        await here.answer(first, call, is_ready=False)
        await here.answer(second, call, is_ready=False)
        await here.was_given(call, "")
        assert [len(await here.siblings.rung(name)) for name in (first, second)] == [1, 1]


async def test_an_heir_that_is_late_is_not_waited_for(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one is asked; what the late one says then changes nothing."""
    monkeypatch.setattr(handover, "READY_WITHIN_MS", 50.0)
    async with office(store, redis_url, 1, 2) as (here, (call,), (late, other)):
        call.quiet = False
        await here.asked(late, call)
        await here.asked(other, call)
        monkeypatch.setattr(handover, "READY_WITHIN_MS", 60_000.0)
        await here.answer(other, call, is_ready=True)
        here.giving.answered(call.call_sid, late, is_ready=False)
        call.quiet = True
        await here.was_given(call, other)


async def test_an_heir_that_dies_with_a_session_ready_gets_nothing(store: Store, redis_url: str) -> None:
    """Its neighbour is asked."""
    async with office(store, redis_url, 1, 2) as (here, (call,), (dead, other)):
        call.quiet = False
        await here.answer(dead, call, is_ready=True)
        here.siblings.die(dead)
        await here.answer(other, call, is_ready=True)
        call.quiet = True
        await here.was_given(call, other)


async def test_two_calls_do_not_get_the_one_place_of_an_heir(store: Store, redis_url: str) -> None:
    """The first has it; the second goes to whoever comes first, without a word to a full one."""
    async with office(store, redis_url, CAPACITY - 1, n_calls=2) as (here, (first, second), (heir,)):
        await here.was_given(second, "")
        await here.answer(heir, first, is_ready=True)
        await here.was_given(first, heir)
        assert [ring.call_sid for ring in await here.siblings.rung(heir)] == [first.call_sid]


async def test_some_calls_are_given_at_once_and_the_rest_after_them(store: Store, redis_url: str) -> None:
    """Each opens a session: not all of them in the same moment."""
    async with office(store, redis_url, 1, 1, n_calls=AT_ONCE + 1) as (here, calls, names):

        async def heirs() -> dict[str, str]:
            return {ring.call_sid: name for name in names for ring in await here.siblings.rung(name)}

        async def are_asked(count: int) -> bool:
            return len(await heirs()) == count

        await wait_until(lambda: are_asked(AT_ONCE), "as many as may be are asked for")
        by_call = await heirs()
        done = next(call for call in calls if call.call_sid in by_call)
        await here.answer(by_call[done.call_sid], done, is_ready=True)
        await wait_until(lambda: are_asked(AT_ONCE + 1), "the last one has its turn")


async def test_a_bug_in_one_calls_hand_over_does_not_stop_the_others(store: Store, redis_url: str) -> None:
    """It is noted, and the role is told whose it was."""
    async with office(store, redis_url, 1, n_calls=2) as (here, (broken, whole), (heir,)):
        told: list[str] = []
        here.giving.process.guard.on_bug = told.append
        broken.bug = ValueError("a bug")
        await here.answer(heir, whole, is_ready=True)
        await here.was_given(whole, heir)
        assert set(told) == {broken.call_sid}
        assert here.giving.process.ownership.bugs[Where.LOOK] >= 1
        assert not broken.given


async def test_an_answer_that_nobody_asked_for_is_passed_over(store: Store, redis_url: str) -> None:
    """Of a call that is gone, or from a brain that was not asked."""
    async with office(store, redis_url, 1, 2) as (here, (call,), (asked, other)):
        here.giving.answered(sid(9), asked, is_ready=True)
        await here.asked(asked, call)
        here.giving.answered(call.call_sid, other, is_ready=True)
        here.giving.answered(call.call_sid, other, is_ready=False)
        await here.answer(asked, call, is_ready=True)
        await here.was_given(call, asked)


async def test_a_call_stays_where_the_process_lives_on_until_somebody_takes_it(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator has taken the only brain out: nobody takes its call, nor declines it, until a sibling is
    there; one that declines is asked again later."""
    monkeypatch.setattr(handover, "AGAIN_AFTER_MS", 20.0)
    async with office(store, redis_url, may_stay=True) as (here, (call,), _):
        await wait_until(lambda: here.giving._looked_at_ms > 0, "it has looked")
        heir = await here.siblings.add(1)
        await here.answer(heir, call, is_ready=False)

        async def is_asked_again() -> bool:
            return len(await here.siblings.rung(heir)) == 2

        await wait_until(is_asked_again, "it is asked again")
        assert not call.given
        here.giving.answered(call.call_sid, heir, is_ready=True)
        await here.was_given(call, heir)


async def test_a_call_that_stayed_is_released_when_the_process_ends(store: Store, redis_url: str) -> None:
    """An operator's drain that becomes the end of the process."""
    async with office(store, redis_url, may_stay=True) as (here, (call,), _):
        await wait_until(lambda: bool(here.giving._under_way), "it is sought for")
        assert not call.given
        here.giving.may_stay = False
        await here.was_given(call, "")


async def test_without_redis_nothing_is_given(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release would not get through, and who is there is not known."""
    looks: list[int] = []

    async def away(*_: object) -> list[object]:
        looks.append(1)
        raise ConnectionError

    there = module.read_workers
    monkeypatch.setattr(module, "read_workers", away)
    async with office(store, redis_url) as (here, (call,), _):
        await wait_until(lambda: len(looks) > 3, "it has looked in vain")
        assert not call.given
        monkeypatch.setattr(module, "read_workers", there)
        await here.was_given(call, "")
