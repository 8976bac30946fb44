"""Who takes new calls while this process drains: a sibling on this host, one elsewhere, or nobody.

Why it exists: a process that drains has calls, and Twilio comes back for them: for a transfer, a farewell, a
lost stream. Whether it may stop listening, and what it tells a new call, hangs on who else is there. Owns:
the look at the other ingresses' beats, the door's state. Must not know: HTTP, when a process drains.

- A sibling on this host shares the public port: it takes all that comes, and this process stops listening.
- One elsewhere only: this process goes on answering for its own calls. A new call gets 503, so that the proxy
  or Twilio asks again, and finds the other one.
- Nobody: a new call hears that all lines are busy. Asked again it would come back here.

A sibling counts if its beat has moved between two looks by our own clock, and it does not drain itself.
"""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass

from shared.contract.errors import ContractError
from shared.contract.keys import WORKERS
from shared.contract.worker import WorkerId, read_beat
from shared.process.beat import BEAT_S
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

TWO_LOOKS_S = 1.4 * BEAT_S
"""A worker that lives has beaten meanwhile."""


class Door(enum.Enum):
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
    state: Door = Door.OPEN

    async def look(self) -> Door:
        """Looks who is there, and sets the state by it. Cancelling it leaves the state as it was."""
        try:
            before = await self._beats()
            if not before:
                self.state = Door.SHUT
                return self.state
            await asyncio.sleep(TWO_LOOKS_S)
            after = await self._beats()
        except STORE_ERRORS as error:
            self.process.log.debug("redis_away", reason=type(error).__name__)
            self.state = Door.SHUT
            return self.state
        alive = [name for name, beat in after.items() if name in before and before[name] != beat]
        if any(name.host == self.process.worker.host for name in alive):
            self.state = Door.SIBLING
        else:
            self.state = Door.ELSEWHERE if alive else Door.SHUT
        return self.state

    # Private.

    async def _beats(self) -> dict[WorkerId, int]:
        """The number of the last beat of each other ingress that takes calls."""
        process, found = self.process, {}
        for member in await process.store.smembers(WORKERS):
            try:
                name = WorkerId.parse(member.decode())
                if name.role != process.worker.role or name == process.worker:
                    continue
                beat = read_beat(await process.store.hgetall_text(process.keys.worker(str(name))))
            except (ValueError, ContractError):
                continue  # Not a worker, or one that has left meanwhile.
            if not beat.draining:
                found[name] = beat.beat
        return found
