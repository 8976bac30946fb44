"""How long a webhook waits for Redis, and for the others that ask."""

from __future__ import annotations

import asyncio

import pytest

from ingress.web import store_turns
from ingress.web.store_turns import AT_ONCE, StoreTurns
from shared.clock import now_ms
from tests.support.waiting import held_clock, wait_until

SID, OTHER = "CA1", "CA2"


class Redis:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()

    async def ask(self) -> str:
        self.asked += 1
        await self.answers.wait()
        return "found"


async def test_the_answer_is_returned() -> None:
    """At once, if nobody else asks."""
    redis = Redis()
    redis.answers.set()
    assert await StoreTurns(lambda _: None).ask(SID, redis.ask) == "found"


async def test_a_herd_waits_for_its_turn() -> None:
    """No more than some are at it; the others have a whole answer's time of their own after it."""
    made, redis = StoreTurns(lambda _: None), Redis()
    with held_clock() as clock:
        asked = [asyncio.create_task(made.ask(SID, redis.ask)) for _ in range(AT_ONCE + 5)]
        await clock.let_pass(store_turns.ANSWERED_WITHIN_S - 0.1)
        assert redis.asked == AT_ONCE
        redis.answers.set()
        await clock.let_pass(0.2)
        await clock.let_pass(0)
    assert await asyncio.gather(*asked) == ["found"] * (AT_ONCE + 5)


async def test_a_turn_is_not_waited_for_for_ever() -> None:
    """The proxy in front would give up first."""
    made, redis = StoreTurns(lambda _: None), Redis()
    made._turns = asyncio.Semaphore(0)
    with held_clock() as clock:
        asked = asyncio.create_task(made.ask(SID, redis.ask))
        await clock.let_pass(0)
        await clock.let_pass(store_turns.TURN_WITHIN_S + 0.1)
        with pytest.raises(TimeoutError):
            await asked
    assert redis.asked == 0


async def test_an_answer_that_does_not_come() -> None:
    """After its time the turn is the next one's."""
    made, redis = StoreTurns(lambda _: None), Redis()
    with held_clock() as clock:
        asked = [asyncio.create_task(made.ask(SID, redis.ask)) for _ in range(AT_ONCE + 1)]
        await clock.let_pass(0)
        await clock.let_pass(store_turns.ANSWERED_WITHIN_S + 0.1)
        await clock.let_pass(0)
        assert redis.asked == AT_ONCE + 1
        redis.answers.set()
        told = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in told] == [TimeoutError] * AT_ONCE + [str]


@pytest.mark.parametrize(("away_for_ms", "gives_up"), [(2_000.0, True), (10.0, False)])
async def test_nobody_waits_for_a_redis_that_is_away(away_for_ms: float, gives_up: bool) -> None:
    """All give up within the one time, those behind the others too; a new connection is no outage."""
    since_ms = now_ms() - away_for_ms
    made, redis = StoreTurns(lambda _: since_ms), Redis()
    with held_clock() as clock:
        asked = [asyncio.create_task(made.ask(SID, redis.ask)) for _ in range(AT_ONCE * 3)]
        await clock.let_pass(0)
        await clock.let_pass(store_turns.ANSWERED_WITHIN_S + 0.1)
        await clock.let_pass(0)
        assert all(each.done() for each in asked) is gives_up
        redis.answers.set()
        await asyncio.gather(*asked, return_exceptions=True)


class Away:
    """Refuses until it is back."""

    def __init__(self, since_ms: float | None) -> None:
        self.since_ms = since_ms
        self.is_back = False
        self.asked = 0

    async def ask(self) -> str:
        self.asked += 1
        if not self.is_back:
            raise ConnectionError
        return "found"


async def test_a_call_that_goes_on_waits_for_a_redis_that_has_just_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is asked again, for a while; a caller who rings is not kept waiting."""
    monkeypatch.setattr(store_turns, "PATIENT_MS", 300.0)
    monkeypatch.setattr(store_turns, "AGAIN_S", 0.01)
    redis = Away(now_ms())
    made = StoreTurns(lambda _: redis.since_ms)
    with pytest.raises(ConnectionError):
        await made.ask(SID, redis.ask)
    before = redis.asked
    asked = asyncio.create_task(made.ask_patiently(SID, redis.ask))
    await wait_until(lambda: redis.asked >= before + 3, "it is asked again and again")
    assert not asked.done()
    redis.is_back = True
    assert await asked == "found"
    redis.is_back, began_ms = False, now_ms()
    with pytest.raises(ConnectionError):
        await made.ask_patiently(SID, redis.ask)
    assert now_ms() - began_ms >= 300


async def test_a_redis_that_is_long_gone_is_not_waited_for() -> None:
    """Who comes then was sent to hear the apology."""
    redis = Away(now_ms() - store_turns.AWAY_MOST_MS - 1)
    with pytest.raises(ConnectionError):
        await StoreTurns(lambda _: redis.since_ms).ask_patiently(SID, redis.ask)


async def test_calls_of_a_lane_that_is_away_keep_no_others_from_their_turns() -> None:
    """However many they are: on a Cluster the others' Redis answers at once."""
    since_ms = now_ms() - 2_000.0
    made, away, well = StoreTurns(lambda sid: since_ms if sid == OTHER else None), Redis(), Redis()
    well.answers.set()
    with held_clock() as clock:
        asked = [asyncio.create_task(made.ask(OTHER, away.ask)) for _ in range(AT_ONCE * 3)]
        await clock.let_pass(0)
        assert await made.ask(SID, well.ask) == "found"
        await clock.let_pass(store_turns.ANSWERED_WITHIN_S + 0.1)
        await clock.let_pass(0)
        told = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(each) for each in told} == {TimeoutError}
