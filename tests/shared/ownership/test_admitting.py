"""The count of all calls on real servers: exact whatever the lanes, whoever asks twice, whatever is lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.exceptions import OutOfMemoryError

from shared.clock import wall_ms
from shared.contract.admission.count import DAY_MS, HELD_MS, CallerBounds, OnTheLine, PlaceAnswer
from shared.contract.keys import ADMITTED, COUNTED_BY, MODEL, caller_day, lane_of
from shared.contract.steps import Leg
from shared.contract.streams.calls import RINGING_MS
from shared.ownership import admitting, steps
from shared.store.client import Store
from tests.conftest import without_ttl
from tests.shared.ownership.test_steps import CALL, KEYS, attached
from tests.shared.store.writing.test_outbox_refused import refusing

CALLER = "0f" * 16
MINUTE_MS = 60_000


def sid(number: int) -> str:
    return f"CA{number:032x}"


async def places(store: Store) -> set[str]:
    return {member.decode() for member in await store.zrange(ADMITTED, 0, -1)}


async def test_none_is_refused_below_the_limit_and_none_let_in_above_it(store: Store) -> None:
    """200 places, 64 lanes, 300 calls at the same moment, each webhook twice."""
    calls = [sid(number) for number in range(300)]
    assert len({lane_of(call, 64) for call in calls}) > 50
    answers = await asyncio.gather(*(admitting.admit(store, call, most=200) for call in [*calls, *calls]))
    let_in = {call for call, answer in zip([*calls, *calls], answers, strict=True) if not answer.refused}
    assert len(let_in) == 200
    assert await places(store) == let_in
    assert all(answer == PlaceAnswer(200, "full") for answer in answers if answer.refused)
    assert await without_ttl(store) == []


async def test_a_place_lasts_until_the_stream_is_due_and_then_as_long_as_the_call(any_store: Store) -> None:
    """By the server's clock; a webhook that comes again shortens nothing."""
    await admitting.admit(any_store, CALL, most=1)
    ends_ms = await any_store.zscore(ADMITTED, CALL)
    assert ends_ms == pytest.approx(wall_ms() + RINGING_MS, abs=5_000)
    assert await admitting.hold(any_store, [OnTheLine(CALL)]) == 0
    held_ms = await any_store.zscore(ADMITTED, CALL)
    assert held_ms == pytest.approx(wall_ms() + HELD_MS, abs=5_000)
    assert await admitting.admit(any_store, CALL, most=1) == PlaceAnswer(1, had_it=True)
    assert await any_store.zscore(ADMITTED, CALL) == held_ms


async def test_a_lease_that_is_over_is_no_place(any_store: Store) -> None:
    """Its stream never came."""
    await admitting.admit(any_store, CALL, most=1)
    assert (await admitting.admit(any_store, sid(7), most=1)).refused == "full"
    await any_store.zadd(ADMITTED, {CALL: 1.0})
    assert await admitting.admit(any_store, sid(7), most=1) == PlaceAnswer(1)
    assert await places(any_store) == {sid(7)}


async def test_who_is_on_the_line_has_a_place_above_the_limit_too(any_store: Store) -> None:
    """Redis had lost it: by the webhook of its next stream, or by whoever holds its socket."""
    await admitting.admit(any_store, sid(1), most=1)
    assert not (await admitting.admit_again(any_store, sid(2))).refused
    assert await admitting.hold(any_store, [OnTheLine(sid(3)), OnTheLine(sid(1))]) == 1
    assert await places(any_store) == {sid(1), sid(2), sid(3)}
    assert await admitting.admit(any_store, sid(4), most=3) == PlaceAnswer(3, "full")


async def test_an_end_gives_the_place_back(any_store: Store) -> None:
    """Of a call that was attached, and of one that only rang; not an end that is no end."""
    await attached(any_store)
    for call in (CALL, sid(9)):
        await admitting.admit(any_store, call, most=9)
    not_due = Leg(CALL, 1, "MZ" + "0" * 31 + "1")
    await steps.end(any_store, KEYS, CALL, outcome="x", by="me", if_due=not_due)
    assert await places(any_store) == {CALL, sid(9)}
    for call in (CALL, CALL, sid(9)):
        await steps.end(any_store, KEYS, call, outcome="hangup", by="me")
    assert await places(any_store) == set()


