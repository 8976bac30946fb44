"""What is done in each lane, so that a lane whose server is away keeps none of the others waiting.

Why it exists: on a Cluster each lane has a master of its own, and a loop over the lanes that ends at the
first one that fails does nothing for those behind it, on masters that are well, until that one is back. Owns:
when the next lane is asked, when it is in vain to go on. Must not know: what is done in a lane.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.store.client import Store
from shared.store.errors import STORE_ERRORS, is_of_the_moment

NEXT_AFTER_S = 0.03
"""A lane of a Cluster that has not answered by then keeps no other from its turn. Those that do answer go one
by one: sixteen answers that come together hold up the frames that the same loop has to send, by 10 ms."""

LaneWork = Callable[[int], Awaitable[None]]
"""Done in a lane, and idempotent. May raise STORE_ERRORS."""


async def each_lane(store: Store, lanes: Sequence[int], work: LaneWork) -> dict[int, Exception]:
    """Does `work` in each lane; returns those in which it failed, and by which of STORE_ERRORS. What else it
    raises is raised. Cancelled, some lanes are left out.

    Where one server has all lanes they are taken in turn, and those after the first that meets it away are
    left out with the same error.
    """
    return await (_one_by_one(lanes, work) if store.is_cluster else _in_turn(lanes, work))


# Private.


async def _one_by_one(lanes: Sequence[int], work: LaneWork) -> dict[int, Exception]:
    failed: dict[int, Exception] = {}

    async def one(lane: int) -> None:
        try:
            await work(lane)
        except STORE_ERRORS as error:
            failed[lane] = error

    begun: list[asyncio.Task[None]] = []
    try:
        for lane in lanes:
            begun.append(asyncio.create_task(one(lane), name=f"lane-{lane}"))
            await asyncio.wait(begun[-1:], timeout=NEXT_AFTER_S)
        await asyncio.gather(*begun)
    finally:
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
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
