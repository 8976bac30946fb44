"""What a killed process leaves in the list of workers, taken away by the next boot of its instance.

Why it exists: `tl:workers` has no TTL, and a process that was killed cannot take its name out; without
this the set would grow by a name with each crash. Must not know: what a role does, who owns a call.

Only the holder of the instance's flock may ask for it: that is how it knows that the older boots are
dead. A worker that lives after all (a second deployment of one name) shows itself again with its beat.
"""

from __future__ import annotations

from shared.contract import keys as key_names
from shared.contract.keys import Keys
from shared.contract.worker import WorkerId
from shared.store.client import Store


async def forget_older_boots(store: Store, keys: Keys, worker: WorkerId) -> list[str]:
    """Removes the other boots of `worker`'s instance; returns their names. Raises STORE_ERRORS.

    Their `owned` sets stay: they say which calls were theirs, and expire by themselves.
    """
    names = await store.smembers(key_names.WORKERS)
    older = [
        name for name in sorted(raw.decode(errors="replace") for raw in names) if _is_older(name, worker)
    ]
    for name in older:
        await store.delete(keys.worker(name))
        await store.srem(key_names.WORKERS, name)
    return older


def _is_older(name: str, worker: WorkerId) -> bool:
    try:
        other = WorkerId.parse(name)
    except ValueError:
        return False  # Not ours to judge.
    return other.instance == worker.instance and other.boot != worker.boot