async def test_a_place_that_was_renewed_since_it_was_seen_stays(any_store: Store) -> None:
    """Whoever holds the count saw it of a call without a card, which then came."""
    await admitting.admit(any_store, sid(1), most=9)
    await admitting.admit(any_store, sid(2), most=9)
    seen = [(call, await any_store.zscore(ADMITTED, call) or 0.0) for call in (sid(1), sid(2), sid(3))]
    await admitting.hold(any_store, [OnTheLine(sid(2))])
    assert await admitting.vacate(any_store, seen) == 1
    assert await places(any_store) == {sid(2)}


async def test_many_go_in_several_steps(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none without any."""
    monkeypatch.setattr(admitting, "AT_ONCE", 2)
    assert await admitting.hold(any_store, []) == await admitting.vacate(any_store, []) == 0
    assert await admitting.hold(any_store, [OnTheLine(sid(number)) for number in range(5)]) == 5


async def test_a_redis_without_memory_lets_nobody_in(store: Store, redis_url: str) -> None:
    """Their streams could not be attached. It takes places back all the same."""
    await admitting.hold(store, [OnTheLine(CALL)])
    with refusing(redis_url, "OOM"):
        with pytest.raises(OutOfMemoryError):
            await admitting.admit(store, sid(1), most=9)
        await admitting.leave(store, CALL)
    assert await places(store) == set()


async def test_one_holds_the_count_until_its_time_is_over(any_store: Store) -> None:
    """As of a lane."""
    assert await admitting.take_count(any_store, "ingress-0@h#1") == "ingress-0@h#1"
    assert await admitting.take_count(any_store, "ingress-1@h#1") == "ingress-0@h#1"
    await any_store.delete(COUNTED_BY)
    assert await admitting.take_count(any_store, "ingress-1@h#1") == "ingress-1@h#1"
    assert await without_ttl(any_store) == []


async def test_what_is_left_of_the_model_is_read(any_store: Store) -> None:
    """None before anybody has said."""
    assert await admitting.model_left(any_store) is None
    await any_store.hset(MODEL, "left", "0.25")
    assert await admitting.model_left(any_store) == 0.25


# What a caller may have.


async def asked(store: Store, number: int, **bounds: int) -> str:
    """Why a call of the caller is refused."""
    answer = await admitting.admit(store, sid(number), most=99, caller=CALLER, bounds=CallerBounds(**bounds))
    return answer.refused


async def test_calls_of_a_caller_at_once(any_store: Store) -> None:
    """The second is refused until the first has ended, and not a moment longer; a webhook that comes twice
    is one call."""
    assert [await asked(any_store, 1, at_once=1) for _ in range(2)] == ["", ""]
    assert await asked(any_store, 2, at_once=1) == "caller_at_once"
    assert await asked(any_store, 2, at_once=2) == ""
    await admitting.leave(any_store, sid(1))
    assert await asked(any_store, 3, at_once=2) == ""
    assert await without_ttl(any_store) == []


async def test_calls_of_a_caller_in_a_day(any_store: Store) -> None:
    """Ended ones too, but not those of the day before; refused ones are none."""
    for number in (1, 2):
        assert await asked(any_store, number, calls=2) == ""
        await admitting.leave(any_store, sid(number))
    assert [await asked(any_store, 3, calls=2) for _ in range(3)] == ["caller_calls"] * 3
    before_ms = wall_ms() - DAY_MS - MINUTE_MS
    await any_store.hset(caller_day(CALLER), sid(1), f"{before_ms} {before_ms} 0 0")
    assert await asked(any_store, 3, calls=2) == ""
    assert await any_store.hget(caller_day(CALLER), sid(1)) is None


async def test_minutes_of_a_caller_in_a_day(any_store: Store) -> None:
    """All that was on the line, also of a call that still is: HOLD says until when."""
    assert await asked(any_store, 1, minutes=10) == ""
    began_ms = wall_ms() - 11 * MINUTE_MS
    await any_store.hset(caller_day(CALLER), sid(1), f"{began_ms} {began_ms} 0 0")
    assert await asked(any_store, 2, minutes=10) == ""
    await admitting.hold(any_store, [OnTheLine(sid(1), CALLER)])
    assert await asked(any_store, 3, minutes=10) == "caller_minutes"
    assert await asked(any_store, 3, minutes=12) == ""


async def test_transfers_of_a_caller_in_a_day(any_store: Store) -> None:
    """Of all their calls; a webhook that is asked again is none."""

    async def dials(number: int, which: int) -> bool:
        return await admitting.dials(any_store, sid(number), caller=CALLER, which=which, most=2)

    assert [await dials(1, 2), await dials(1, 2), await dials(2, 1)] == [True, True, True]
    assert [await dials(1, 3), await dials(3, 1)] == [False, False]
    assert await dials(1, 2)
    assert await without_ttl(any_store) == []


async def test_what_is_not_bounded_is_not_written_down(any_store: Store) -> None:
    """Nothing is kept of anybody unless an operator has asked for it."""
    await asked(any_store, 1)
    await admitting.hold(any_store, [OnTheLine(sid(1))])
    assert [key async for key in any_store.scan_iter()] == [ADMITTED.encode()]


async def test_a_place_that_is_refused_for_others_is_no_call_of_the_callers(any_store: Store) -> None:
    """The deployment was full."""
    await admitting.admit(any_store, sid(8), most=1)
    bounds = CallerBounds(calls=5)
    full = await admitting.admit(any_store, sid(1), most=1, caller=CALLER, bounds=bounds)
    assert full.refused == "full"
    assert not await any_store.exists(caller_day(CALLER))


# Whatever happens, in whatever order.


@dataclass
class Model:
    """What the count must say: who has a place, and whose lease is over."""

    most: int
    has: set[str] = field(default_factory=set)
    lapsed: set[str] = field(default_factory=set)

    def admit(self, call: str, *, always: bool = False) -> PlaceAnswer:
        self.has -= self.lapsed
        self.lapsed.clear()
        had_it = call in self.has
        if not had_it and not always and len(self.has) >= self.most:
            return PlaceAnswer(len(self.has), "full")
        self.has.add(call)
        return PlaceAnswer(len(self.has), had_it=had_it)

    def hold(self, call: str) -> int:
        self.lapsed.discard(call)
        added = call not in self.has
        self.has.add(call)
        return int(added)

    def leave(self, call: str) -> None:
        self.has.discard(call)
        self.lapsed.discard(call)


WORDS = ("rings", "rings_and_hears_nothing", "streams", "comes_back", "ends", "lapses", "is_forgotten")
steps_of_calls = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 5)), max_size=40)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(most=st.integers(1, 4), history=steps_of_calls)
async def test_the_count_is_exact_in_every_order(
    store: Store, most: int, history: list[tuple[str, int]]
) -> None:
    """Reservations that are asked again because the answer was lost, streams, resumes, ends, leases that run
    out, a Redis that forgets: the answers are those of a set."""
    await store.delete(ADMITTED)
    model = Model(most)
    for word, number in history:
        call = sid(number)
        match word:
            case "rings":
                assert await admitting.admit(store, call, most=most) == model.admit(call)
            case "rings_and_hears_nothing":
                await admitting.admit(store, call, most=most)
                was_refused = bool(model.admit(call).refused)
                again = await admitting.admit(store, call, most=most)
                assert again == model.admit(call)
                assert bool(again.refused) == was_refused
            case "streams":
                assert await admitting.hold(store, [OnTheLine(call)]) == model.hold(call)
            case "comes_back":
                assert await admitting.admit_again(store, call) == model.admit(call, always=True)
            case "ends":
                await admitting.leave(store, call)
                model.leave(call)
            case "lapses" if call in model.has:
                await store.zadd(ADMITTED, {call: 1.0})
                model.lapsed.add(call)
            case "is_forgotten":
                await store.zrem(ADMITTED, call)
                model.leave(call)
        assert await places(store) == model.has
