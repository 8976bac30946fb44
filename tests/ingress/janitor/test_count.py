"""The count of all calls in one process's hands, on real servers."""

from __future__ import annotations

from ingress.janitor.rules import SETTLED_S
from ingress.janitor.sweep import ROUND_S
from shared.contract.admission.count import OnTheLine
from shared.contract.keys import ADMITTED, COUNTED_BY
from shared.ownership import admitting, steps
from shared.store.client import Store
from tests.ingress.janitor.test_sweep import rounds
from tests.shared.ownership.test_steps import CALL, KEYS, attached

ENDED, UNKNOWN = "CA" + "8" * 32, "CA" + "9" * 32


async def places(store: Store) -> set[str]:
    return {member.decode() for member in await store.zrange(ADMITTED, 0, -1)}


async def test_what_was_missed_is_made_up_for(store: Store, redis_url: str) -> None:
    """A call that is over gives its place back with the next round, one that nobody knows after a while; one
    that is on the line gets one."""
    await attached(store)
    await store.hset(KEYS.card(ENDED), "state", "ended")
    await admitting.hold(store, [OnTheLine(ENDED), OnTheLine(UNKNOWN)])
    async with rounds(store, redis_url) as it:
        await it.go(ROUND_S)
        assert await places(store) == {CALL, UNKNOWN}
        await it.go(SETTLED_S)
        assert await places(store) == {CALL}
        assert it.done() == {"vacate": 2, "readmit": 1}


async def test_a_call_that_rings_keeps_its_place(store: Store, redis_url: str) -> None:
    """Its webhook comes again and again: each time it is a new lease."""
    async with rounds(store, redis_url) as it:
        for _ in range(8):
            await admitting.admit_again(store, CALL)
            await it.go(2 * ROUND_S)
        assert await places(store) == {CALL}
        assert it.done() == {}


async def test_calls_of_all_lanes_are_looked_at(store: Store, redis_url: str) -> None:
    """The count is one for all of them."""
    async with rounds(store, redis_url) as it:
        process = it.janitor.process
        object.__setattr__(process.keys, "lanes", 8)
        calls = [f"CA{number:032x}" for number in range(20)]
        for call in calls:
            lane = process.keys.lane(call)
            await store.zadd(process.keys.live(lane), {call: 1.0})
            await store.hset(process.keys.card(call), "state", "attached")
        await it.go(ROUND_S)
        assert await places(store) == set(calls)


async def test_two_do_not_both_hold_the_count(store: Store, redis_url: str) -> None:
    """The second one's turn comes when the lease of the first has lapsed; that it has a lane, or none, has no
    say."""
    async with rounds(store, redis_url) as first, rounds(store, redis_url, 1) as second:
        await first.go(ROUND_S)
        await second.go(ROUND_S)
        assert (first.janitor._count.is_ours, second.janitor._count.is_ours) == (True, False)
        await store.delete(COUNTED_BY)
        await second.go(ROUND_S)
        await first.go(ROUND_S)
        assert (first.janitor._count.is_ours, second.janitor._count.is_ours) == (False, True)


async def test_a_count_of_another_kind_keeps_no_lane_from_its_turn(store: Store, redis_url: str) -> None:
    """Somebody has written there."""
    await attached(store)
    await steps.end(store, KEYS, CALL, outcome="x", by="me")
    await store.redis.set(ADMITTED, "nonsense")
    await store.zadd(KEYS.live(0), {CALL: 1.0, UNKNOWN: 1.0})
    await store.hset(KEYS.card(UNKNOWN), "state", "attached")
    async with rounds(store, redis_url) as it:
        await it.go(6 * ROUND_S)
        assert it.janitor.counters.rounds > 0
        assert it.janitor.counters.late > 0
