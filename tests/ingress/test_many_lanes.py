"""200 places over 64 lanes, asked for over HTTP: none is refused below the limit, none is let in above it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from shared.contract.keys import ADMITTED, lane_of
from tests.ingress.harness import Ingress, call_sid, ingress, tags, voice_form
from tests.support.waiting import wait_until

PLACES, LANES, AT_ONCE = 200, 64, 20

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def wide(valkey_url: str) -> AsyncIterator[Ingress]:
    """An ingress of a deployment with many lanes."""
    async with ingress(valkey_url, max_calls=PLACES, lanes=LANES, fallback_number="+15550009999") as running:
        yield running


async def ring(bridge: Ingress, numbers: Iterable[int]) -> dict[int, list[str]]:
    """What each call is answered, some of them at the same moment."""
    waiting, answered = list(numbers), dict[int, list[str]]()
    while waiting:
        some, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
        asked = [bridge.post("/voice", voice_form(number)) for number in some]
        for number, response in zip(some, await asyncio.gather(*asked), strict=True):
            answered[number] = tags(response.text)
    return answered


def streams(answered: dict[int, list[str]]) -> list[int]:
    return [number for number, verbs in answered.items() if verbs == ["Connect", "Redirect"]]


async def test_two_hundred_of_any_lane_are_let_in(wide: Ingress) -> None:
    """And the next ones hear that all lines are busy, until one has ended: then one more, and no other."""
    assert len({lane_of(call_sid(number), LANES) for number in range(PLACES)}) > LANES / 2
    assert len(streams(await ring(wide, range(PLACES)))) == PLACES
    refused = await ring(wide, range(PLACES, PLACES + 50))
    assert set(map(tuple, refused.values())) == {("Say", "Dial", "Hangup")}
    assert await wide.process.store.zcard(ADMITTED) == PLACES
    # A webhook that comes twice is no other call.
    assert len(streams(await ring(wide, range(40)))) == 40

    await wide.post("/call-status", voice_form(7, CallStatus="completed"))

    async def is_free() -> bool:
        return await wide.process.store.zcard(ADMITTED) == PLACES - 1

    await wait_until(is_free, "its place is free")
    assert len(streams(await ring(wide, range(PLACES, PLACES + 20)))) == 1


async def test_all_at_once(wide: Ingress) -> None:
    """More than there are places, in one burst."""
    assert len(streams(await ring(wide, range(PLACES + 60)))) == PLACES
    counters = wide.role._webhooks.counters
    assert (counters.connects, counters.refusals["full"]) == (PLACES, 60)


async def test_who_is_on_the_line_is_never_told_that_it_is_full(wide: Ingress) -> None:
    """A call that comes back streams on, also where Redis has lost its place meanwhile."""
    await ring(wide, range(PLACES))
    back = call_sid(PLACES + 1)
    response = await wide.post("/voice/resume", voice_form(CallSid=back, CallStatus="in-progress"))
    assert tags(response.text) == ["Connect", "Redirect"]
    assert await wide.process.store.zscore(ADMITTED, back) is not None
