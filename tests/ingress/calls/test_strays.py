"""Calls that Redis says are at this ingress, and that are not, on real servers."""

from __future__ import annotations

from dataclasses import replace

from ingress.calls.ending import ABANDONED
from ingress.calls.strays import UNKNOWN_LOOKS, Strays
from shared.contract.steps import NewStream
from shared.ownership import steps
from shared.ownership.counters import Where
from tests.ingress.harness import Ingress, call_sid, ingress, stream_sid


def told(bridge: Ingress, number: int = 7) -> NewStream:
    """A stream as this ingress would attach it."""
    return NewStream(
        call_sid=call_sid(number), stream_sid=stream_sid(number), ingress=bridge.process.name, nonce="n",
        caller_number="", called_number="", agent="",
    )  # fmt: skip


def ours(bridge: Ingress) -> Strays:
    """One whose looks are the test's."""
    board = bridge.role.switchboard
    return Strays(bridge.process, board.table, board._registry, board.counters)


async def looks(strays: Strays, times: int = UNKNOWN_LOOKS) -> None:
    for _ in range(times):
        await strays.look()


async def test_a_call_that_nobody_has_here_is_let_go_of(bridge: Ingress) -> None:
    """An answer of ATTACH was lost, or an older snapshot came back: as a stream that was lost, with an
    outcome of its own."""
    process, strays = bridge.process, ours(bridge)
    await steps.attach(process.store, process.keys, told(bridge), max_resumes=3)
    await looks(strays, UNKNOWN_LOOKS - 1)
    assert await bridge.is_in_state("attached", 7)
    await looks(strays, 1)
    card = await bridge.card(7)
    assert (card["state"], card["deadline_outcome"]) == ("detached", ABANDONED)
    assert await process.store.zscore(process.keys.deadlines(0), call_sid(7)) is not None
    assert await process.store.smembers(process.keys.owned(0, process.name)) == set()


async def test_a_call_that_is_here_stays(bridge: Ingress) -> None:
    """However often it is looked."""
    await bridge.live()
    await looks(ours(bridge), 5)
    assert await bridge.is_in_state("attached")
    assert bridge.role.switchboard.counters.strays == 0


async def test_a_list_that_is_wrong_is_mended_and_the_call_left_alone(bridge: Ingress) -> None:
    """It is at another ingress, or nowhere at all; a card that is none is noted and left."""
    process, strays = bridge.process, ours(bridge)
    store, owned = process.store, process.keys.owned(0, process.name)
    await steps.attach(store, process.keys, replace(told(bridge), ingress="ingress-9@h#9"), max_resumes=3)
    await store.redis.set(process.keys.card(call_sid(8)), "no card")
    await store.sadd(owned, call_sid(7), call_sid(8), "nonsense")
    await looks(strays)
    assert await bridge.is_in_state("attached", 7)
    assert await store.smembers(owned) == {call_sid(8).encode()}
    assert process.ownership.bugs[Where.LOOK] == 1


async def test_a_lane_that_cannot_be_asked_keeps_no_other_from_its_turn(valkey_url: str) -> None:
    """There is no list in it; on a Cluster its master may be away."""
    async with ingress(valkey_url, lanes=2) as bridge:
        process, strays = bridge.process, ours(bridge)
        well = next(number for number in range(50) if process.keys.lane(call_sid(number)) == 1)
        await process.store.redis.set(process.keys.owned(0, process.name), "no list")
        await steps.attach(process.store, process.keys, told(bridge, well), max_resumes=3)
        await looks(strays)
        assert await bridge.is_in_state("detached", well)
