"""Who takes new calls while this process drains: a sibling on this host, one elsewhere, or nobody.

Why it exists: a process that drains has calls, and Twilio comes back for them: for a transfer, a farewell, a
lost stream. Whether it may stop listening, and what it tells a new call, hangs on who else is there. Owns:
the look at the others' beats, the door's state. Must not know: HTTP, when a process drains.

- A sibling on this host shares the public port: it takes all that comes, and this process stops listening.
- One elsewhere only: this process goes on answering for its own calls. A new call gets 503, so that the proxy
  or Twilio asks again, and finds the other one.
- Nobody: a new call hears that all lines are busy. Asked again it would come back here.

A sibling counts if its beat has moved between two looks by our own clock, and it does not drain itself.

Where all roles are told to end at once, as by `restart all`, brains and egresses are gone before the calls
are: nobody is left who would finish them, and a drain that waits only keeps the callers waiting.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.clock import now_ms
from shared.contract.worker import ROLES, WorkerId
from shared.ownership.workers import SeenWorker, read_workers
from shared.process.beat import BEAT_S
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

TWO_LOOKS_S = 1.4 * BEAT_S
"""A worker that lives has beaten meanwhile."""

DESERTED_AFTER_LOOKS = 2
"""A brain that crashed is back before the second one."""


class Doorway(enum.Enum):
    """What becomes of a new call here."""

    OPEN = enum.auto()
    SIBLING = enum.auto()
    """The port is a sibling's. What comes on a connection that is open is served: its stream opens there."""
    ELSEWHERE = enum.auto()
    SHUT = enum.auto()


@dataclass(slots=True)
class Doorkeeper:
    """One a process."""

    process: Process
    state: Doorway = Doorway.OPEN
    deserted: asyncio.Event = field(default_factory=asyncio.Event)
    """Nobody is there any more who serves the calls of this process."""
    _looks_alone: int = 0
    """Looks in a row that found no brain, or no egress."""
    _beats: dict[WorkerId, int] = field(default_factory=dict)
    """As of the last look."""
    _seen_at_ms: float = 0.0

    async def look(self) -> Doorway:
        """Looks who is there, and sets the state by it. Cancelling it leaves the state as it was."""
        process = self.process
        try:
            if not self._beats:
                self._remember(await read_workers(process.store, process.keys))
            await asyncio.sleep(max(0.0, self._seen_at_ms / 1000 + TWO_LOOKS_S - now_ms() / 1000))
            before = self._beats
            seen = await read_workers(process.store, process.keys)
        except STORE_ERRORS as error:
            process.log.debug("redis_away", reason=type(error).__name__)
            self._beats = {}
            self._looks_alone = 0
            self.state = Doorway.SHUT
            return self.state
        self._remember(seen)
        alive = [name for name, beat in self._beats.items() if before.get(name, beat) != beat]
        draining = {worker.name for worker in seen if worker.beat is not None and worker.beat.draining}
        self.state = self._state_by(name for name in alive if str(name) not in draining)
        self._see_who_serves({name.role for name in alive})
        return self.state

    # Private.

    def _remember(self, seen: Iterable[SeenWorker]) -> None:
        self._beats, self._seen_at_ms = _beats(seen), now_ms()

    def _state_by(self, open_for_calls: Iterable[WorkerId]) -> Doorway:
        own = self.process.worker
        others = [name for name in open_for_calls if name.role == own.role and name != own]
        if any(name.host == own.host for name in others):
            return Doorway.SIBLING
        return Doorway.ELSEWHERE if others else Doorway.SHUT

    def _see_who_serves(self, alive: set[str]) -> None:
        """One that drains serves still."""
        is_served = alive >= set(ROLES) - {self.process.worker.role}
        self._looks_alone = 0 if is_served else self._looks_alone + 1
        if self._looks_alone >= DESERTED_AFTER_LOOKS:
            self.deserted.set()


# Private.


def _beats(workers: Iterable[SeenWorker]) -> dict[WorkerId, int]:
    """The number of each worker's last beat; without those that are no workers, or have left."""
    found = {}
    for worker in workers:
        if worker.beat is not None:
            try:
                found[WorkerId.parse(worker.name)] = worker.beat.beat
            except ValueError:
                continue  # Not a name of ours: nobody to reckon with.
    return found
