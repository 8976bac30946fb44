"""Workers that were killed: their next boot takes their names away."""

from __future__ import annotations

import pytest

from shared.contract.keys import WORKERS, Keys
from shared.contract.worker import WorkerId
from shared.ownership.workers import forget_older_boots
from shared.store.client import Store

KEYS = Keys(1)
SELF = WorkerId("brain", 0, "h", "new")


async def test_older_boots_of_the_own_instance_are_forgotten(any_store: Store) -> None:
    """Each is told of before. Other instances, other hosts and what is no worker's name stay; so does the
    list of owned calls."""
    others = ["brain-1@h#old", "brain-0@elsewhere#old", "egress-0@h#old", "typed by hand", str(SELF)]
    dead = ["brain-0@h#a1", "brain-0@h#b2"]
    for name in [*others, *dead]:
        await any_store.sadd(WORKERS, name)
        await any_store.hset(KEYS.worker(name), "beat", "1")
    await any_store.sadd(KEYS.owned(0, dead[0]), "CA1")
    gone = [KEYS.wake(0, dead[0]), KEYS.out(dead[0]), KEYS.back(dead[1])]
    kept = [KEYS.wake(0, str(SELF)), KEYS.back(others[2])]
    for key in [*gone, *kept]:
        await any_store.xadd(key, {"v": "1"})
    told: list[str] = []

    async def tell(worker: str) -> None:
        assert await any_store.exists(KEYS.worker(worker)) == 1
        told.append(worker)

    assert await forget_older_boots(any_store, KEYS, SELF, tell) == dead
    assert told == dead
    assert {name.decode() for name in await any_store.smembers(WORKERS)} == set(others)
    assert await any_store.exists(*[KEYS.worker(name) for name in dead]) == 0
    assert await any_store.exists(*[KEYS.worker(name) for name in others]) == len(others)
    assert await any_store.exists(KEYS.owned(0, dead[0])) == 1
    assert await any_store.exists(*gone) == 0
    assert await any_store.exists(*kept) == len(kept)


async def test_who_could_not_be_told_of_is_not_forgotten(any_store: Store) -> None:
    """The next attempt finds it again."""
    await any_store.sadd(WORKERS, "brain-0@h#a1")

    async def fails(_worker: str) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await forget_older_boots(any_store, KEYS, SELF, fails)
    assert await any_store.smembers(WORKERS) == {b"brain-0@h#a1"}
