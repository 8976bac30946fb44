"""What is done in each lane, so that a lane whose server is away keeps none of the others waiting.

Why it exists: on a Cluster each lane has a master of its own, and a loop over the lanes that ends at the
first one that fails does nothing for those behind it, on masters that are well, until that one is back. Owns:
how many lanes are asked at a time, when it is in vain to go on. Must not know: what is done in a lane.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.store.client import Store
from shared.store.errors import STORE_ERRORS, is_of_the_moment

AT_ONCE = 16
"""Lanes of a Cluster that are asked side by side: half of the connections that a store has to one server."""

LaneWork = Callable[[int], Awaitable[None]]
"""Done in a lane, and idempotent. May raise STORE_ERRORS."""


async def each_lane(store: Store, lanes: Sequence[int], work: LaneWork) -> dict[int, Exception]:
    """Does `work` in each lane; returns those in which it failed, and by which of STORE_ERRORS. What else it
    raises is raised. Cancelled, some lanes are left out.

    Where one server has all lanes they are taken in turn, and those after the first that meets it away are
    left out with the same error.
    """
    return await (_side_by_side(lanes, work) if store.is_cluster else _in_turn(lanes, work))


# Private.


async def _side_by_side(lanes: Sequence[int], work: LaneWork) -> dict[int, Exception]:
    failed: dict[int, Exception] = {}
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(lane: int) -> None:
        try:
            async with turns:
                await work(lane)
        except STORE_ERRORS as error:
            failed[lane] = error

    await asyncio.gather(*(one(lane) for lane in lanes))
    return failed


async def _in_turn(lanes: Sequence[int], work: LaneWork) -> dict[int, Exception]:
    failed: dict[int, Exception] = {}
    for place, lane in enumerate(lanes):
        try:
            await work(lane)
        except STORE_ERRORS as error:
            if is_of_the_moment(error):
                return failed | dict.fromkeys(lanes[place:], error)
            failed[lane] = error
    return failed
