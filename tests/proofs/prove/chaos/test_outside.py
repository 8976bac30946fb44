"""How faults of Redis and of the model are brought about."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from redis.exceptions import ResponseError

from proofs.prove.chaos import outside
from proofs.prove.chaos.faults import (
    Delayed,
    Fault,
    HostLost,
    ModelLost,
    RedisFault,
    RedisIs,
    ServerFault,
    ServersAre,
)
from proofs.prove.chaos.setting.stage import Stage
from proofs.prove.chaos.shapes.opening import Opened
from shared.contract.keys import Keys
from shared.process.tasks import cancel_all
from shared.store.client import Store
from simulators.realtime.record import SessionRecord
from tests.support.shapes import standalone
from tests.support.waiting import wait_until


def stage(**parts: object) -> Stage:
    """Only what a fault needs."""
    return cast(Stage, SimpleNamespace(**parts))


async def bring(on: Stage, fault: Fault) -> int:
    """How many blows were noted."""
    faults_ms: list[float] = []
    await outside.bring(on, fault, "CA1", faults_ms)
    return len(faults_ms)


async def test_the_session_of_one_call_is_lost() -> None:
    """The open one."""
    lost: list[tuple[object, int]] = []
    gone, live = SimpleNamespace(closed_at_ms=1.0), SimpleNamespace(closed_at_ms=None)
    model = SimpleNamespace(close_session=lambda session, code: lost.append((session, code)))
    sessions = {"CA1": [gone, live]}
    on = stage(model=model, sessions_of=lambda sid: cast(list[SessionRecord], sessions[sid]))

    assert await bring(on, ModelLost(1006)) == 1
    assert lost == [(live, 1006)]


async def test_a_link_that_was_down_comes_up_again() -> None:
    """Those who come meanwhile are led to the first host."""
    done: list[object] = []

    async def unplug() -> None:
        done.append("down")

    async def plug_in() -> None:
        done.append("up")

    on = stage(
        far=SimpleNamespace(unplug=unplug, plug_in=plug_in),
        relay=SimpleNamespace(lead_to=done.append),
        stack=SimpleNamespace(public_port=80),
    )
    assert await bring(on, HostLost("brain", 0.0)) == 1
    assert done == ["down", 80, "up"]


async def test_packets_are_late_for_a_while() -> None:
    """And then as fast as before, also where it is broken off."""
    relay = SimpleNamespace(delay_s=0.05)
    bringing = asyncio.create_task(bring(stage(relay=relay), Delayed(400.0, 60.0)))
    await wait_until(lambda: relay.delay_s == pytest.approx(0.45), "packets are late")
    await cancel_all([bringing])
    assert relay.delay_s == 0.05
    assert await bring(stage(relay=relay), Delayed(400.0, 0.0)) == 1
    assert relay.delay_s == 0.05


async def test_redis_is_as_it_was_before(store: Store) -> None:
    """Of all that passes nothing is left, and what is said to it meanwhile is refused in its way."""
    on = stage(store=store)
    for kind in (RedisIs.FULL, RedisIs.READ_ONLY, RedisIs.WITHOUT_REPLICAS, RedisIs.FORGETFUL):
        assert await bring(on, RedisFault(kind, 0.01)) == 1
        assert await store.hset("key", "field", "value") in (0, 1)


async def test_a_busy_redis_is_ended_from_outside(store: Store) -> None:
    """Others are refused until then."""
    refused: list[str] = []

    async def ask() -> None:
        while not refused:
            try:
                await store.exists("key")
            except ResponseError as error:
                refused.append(str(error))

    asking = asyncio.create_task(ask())
    await bring(stage(store=store), RedisFault(RedisIs.BUSY, 0.8))
    async with asyncio.timeout(5):
        await asking
    assert refused[0].startswith("BUSY")
    assert await store.exists("key") == 0


async def test_streams_between_processes_are_deleted(store: Store) -> None:
    """What belongs to calls stays."""
    for key in ("tl:out:ingress-0@a#1", "tl:back:egress-0@a#1", "tl:{0}:wake:brain-0@a#1", "tl:{0}:live"):
        await store.redis.set(key, "1")
    await bring(stage(store=store), RedisFault(RedisIs.DELETED))
    assert await store.redis.keys("tl:*") == [b"tl:{0}:live"]


async def test_a_server_of_a_row_is_hit_by_the_key_of_the_call(tmp_path: Path) -> None:
    """The one that has the call."""
    with standalone(tmp_path) as shape:
        shape.node.ask("SET", "key", "value")
        on = stage(keys=Keys(1), opened=Opened(shape))
        assert await bring(on, ServerFault(ServersAre.RESTARTED)) == 1
        assert shape.node.ask("EXISTS", "key") == 0
