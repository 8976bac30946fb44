"""To whom calls go when this process drains.

Why it exists: a deploy restarts one process at a time; its calls go on in its sibling, one by one, each
between two responses, instead of waiting for calls to end.

Owns: the choice of a rival from the workers' own words. Pure but for one read. Must not know: how a call is
released or claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.contract import keys as key_names
from shared.contract.keys import Keys
from shared.contract.worker import WorkerId
from shared.store.client import Store

FRESH_MS = 3000
"""A worker that showed itself within this wall time may be handed a call; if it is dead after all, the
call has lost no more than by a kill."""


def choose(
    workers: Sequence[tuple[str, Mapping[str, str]]], *, own: str, role: str, wall_ms: int
) -> str | None:
    """The least loaded live worker of the role with a free slot; None if there is none."""
    fit: list[tuple[int, str]] = []
    for name, figures in workers:
        try:
            worker = WorkerId.parse(name)
            calls, capacity = int(figures["calls"]), int(figures["capacity"])
            is_fresh = wall_ms - int(figures["at_ms"]) < FRESH_MS
        except (KeyError, ValueError):
            continue  # Gone, or of a version that says other things.
        is_other = worker.role == role and name != own
        if is_other and is_fresh and figures.get("draining") == "0" and calls < capacity:
            fit.append((calls, name))
    return min(fit)[1] if fit else None


async def read_workers(store: Store, keys: Keys) -> list[tuple[str, dict[str, str]]]:
    """What the workers say of themselves. Raises STORE_ERRORS."""
    names = await store.smembers(key_names.WORKERS)
    found: list[tuple[str, dict[str, str]]] = []
    for name in sorted(names):
        text = name.decode(errors="replace")
        found.append((text, await store.hgetall_text(keys.worker(text))))
    return found
