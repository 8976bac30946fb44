"""What is done in each lane: what one that fails is to the others."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from shared.ownership.each_lane import each_lane
from shared.store.client import Store

ONE = Store(None)


class Apart(Store):
    """Of a Cluster."""

    @property
    def is_cluster(self) -> bool:
        return True


async def test_on_a_cluster_no_lane_waits_for_another() -> None:
    """Neither for one that fails, nor for one whose answer does not come."""
    away, last_is_done = RedisConnectionError("away"), asyncio.Event()

    async def work(lane: int) -> None:
        if lane == 0:
            await last_is_done.wait()
        if lane == 1:
            raise away
        if lane == 2:
            last_is_done.set()

    async with asyncio.timeout(5):
        assert await each_lane(Apart(None), range(3), work) == {1: away}


async def test_those_that_answer_go_one_by_one() -> None:
    """Answers that come together would hold up what else the loop has to do."""
    now, most = 0, 0

    async def work(lane: int) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    assert await each_lane(Apart(None), range(64), work) == {}
    assert most == 1


async def test_where_one_server_has_all_lanes_nobody_goes_on_in_vain() -> None:
    """Each would wait for the same time-out. A key of the wrong type is the fault of its lane alone."""
    wrong, away, asked = ResponseError("WRONGTYPE no set"), RedisConnectionError("away"), list[int]()

    async def work(lane: int) -> None:
        asked.append(lane)
        if lane == 1:
            raise wrong
        if lane == 3:
            raise away

    assert await each_lane(ONE, range(6), work) == {1: wrong, 3: away, 4: away, 5: away}
    assert asked == [0, 1, 2, 3]


@pytest.mark.parametrize("store", [ONE, Apart(None)])
async def test_a_bug_is_raised(store: Store) -> None:
    """It is no server's fault."""

    async def work(lane: int) -> None:
        raise ValueError(lane)

    with pytest.raises(ValueError, match="0"):
        await each_lane(store, range(2), work)
