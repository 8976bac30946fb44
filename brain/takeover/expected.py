"""Sessions that were begun for calls that only ring: their streams are still to come.

Why it exists: Twilio takes half a second from our document to the stream, and a session takes as long to
open. Done at once, the caller waits for the longer of both. A session that waits has heard nothing and says
nothing, and costs nothing. Owns: how long one is kept, that each is used once or closed. Must not know: how
an engine is made, who is the heir of a call (dispatch).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.model.attempts import EarlySession, Ready
from brain.model.engine import Engine
from shared.clock import now_ms
from shared.contract.streams.calls import RINGING_MS, Ringing
from shared.ownership.counters import Where
from shared.process.role import Process

Maker = Callable[[Ringing], tuple[str, Engine] | None]
"""For a call that rings: the name of the agent that will answer, and a session that is still to be opened.
None: it cannot be opened before more is known of the call."""


@dataclass(frozen=True, slots=True)
class _Session:
    agent: str
    begun: EarlySession


@dataclass(slots=True)
class Expected:
    """Of one process. Who asks for one has room for its call: see dispatch."""

    process: Process
    make: Maker
    counters: BrainCounters
    _kept: dict[str, _Session] = field(default_factory=dict)
    _leaving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def count(self) -> int:
        """Calls that are expected."""
        return len(self._kept)

    def has(self, call_sid: str) -> bool:
        """Whether this call is expected."""
        return call_sid in self._kept

    def ringing(self, call: Ringing) -> None:
        """Begins to open a session for a call. Once for each: an entry may be read again."""
        if call.call_sid not in self._kept and not self.process.draining:
            made = self.make(call)
            if made is None:
                return
            agent, engine = made
            opening = self._open(engine)
            task = asyncio.get_running_loop().create_task(opening, name=f"early-{call.call_sid}")
            self._kept[call.call_sid] = _Session(agent, EarlySession(task, now_ms()))

    def take(self, call_sid: str, agent: str) -> EarlySession | None:
        """The session of a call that is ours now, open or not yet, if it was begun for this agent. None too
        where it has failed: the call begins a new one at once."""
        session = self._kept.pop(call_sid, None)
        if session is None:
            return None
        if session.agent != agent or _has_failed(session.begun.task):
            self._close(call_sid, session)
            return None
        self.counters.sessions_early += 1
        return session.begun

    def drop(self, call_sid: str) -> None:
        """The call is another brain's, or has a past that this session could not be told."""
        session = self._kept.pop(call_sid, None)
        if session is not None:
            self._close(call_sid, session)

    def forget_old(self) -> None:
        """Closes what no stream has come for in time."""
        oldest_ms = now_ms() - RINGING_MS
        for call_sid, session in list(self._kept.items()):
            if session.begun.since_ms <= oldest_ms:
                self.drop(call_sid)

    async def stop(self) -> None:
        """Closes all of them. Cancelled, their sockets are left to their own time-outs."""
        tasks = [session.begun.task for session in self._kept.values()]
        for call_sid in list(self._kept):
            self.drop(call_sid)
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*self._leaving)

    # Private.

    async def _open(self, engine: Engine) -> Ready:
        ready: Ready | None = None
        try:
            ready = Ready(engine, await engine.open(), now_ms())
            return ready
        finally:
            if ready is None:
                self._leave(engine)

    def _close(self, call_sid: str, session: _Session) -> None:
        self.counters.sessions_early_unused += 1
        session.begun.task.cancel()
        session.begun.task.add_done_callback(partial(self._collect, call_sid))

    def _collect(self, call_sid: str, task: asyncio.Task[Ready]) -> None:
        """Of a session that is not used. Its failure is no error of a call: who asks next meets it itself. A
        bug is one of ours."""
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._leave(task.result().engine)
        elif not isinstance(error, EngineError):
            self.process.guard.note(Where.TASK, call_sid, error)

    def _leave(self, engine: Engine) -> None:
        """Closes it beside the work: a closing handshake takes its time."""
        task = self.process.spawn(engine.close(), "early-close")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


# Private.


def _has_failed(task: asyncio.Task[Ready]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
