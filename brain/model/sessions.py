"""The sessions of one call, one after the other: opened, replaced when lost, rolled over before their end.

Why it exists: a call may last longer than a session, and a session may end at any moment; the call goes on
in the next one, which is told what was said so far. A standby session is opened before a rollover, so that
the change costs a round trip.

Owns: which engine serves the call now, the standby, the order of leaving one and entering the next. When a
new session is tried, and when nothing helps, is `lifeline`'s; how one is got is `attempts`'; when a rollover
disturbs nobody, and when a session that serves is to be replaced, is the sequencer's. Must not know: Redis,
the sequencer's rules, a wire.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.model.attempts import Attempts, EarlySession, Ready
from brain.model.engine import Engine, Listener, Opened, SeedItem, ToModel
from brain.model.lifeline import Again, GiveUp, Lifeline, Rollover
from brain.sequencer import actions
from shared.clock import now_ms
from shared.logs.log import Log

ROLLOVER = "rollover"
STANDBY_PAUSE_S = 1.0
"""Between attempts to open a standby; the old session serves on meanwhile."""


class SessionHost(Protocol):
    """Whom the sessions serve: told of each one's start and end."""

    def seed(self) -> tuple[SeedItem, ...]:
        """What was said so far, for the session that begins now."""

    async def cast(self, engine: Engine) -> bool:
        """A session is open, and is to serve: waits until it is known who answers, and brings it to them.
        False: it cannot be brought there, and another one is opened. Raises EngineError. Cancelled, it is to
        be closed."""

    def session_begins(self, engine: Engine, opened: Opened) -> None:
        """The model may be spoken to from now on, through this engine."""

    def session_ends(self, cause: str) -> None:
        """No event of that session comes any more. What is not yet done goes to the next one."""

    def rollover_due(self, rollover: Rollover) -> None:
        """The session must be replaced: call `Sessions.roll` at a quiet moment, at the latest then."""


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
        standby: Ready | EarlySession | None = None,
    ) -> None:
        """`make_engine(number, seeded)`: a new engine for this call's n-th session. `has_past`: the first
        one is told a history too (another brain had the call before). `standby`: is open already, or, for a
        call without a past, was begun."""
        self._make_engine = make_engine
        self._host = host
        self._listener = listener
        self._lifeline = lifeline
        self._counters = counters
        self._log = log
        self._has_past = has_past
        self._number = 0
        self._current: Engine | None = None
        self._standby = standby
        self._attempts = Attempts(self._make, self._leave, counters, log)
        self._leaving: set[asyncio.Task[None]] = set()
        self._roll = asyncio.Event()
        self._replaced: asyncio.Future[str] | None = None
        """Of the session that serves: resolves with the cause when it is to be replaced."""
        self._closed = asyncio.Event()

    async def run(self) -> EngineError:
        """Serves until there will be no session any more; returns why.

        Cancelling it leaves open what is open: `close` follows.
        """
        while True:
            found = await self._enter()
            if isinstance(found, EngineError):
                return found
            end = await self._serve(found)
            if self._closed.is_set():
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
        """When the session that serves is to be rolled over, if that is known."""
        return None if self._current is None else self._lifeline.rollover

    def do(self, action: ToModel) -> bool:
        """Has the model told; False if no session serves."""
        engine = self._current
        if engine is None:
            return False
        try:
            engine.do(action)
        except EngineError as error:
            # It takes nothing any more. Its close would take its time: it is not waited for.
            self._log.warning("session_stuck", cause=error.cause)
            self.replace(error.cause)
            return False
        return True

    def hush(self, response_id: str) -> None:
        """The call is over: the model says nothing any more, but texts of what was said may still come.
        `response_id`: what it is saying; empty: nothing."""
        self.do(actions.SilenceServer(event_id="over-silence"))
        if response_id:
            self.do(actions.SendCancel(event_id="over-cancel", response_id=response_id))

    def roll(self) -> None:
        """Now is a quiet moment, or the last one: go over to the next session."""
        self._roll.set()

    def replace(self, cause: str) -> None:
        """The session that serves is not to be trusted any more: it is told nothing from now on, and ends as
        one that is lost. Where none serves, nothing is done."""
        replaced = self._replaced
        if replaced is not None and not replaced.done():
            self._current = None
            replaced.set_result(cause)

    async def change_over(self) -> None:
        """Goes over to another session, made as engines are from now on: it is opened first, and told the
        past when it begins. Where none serves, the next one is such a one anyway. Raises EngineError: then
        the present one serves on. Cancelling it leaves what it has opened to be closed with the others."""
        ready = await self._attempts.one()
        standby, self._standby = self._standby, ready
        if isinstance(standby, Ready):
            self._leave(standby.engine)
        if self._closed.is_set():
            self._standby = None
            self._leave(ready.engine)
        else:
            self.replace(ROLLOVER)

    async def close(self) -> None:
        """Ends `run` and closes whatever is open, within a bounded time; safe to repeat. Cancelling it
        leaves the sockets to their own time-outs."""
        self._closed.set()
        standby, self._standby = self._standby, None
        engines = [self._current, standby.engine if isinstance(standby, Ready) else None]
        self._current = None
        if isinstance(standby, EarlySession):
            self._attempts.adopt(standby)
        await self._attempts.end()
        await asyncio.gather(
            *(engine.close() for engine in engines if engine is not None),
            *self._leaving,
            return_exceptions=True,
        )

    # Entering a session.

    async def _enter(self) -> Ready | EngineError:
        """A session that knows what was said so far: the standby, else a new one, tried with patience."""
        lifeline = self._lifeline
        lifeline.begin(now_ms())
        while not self._closed.is_set():
            standby, self._standby = self._standby, None
            past = self._host.seed if self._has_past else None
            try:
                ready = await self._attempts.first(past, standby, lifeline.give_up_at_ms)
                is_cast = await self._cast(ready)
            except EngineError as error:
                if self._closed.is_set():
                    return error
                next_ = lifeline.refused(error.cause, error.fatal, now_ms())
                if isinstance(next_, GiveUp):
                    return EngineError(next_.cause, error.detail, fatal=True)
                await asyncio.sleep(next_.after_ms / 1000)
                continue
            if not is_cast:
                continue
            self._has_past = True
            if self._closed.is_set():
                self._leave(ready.engine)
                break
            return ready
        return EngineError("closed")

    async def _cast(self, ready: Ready) -> bool:
        """Whether an open session is one of whoever answers now. One that is not is left."""
        is_cast = False
        try:
            is_cast = await self._host.cast(ready.engine)
        finally:
            if not is_cast:
                self._leave(ready.engine)
        return is_cast

    def _make(self) -> Engine:
        self._number += 1
        return self._make_engine(self._number, self._has_past)

    # Serving one.

    async def _serve(self, ready: Ready) -> EngineError:
        engine = self._current = ready.engine
        self._counters.sessions_confirmed += 1
        self._lifeline.confirmed(ready.since_ms, ready.opened.life_ms)
        self._roll.clear()
        replaced = self._replaced = asyncio.get_running_loop().create_future()
        self._host.session_begins(engine, ready.now(now_ms()))
        reading = asyncio.create_task(engine.run(self._listener), name="session-run")
        rolling = asyncio.create_task(self._prepare_rollover(), name="session-rollover")
        try:
            await asyncio.wait({reading, rolling, replaced}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return reading.result()
            if replaced.done():
                return EngineError(replaced.result(), "replaced")
            rolling.result()
            return EngineError(ROLLOVER)
        finally:
            self._replaced = None
            for task in (reading, rolling):
                task.cancel()
            await asyncio.gather(reading, rolling, return_exceptions=True)
            self._current = None
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
                self._keep(await self._attempts.one())
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

    def _keep(self, standby: Ready) -> None:
        """Another agent may have got one meanwhile: that counts."""
        if self._standby is None:
            self._standby = standby
        else:
            self._leave(standby.engine)

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
