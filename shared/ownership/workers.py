"""All workers of the deployment, by their own beats: for rivals, operators, and the next boot of an instance.

Owns: reading them with few round trips, forgetting the dead ones of one's own instance. Must not know: when a
worker counts as dead, what a role does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.contract.entry import text_of
from shared.contract.errors import ContractError
from shared.contract.keys import WORKERS, Keys
from shared.contract.worker import Beat, WorkerId, read_beat
from shared.store.client import Store


@dataclass(frozen=True, slots=True)
class SeenWorker:
    """A worker that is in the list. `beat` is None where its hash is gone, or cannot be read."""

    name: str
    beat: Beat | None
    problem: str = ""
    """Why there is no beat, where it was there and could not be read."""


async def read_workers(store: Store, keys: Keys) -> list[SeenWorker]:
    """By name. Raises STORE_ERRORS. Cancelling is safe."""
    members: set[bytes] = await store.smembers(WORKERS)
    names = sorted(member.decode(errors="replace") for member in members)
    async with store.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hgetall(keys.worker(name))
        hashes: list[dict[bytes, bytes]] = await pipe.execute()
    return [_seen(name, text_of(found)) for name, found in zip(names, hashes, strict=True)]


async def forget_older_boots(
    store: Store, keys: Keys, worker: WorkerId, tell: Callable[[str], Awaitable[None]]
) -> list[str]:
    """Tells of the other boots of `worker`'s instance and removes them from the list, with their doorbells
    and what was on its way to them; returns their names. Each is told of before it is forgotten: who dies in
    between is found again. Raises STORE_ERRORS.

    `tl:workers` has no TTL, and a process that was killed cannot take its name out. Only the holder of the
    instance's flock may ask for it: that is how it knows that the older boots are dead. One that lives after
    all (a second deployment of one name) shows itself again with its beat. Their `owned` sets stay: they say
    which calls were theirs, and expire by themselves. Cancelled, it has removed some of them.
    """
    members: set[bytes] = await store.smembers(WORKERS)
    older = [
        name for name in sorted(raw.decode(errors="replace") for raw in members) if _is_older(name, worker)
    ]
    for name in older:
        await tell(name)
        doorbells = [keys.wake(lane, name) for lane in range(keys.lanes)]
        for key in (*doorbells, *(way(name, lane) for way in (keys.out, keys.back) for lane in keys.ways)):
            await store.delete(key)  # One by one: they are in several slots of a Cluster.
        await store.delete(keys.worker(name))
        await store.srem(WORKERS, name)
    return older


# Private.


def _seen(name: str, found: dict[str, str]) -> SeenWorker:
    if not found:
        return SeenWorker(name, None)
    try:
        return SeenWorker(name, read_beat(found))
    except ContractError as error:
        return SeenWorker(name, None, str(error))


def _is_older(name: str, worker: WorkerId) -> bool:
    try:
        other = WorkerId.parse(name)
    except ValueError:
        return False  # Not ours to judge.
    return other.instance == worker.instance and other.boot != worker.boot
