"""The sessions of one call, one after the other: opened, replaced when lost, rolled over before their end.

Why it exists: a call may last longer than a session, and a session may end at any moment; the call goes on
in the next one, which is told what was said so far. A standby session is opened before a rollover, so that
the change costs a round trip.

Owns: which engine serves the call now, the standby, the order of leaving one and entering the next. When a
new session is tried, and when nothing helps, is `lifeline`'s; when a rollover disturbs nobody is the
sequencer's. Must not know: Redis, the sequencer's rules, a wire.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.model.engine import Engine, Listener, Opened, SeedItem, ToModel
from brain.model.lifeline import Again, GiveUp, Lifeline, Rollover
from shared.clock import now_ms
from shared.logs.log import Log

ROLLOVER = "rollover"
STANDBY_PAUSE_S = 1.0
"""Between attempts to open a standby; the old session serves on meanwhile."""


class SessionHost(Protocol):
    """Whom the sessions serve: told of each one's start and end."""

    def seed(self) -> tuple[SeedItem, ...]:
        """What was said so far, for the session that begins now."""

    def session_begins(self, engine: Engine, opened: Opened) -> None:
        """The model may be spoken to from now on, through this engine."""

    def session_ends(self, cause: str) -> None:
        """No event of that session comes any more. What is not yet done goes to the next one."""

    def rollover_due(self, rollover: Rollover) -> None:
        """The session must be replaced: call `Sessions.roll` at a quiet moment, at the latest then."""


@dataclass(frozen=True, slots=True)
class _Ready:
    engine: Engine
    opened: Opened
    since_ms: float
    """A standby ages while it waits."""


