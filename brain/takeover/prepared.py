"""Sessions that were opened for calls that are still another brain's.

Why it exists: who is handed a call must have a session for it, and writes nothing before it is the owner.
Such a session is told nothing yet: what was said is told it when the call is claimed, all of it at once, so
that nothing must be compared. Owns: how long one is kept, that each is used once or closed. Must not know:
how a session is opened, when a call changes hands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from brain.errors import EngineError
from brain.model.attempts import Ready
from brain.takeover.giving import ring
from shared.clock import now_ms
from shared.contract.errors import ContractError
from shared.contract.streams.doorbell import Why
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

KEPT_MS = 30_000.0
"""The other brain releases the call within 25 s, or has asked another one."""


@dataclass(frozen=True, slots=True)
class PreparedSession:
    """One that waits for its call. `agent`: the name of the agent that it was opened for."""

    ready: Ready
    agent: str


Opener = Callable[[str], Awaitable[PreparedSession | None]]
"""Opens a session for a call; None: it is not there any more. Raises EngineError, STORE_ERRORS."""


@dataclass(slots=True)
class Prepared:
    """Of one process."""

    process: Process
    open: Opener
    has_room: Callable[[], bool]
    _kept: dict[str, tuple[PreparedSession, float]] = field(default_factory=dict)
    _opening: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        """Calls that are expected."""
        return len(self._kept) + len(self._opening)

    def ask(self, call_sid: str, by: str) -> None:
        """Another brain asks us to prepare ourselves for a call."""
        if call_sid in self._opening:
            return
        if call_sid in self._kept:
            ring(self.process, by, call_sid, Why.READY)
        elif not self.has_room():
            ring(self.process, by, call_sid, Why.DECLINED)
        else:
            self._opening.add(call_sid)
            self.process.spawn_for(call_sid, self._prepare(call_sid, by), "prepare")

    def take(self, call_sid: str, agent: str) -> Ready | None:
        """The session of a call that is ours now, if it was opened for this agent."""
        found = self._kept.pop(call_sid, None)
        if found is None:
            return None
        if found[0].agent != agent:
            self._close(found[0])
            return None
        return found[0].ready

    def forget_old(self) -> None:
        """Closes what nobody has come for in time."""
        now = now_ms()
        for call_sid, (session, until_ms) in list(self._kept.items()):
            if until_ms <= now:
                del self._kept[call_sid]
                self._close(session)

    async def stop(self) -> None:
        """Closes all of them. Cancelled, their sockets are left to their own time-outs."""
        sessions = [session for session, _ in self._kept.values()]
        self._kept.clear()
        await asyncio.gather(*(session.ready.engine.close() for session in sessions))

    # Private.

    async def _prepare(self, call_sid: str, by: str) -> None:
        session: PreparedSession | None = None
        try:
            session = await self.open(call_sid)
        except (EngineError, ContractError, *STORE_ERRORS) as error:
            self.process.log.warning(
                "prepare_failed", call=call_sid, reason=f"{type(error).__name__}: {error}"
            )
        finally:
            self._opening.discard(call_sid)
        if session is not None:
            self._kept[call_sid] = session, now_ms() + KEPT_MS
        ring(self.process, by, call_sid, Why.DECLINED if session is None else Why.READY)

    def _close(self, session: PreparedSession) -> None:
        self.process.spawn(session.ready.engine.close(), "prepared-close")
