"""To whom calls go when this process drains.

Why it exists: a deploy restarts one process at a time; its calls go on in its siblings, each at the next
frame, instead of waiting for calls to end.

Owns: who is fit to get a call, from the workers' own beats, and who gets the next one. Pure. Must not know:
how workers are read, who counts as dead (shared/ownership/liveness.py), how a call is released or claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.ownership.workers import SeenWorker

FRESH_MS = 1500.0
"""A worker whose beat was seen to move, and not to stand still for longer than three beats, may be handed a
call; if it is dead after all, the call has lost no more than by a kill."""


@dataclass(slots=True)
class _Heir:
    name: str
    calls: int
    capacity: int
    most: int
    """Above its capacity, since these callers are on the line."""


@dataclass(slots=True)
class Heirs:
    """The siblings that live and take calls, and what each has, with those that it was given since."""

    _heirs: list[_Heir] = field(default_factory=list)

    @property
    def is_anybody(self) -> bool:
        """Whether there is one at all, be it full."""
        return bool(self._heirs)

    def take(self) -> str | None:
        """Who gets the next call: the least loaded one, above its capacity only where all are full. None:
        nobody has room."""
        fit = [heir for heir in self._heirs if heir.calls < heir.most]
        if not fit:
            return None
        heir = min(fit, key=lambda each: (each.calls >= each.capacity, each.calls, each.name))
        heir.calls += 1
        return heir.name


def find_heirs(
    workers: Sequence[SeenWorker],
    silent_ms: Mapping[str, float],
    *,
    own: str,
    role: str,
    room: Callable[[int], int],
) -> Heirs:
    """The live workers of the role that do not drain.

    `silent_ms`: how long each was silent that we have seen beating, by our own clock. One whose beat is gone
    or cannot be read, since it is of a version that says other things, is not fit. `room`: how many calls a
    worker of a capacity may have when it gets one whose caller is on the line.
    """
    heirs: list[_Heir] = []
    for worker in workers:
        beat = worker.beat
        if beat is None or worker.name == own or beat.role != role or beat.draining:
            continue
        if worker.name in silent_ms and silent_ms[worker.name] < FRESH_MS:
            heirs.append(_Heir(worker.name, beat.calls, beat.capacity, room(beat.capacity)))
    return Heirs(heirs)