class Sessions:
    """The sessions of one call. `run` them as a task; cancel it to stop, then `close`."""

    def __init__(
        self,
        make_engine: Callable[[int, bool], Engine],
        host: SessionHost,
        listener: Listener,
        lifeline: Lifeline,
        counters: BrainCounters,
        log: Log,
        *,
        has_past: bool,
    ) -> None:
        """`make_engine(number, seeded)`: a new engine for this call's n-th session. `has_past`: the first
        one is told a history too (another brain had the call before)."""
        self._make_engine = make_engine
        self._host = host
        self._listener = listener
        self._lifeline = lifeline
        self._counters = counters
        self._log = log
        self._has_past = has_past
        self._number = 0
        self._current: Engine | None = None
        self._standby: _Ready | None = None
        self._opening: Engine | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._roll = asyncio.Event()
        self._replace: asyncio.Future[str] | None = None
        """Of the session that serves: why it is given up, once that is asked for."""
        self._closed = False

    async def run(self) -> EngineError:
        """Serves until there will be no session any more; returns why.

        Cancelling it leaves open what is open: `close` follows.
        """
        self._lifeline.begin(now_ms())
        while True:
            found = await self._enter()
            if isinstance(found, EngineError):
                return found
            end = await self._serve(found)
            if self._closed:
                return end
            next_ = self._after(end)
            if isinstance(next_, GiveUp):
                return EngineError(next_.cause, end.detail, fatal=True)
            await asyncio.sleep(next_.after_ms / 1000)

    @property
    def serving(self) -> Engine | None:
        """The engine that serves now; None between two sessions."""
        return self._current

    @property
    def queued_events(self) -> int:
        """Events that wait for the socket of the session that serves."""
        return 0 if self._current is None else self._current.queued_events

    @property
    def rollover(self) -> Rollover | None:
        """When the present session is to be replaced, if that is known."""
        return self._lifeline.rollover

    def do(self, action: ToModel) -> bool:
        """Has the model told; False if no session serves."""
        engine = self._current
        if engine is None:
            return False
        try:
            engine.do(action)
        except EngineError as error:
            # It takes nothing any more: closing it makes its reader report the loss.
            self._log.warning("session_stuck", cause=error.cause)
            self._current = None
            self._leave(engine)
            return False
        return True

    def roll(self) -> None:
        """Now is a quiet moment, or the last one: go over to the next session."""
        self._roll.set()

    def replace(self, cause: str) -> None:
        """The session that serves does its work no more: it ends now, as one that is lost for this cause."""
        if self._replace is not None and not self._replace.done():
            self._replace.set_result(cause)

    async def close(self) -> None:
        """Ends `run` and closes whatever is open, within a bounded time; safe to repeat. Cancelling it
        leaves the sockets to their own time-outs."""
        self._closed = True
        ready, self._standby = self._standby, None
        engines = [self._current, self._opening, ready.engine if ready else None]
        self._current = self._opening = None
        await asyncio.gather(
            *(engine.close() for engine in engines if engine is not None),
            *self._leaving,
            return_exceptions=True,
        )

    # Entering a session.

    async def _enter(self) -> _Ready | EngineError:
        """A session that knows what was said so far: the standby, else a new one, tried with patience."""
        while True:
            ready, self._standby = self._standby, None
            try:
                if ready is None:
                    ready = await self._open()
                if self._has_past:
                    await ready.engine.seed(self._host.seed())
            except asyncio.CancelledError:
                if ready is not None:
                    self._leave(ready.engine)
                raise
            except EngineError as error:
                self._counters.sessions_failed += 1
                self._log.warning("session_failed", cause=error.cause, detail=error.detail, fatal=error.fatal)
                if ready is not None:
                    self._leave(ready.engine)
                if self._closed:
                    return error
                next_ = self._lifeline.refused(error.cause, error.fatal, now_ms())
                if isinstance(next_, GiveUp):
                    return EngineError(next_.cause, error.detail, fatal=True)
                await asyncio.sleep(next_.after_ms / 1000)
                continue
            self._has_past = True
            if self._closed:
                self._leave(ready.engine)
                return EngineError("closed")
            return ready

    async def _open(self) -> _Ready:
        self._number += 1
        engine = self._opening = self._make_engine(self._number, self._has_past)
        try:
            return _Ready(engine, await engine.open(), now_ms())
        except (EngineError, asyncio.CancelledError):
            self._leave(engine)
            raise
        finally:
            self._opening = None

    # Serving one.

    async def _serve(self, ready: _Ready) -> EngineError:
        engine = self._current = ready.engine
        self._counters.sessions_confirmed += 1
        self._lifeline.confirmed(ready.since_ms, ready.opened.life_ms)
        self._roll.clear()
        replaced = self._replace = asyncio.get_running_loop().create_future()
        self._host.session_begins(engine, ready.opened)
        reading = asyncio.create_task(engine.run(self._listener), name="session-run")
        rolling = asyncio.create_task(self._prepare_rollover(), name="session-rollover")
        try:
            await asyncio.wait({reading, rolling, replaced}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return reading.result()
            if replaced.done():
                return EngineError(replaced.result())
            rolling.result()
            return EngineError(ROLLOVER)
        finally:
            for task in (reading, rolling):
                task.cancel()
            await asyncio.gather(reading, rolling, return_exceptions=True)
            self._current = None
            self._replace = None
            self._leave(engine)

    async def _prepare_rollover(self) -> None:
        """Waits until the session is old, opens its successor, waits for the moment."""
        rollover = self._lifeline.rollover
        if rollover is None:
            await asyncio.Event().wait()
            return
        await asyncio.sleep(max(0.0, rollover.due_at_ms - now_ms()) / 1000)
        while self._standby is None and now_ms() < rollover.force_at_ms:
            try:
                self._standby = await self._open()
            except EngineError as error:
                self._counters.sessions_failed += 1
                self._log.warning("standby_failed", cause=error.cause, detail=error.detail, fatal=error.fatal)
                if error.fatal:
                    # There will be no other session: the present one is used to its end, and then the
                    # lifeline says goodbye.
                    await asyncio.Event().wait()
                await asyncio.sleep(STANDBY_PAUSE_S)
        self._host.rollover_due(rollover)
        await self._roll.wait()

    def _after(self, end: EngineError) -> Again | GiveUp:
        """Ends the session for the host; says when the next one is opened."""
        self._host.session_ends(end.cause)
        if end.cause == ROLLOVER:
            self._counters.rollovers += 1
            return Again(0.0)
        self._counters.sessions_lost += 1
        self._log.warning("session_lost", cause=end.cause, detail=end.detail, fatal=end.fatal)
        return self._lifeline.lost(end.cause, end.fatal, now_ms())

    def _leave(self, engine: Engine) -> None:
        """Closes an engine beside the work: a closing handshake must not delay the next session."""
        task = asyncio.create_task(engine.close(), name="session-close")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
