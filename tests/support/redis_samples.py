"""Calls and workers as they stand in Redis, for what reads them."""

from __future__ import annotations

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
    await store.hset(KEYS.card(sid), mapping=fields)
    await store.zadd(KEYS.live(0), {sid: started_at_ms})
    await store.xadd(KEYS.control(sid), {"v": "1"})


async def make_worker(store: Store, name: str, **beat: str | int) -> None:
    """A worker's beat and its doorbell."""
    fields = {"at_ms": wall_ms(), "role": "brain", "calls": 1, "capacity": 10, "loop_lag_ms": "1.5", **beat}
    await store.sadd(key_names.WORKERS, name)
    await store.hset(KEYS.worker(name), mapping=fields)
    await store.xadd(KEYS.wake(0, name), {"v": "1"})
