"""To whom calls go when this process drains.

Why it exists: a deploy restarts one process at a time; its calls go on in its sibling, one by one, each
between two responses, instead of waiting for calls to end.

Owns: the choice of a rival from the workers' own beats. Pure. Must not know: how workers are read, who counts
as dead (shared/ownership/liveness.py), how a call is released or claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.ownership.workers import SeenWorker

FRESH_MS = 1500.0
"""A worker whose beat was seen to move, and not to stand still for longer than three beats, may be handed a
call; if it is dead after all, the call has lost no more than by a kill."""


def choose(
    workers: Sequence[SeenWorker], silent_ms: Mapping[str, float], *, own: str, role: str
) -> str | None:
    """The least loaded live worker of the role with a free slot; None if there is none.

    `silent_ms`: how long each was silent that we have seen beating, by our own clock. One whose beat is gone
    or cannot be read, since it is of a version that says other things, is not fit.
    """
    fit: list[tuple[int, str]] = []
    for worker in workers:
        beat = worker.beat
        if beat is None or worker.name == own or beat.role != role:
            continue
        is_fresh = worker.name in silent_ms and silent_ms[worker.name] < FRESH_MS
        if is_fresh and not beat.draining and beat.calls < beat.capacity:
            fit.append((beat.calls, worker.name))
    return min(fit)[1] if fit else None
