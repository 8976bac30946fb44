"""To whom calls go when this process drains.

Why it exists: a deploy restarts one process at a time; its calls go on in its sibling, one by one, each
between two responses, instead of waiting for calls to end.

Owns: the choice of a rival from the workers' own beats. Pure. Must not know: how workers are read, how a call
is released or claimed.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.ownership.workers import SeenWorker

FRESH_MS = 3000
"""A worker that showed itself within this wall time may be handed a call; if it is dead after all, the
call has lost no more than by a kill."""


def choose(workers: Sequence[SeenWorker], *, own: str, role: str, wall_ms: int) -> str | None:
    """The least loaded live worker of the role with a free slot; None if there is none.

    One whose beat is gone or cannot be read, since it is of a version that says other things, is not fit.
    """
    fit: list[tuple[int, str]] = []
    for worker in workers:
        beat = worker.beat
        if beat is None or worker.name == own or beat.role != role:
            continue
        is_fresh = wall_ms - beat.at_ms < FRESH_MS
        if is_fresh and not beat.draining and beat.calls < beat.capacity:
            fit.append((beat.calls, worker.name))
    return min(fit)[1] if fit else None
