"""What a Redis says of itself, and how it feels from here: the doctor's facts for the rules in redis.py.

Why it exists: a Cluster is several servers, each with a memory, a disk, users and a way to it of its own:
what is asked of one says nothing of the others. Owns: what each master is asked, on connections of the
doctor's own. Must not know: what is good.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from redis.exceptions import ResponseError

from console.doctor.redis import RedisFacts
from shared.contract.keys import CONFIG
from shared.redis_url import RedisPlace
from shared.store.access import check, permissions
from shared.store.access.grants import OPERATOR
from shared.store.client import Store

PINGS = 50

ASKED_CONFIG = (
    "maxmemory-policy",
    "save",
    "appendfsync",
    "auto-aof-rewrite-percentage",
    "stop-writes-on-bgsave-error",
)


async def redis_facts(store: Store, place: RedisPlace) -> RedisFacts:
    """Asks a Redis about itself, of a Cluster each master. Raises STORE_ERRORS. Cancelling is safe."""
    missing = await permissions.missing(store, OPERATOR)
    felt = {at: await _felt(connection) for at, connection in (await store.connections()).items()}
    infos: Mapping[str, Mapping[str, Any]] = {}
    if "info" not in missing.commands:
        infos = await store.infos()
    try:
        configs = await store.configs(*ASKED_CONFIG)
        asked_of_shape = await check.configuration(store, place)
    except ResponseError:  # Forbidden or renamed, as managed services do.
        configs, asked_of_shape = {}, {}
    lanes = await store.hget(CONFIG, "lanes")
    first, *others = [
        replace(
            each,
            info={str(name): str(value) for name, value in infos.get(each.at, {}).items()},
            config=configs.get(each.at, {}),
        )
        for each in [replace(facts, at=at) for at, facts in felt.items()]
    ]
    return replace(
        first,
        others=others,
        shape=check.shape_problem(list(infos.values()), asked_of_shape, place) if infos else "",
        unseen=check.not_looked_at(asked_of_shape, place),
        lanes=lanes.decode() if lanes else "",
        missing=missing,
    )


# Private.


async def _felt(connection: Any) -> RedisFacts:
    """How long one server takes to answer, and what its clock says, on a connection that is nobody else's."""
    try:
        await connection.connect()
        trips = []
        for _ in range(PINGS):
            began = time.monotonic()
            await _ask(connection, "PING")
            trips.append((time.monotonic() - began) * 1000)
        before = time.time()
        seconds, microseconds = await _ask(connection, "TIME")
        middle = (before + time.time()) / 2
    finally:
        await connection.disconnect()
    ahead_ms = (int(seconds) + int(microseconds) / 1e6 - middle) * 1000
    return RedisFacts(info={}, round_trips_ms=trips, clock_ahead_ms=ahead_ms)


async def _ask(connection: Any, word: str) -> Any:
    await connection.send_command(word)
    return await connection.read_response()
