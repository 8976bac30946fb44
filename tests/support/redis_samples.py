"""Calls and workers as they stand in Redis, for what reads them."""

from __future__ import annotations

from typing import Any, cast

from shared.clock import wall_ms
from shared.contract import keys as key_names
from shared.contract.keys import Keys
from shared.store.client import Store

KEYS = Keys(1)
ONE, TWO = "CA" + "1" * 32, "CA" + "2" * 32
BRAIN = "brain-0@h#1"


async def make_call(store: Store, sid: str, started_at_ms: int, **card: str) -> None:
    """What ingress and the owners would have written."""
    fields = {"state": "live", "started_at_ms": str(started_at_ms), "from": "…11", "brain": BRAIN, **card}
    await cast(Any, store.hset(KEYS.card(sid), mapping=cast(Any, fields)))
    await cast(Any, store.zadd(KEYS.live(0), {sid: started_at_ms}))
    await cast(Any, store.xadd(KEYS.control(sid), {"v": "1"}))


async def make_worker(store: Store, name: str, **beat: str | int) -> None:
    """A worker's beat and its doorbell."""
    fields = {"at_ms": wall_ms(), "role": "brain", "calls": 1, "capacity": 10, "loop_lag_ms": "1.5", **beat}
    await cast(Any, store.sadd(key_names.WORKERS, name))
    await cast(Any, store.hset(KEYS.worker(name), mapping=cast(Any, fields)))
    await cast(Any, store.xadd(KEYS.wake(0, name), {"v": "1"}))
