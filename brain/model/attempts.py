"""One session, by as many attempts side by side as it takes: the first that is ready serves.

Why it exists: a server that accepts a connection and then says nothing would be waited for to the end of its
time limit, in silence, though the next connection may be answered at once. Owns: when an attempt gets another
one beside it, which of them is taken, and that all others are closed. The figures are `lifeline`'s. Must not
know: the call, what a session does once it serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.model.engine import Engine, Opened, SeedItem
from brain.model.lifeline import BESIDE_AFTER_MS, BESIDE_AGAIN_MS, MAX_ATTEMPTS
from shared.clock import now_ms
from shared.logs.log import Log

Past = Callable[[], tuple[SeedItem, ...]]
"""What was said so far, by now."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A session that may serve."""

    engine: Engine
    opened: Opened
    since_ms: float
    """When it was opened: it ages while it is told the past, and a standby while it waits."""

    def now(self, now_ms: float) -> Opened:
        """With what is left of its life."""
        life_ms = self.opened.life_ms
        return replace(self.opened, life_ms=max(1.0, life_ms - (now_ms - self.since_ms)) if life_ms else 0.0)


@dataclass(frozen=True, slots=True)
class EarlySession:
    """An attempt that was begun before its call was ours. Cancelled, `task` closes what it has opened."""

    task: asyncio.Task[Ready]
    since_ms: float


class Attempts:
    """The attempts of one call. `make`: a new engine. `leave`: closes one beside the work."""

    def __init__(
        self,
        make: Callable[[], Engine],
        leave: Callable[[Engine], None],
        counters: BrainCounters,
        log: Log,
    ) -> None:
        self._make = make
        self._leave = leave
        self._counters = counters
        self._log = log
        self._running: set[asyncio.Task[Ready]] = set()
        self._opened_at_ms = -BESIDE_AFTER_MS
        """When the last one was opened; being told the past takes a time of its own."""

    async def one(self, past: Past | None = None) -> Ready:
        """A single attempt: opened, and told the past if there is one. Raises EngineError.

        Cancelling it closes what it has opened.
        """
        engine = self._make()
        try:
            opened = await engine.open()
            opened_at_ms = self._opened_at_ms = now_ms()
            if past is not None:
                await engine.seed(past())
        except (EngineError, asyncio.CancelledError):
            self._leave(engine)
            raise
        return Ready(engine, opened, opened_at_ms)

    async def first(
        self,
        past: Past | None,
        standby: Ready | EarlySession | None = None,
        give_up_at_ms: float | None = None,
    ) -> Ready:
        """The first of several attempts that is ready. Raises EngineError: the last one's, the first fatal
        one, or that none was ready in time. `standby`: is open already, or was begun (then there is no past),
        and takes the place of the first attempt.

        Cancelling it closes all of them.
        """
        running, begun_ms = self._running, now_ms()
        if isinstance(standby, EarlySession):
            running.add(standby.task)
            begun_ms = standby.since_ms
        else:
            first = self.one(past) if standby is None else self._enter(standby, past)
            running.add(asyncio.create_task(first, name="session-attempt"))
        beside_at_ms = begun_ms + BESIDE_AFTER_MS
        try:
            while True:
                until_ms = beside_at_ms if give_up_at_ms is None else min(beside_at_ms, give_up_at_ms)
                done, _ = await asyncio.wait(
                    running, timeout=max(0.0, until_ms - now_ms()) / 1000, return_when=asyncio.FIRST_COMPLETED
                )
                ready = self._take(done)
                if ready is not None:
                    return ready
                now = now_ms()
                if give_up_at_ms is not None and now >= give_up_at_ms:
                    raise EngineError("session_unconfirmed", "no session in time")
                if now < self._opened_at_ms + BESIDE_AFTER_MS:
                    beside_at_ms = max(beside_at_ms, self._opened_at_ms + BESIDE_AFTER_MS)
                elif now >= beside_at_ms:
                    beside_at_ms = now + BESIDE_AGAIN_MS
                    self._begin_beside(past)
        finally:
            await self.end()

    def adopt(self, begun: EarlySession) -> None:
        """It ends with the others, unused."""
        self._running.add(begun.task)

    async def end(self) -> None:
        """Ends all attempts. Cancelling it leaves them to be collected."""
        running = list(self._running)
        self._running.clear()
        for task in running:
            task.cancel()
        for found in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(found, Ready):
                self._leave(found.engine)

    # Private.

    async def _enter(self, standby: Ready, past: Past | None) -> Ready:
        try:
            if past is not None:
                await standby.engine.seed(past())
        except (EngineError, asyncio.CancelledError):
            self._leave(standby.engine)
            raise
        return standby

    def _begin_beside(self, past: Past | None) -> None:
        if len(self._running) < MAX_ATTEMPTS:
            self._counters.sessions_beside += 1
            self._log.info("session_late", attempts=len(self._running) + 1)
            self._running.add(asyncio.create_task(self.one(past), name="session-attempt"))

    def _take(self, done: set[asyncio.Task[Ready]]) -> Ready | None:
        """One that is ready, if there is one. Raises EngineError where nothing is left to wait for."""
        last: EngineError | None = None
        for task in done:
            if not task.cancelled() and task.exception() is None:
                self._running.discard(task)
                return task.result()
        for task in done:
            self._running.discard(task)
            if task.cancelled():
                last = EngineError("closed")
                continue
            try:
                task.result()
            except EngineError as error:
                last = error
                self._failed(error)
                if error.fatal:
                    raise
        if last is not None and not self._running:
            raise last
        return None

    def _failed(self, error: EngineError) -> None:
        self._counters.sessions_failed += 1
        self._log.warning("session_failed", cause=error.cause, detail=error.detail, fatal=error.fatal)
