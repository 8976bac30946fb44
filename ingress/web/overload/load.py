"""How this process stands, looked at again and again; whether one more call may come to it.

Why it exists: a webhook must have its answer at once, and some figures cost a system call or a question to
Redis. Owns: the looks, the account of calls on their way, the lines of the log. Must not know: the rule
(rules.py), what a caller is told.

What is decided here is decided in one step of the loop, so no two webhooks get the same last place of this
process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ingress.calls.table import CallTable
from ingress.errors import WebhookReason
from ingress.media.bounds import room_for
from ingress.web.overload import rules
from ingress.web.overload.episodes import RefusedCalls
from ingress.web.overload.rules import Bounds, LateGate, Load, OnTheWay
from shared.clock import now_ms
from shared.ownership import admitting
from shared.process.resources import limits
from shared.process.role import Process
from shared.settings import Settings
from shared.store.errors import STORE_ERRORS

LOOK_S = 0.25
DEAR_LOOKS = 4
"""Descriptors are counted, and Redis is asked, once a second."""


def bounds_of(settings: Settings, files_most: int) -> Bounds:
    """By the settings; never more calls than there will be room for sockets."""
    sockets = room_for(files_most).sockets
    return Bounds(
        calls=min(settings.calls_per_ingress or sockets, sockets),
        late_ms=settings.late_most_ms,
        model_left=settings.model_left_percent / 100,
    )


@dataclass(slots=True)
class LoadWatch:
    """One object a process; `run` is its task. `clock`: for tests."""

    process: Process
    table: CallTable
    clock: Callable[[], float] = now_ms
    bounds: Bounds = field(init=False)
    counted: int = 0
    """Calls of the whole deployment that have a place, as the count said last."""
    _late: LateGate = field(init=False)
    _on_the_way: OnTheWay = field(default_factory=OnTheWay)
    _episodes: RefusedCalls = field(default_factory=RefusedCalls)
    _files: int = 0
    _files_most: int = field(default_factory=limits.files_most)
    _model_left: float | None = None
    _looks: int = 0

    def __post_init__(self) -> None:
        self.bounds = bounds_of(self.process.settings, self._files_most)
        self._late = LateGate(self.bounds.late_ms)
        gauge = self.process.metrics.gauge
        gauge("admission_calls", "Calls of the deployment, as the count last told us", lambda: self.counted)
        gauge("admission_late", "1 while the loop is too late for new calls", lambda: self._late.is_late)
        gauge("admission_files", "Descriptors in use, by the last look", lambda: self._files)

    async def run(self) -> None:
        """Looks until it is cancelled, which is safe at any time."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Takes up how late the loop is, and now and then the dearer figures. Cancelling is safe."""
        now = self.clock()
        self._late.look(self.process.lag.mostly_ms(), now)
        for episode in self._episodes.over(now):
            self.process.log.info(
                "refusals_over",
                reason=episode.reason,
                refused=episode.refused,
                lasted_s=round(episode.lasted_ms / 1000, 1),
            )
        if self._looks % DEAR_LOOKS == 0:
            self._files = limits.files_open()
            if self.bounds.model_left:
                await self._ask_for_model()
        self._looks += 1

    def let_in(self, call_sid: str) -> WebhookReason | None:
        """One more call, if it may come: it is on its way then. Why it may not; None: it may. One that was
        let in lately is let in again: Twilio repeats a webhook that it is unsure of."""
        if self._on_the_way.has(call_sid):
            return None
        reason = rules.judge(self._load(), self.bounds)
        if reason is None:
            self._on_the_way.let_in(call_sid, self.clock())
        return reason

    def refused(self, call_sid: str, reason: str, **figures: object) -> None:
        """A call is not taken, for whatever reason: it is not on its way. The first of many has a line."""
        self._on_the_way.leave(call_sid)
        if self._episodes.refused(reason, self.clock()):
            load = self._load()
            self.process.log.warning(
                "call_refused",
                call=call_sid,
                reason=reason,
                calls=load.calls,
                files=load.files,
                late_ms=round(self.process.lag.mostly_ms(), 1),
                **figures,
            )

    # Private.

    def _load(self) -> Load:
        on_the_way = self._on_the_way.count(self.clock(), self.table.calls.__contains__)
        return Load(
            calls=self.table.live_calls() + on_the_way,
            is_late=self._late.is_late,
            files=self._files + on_the_way,
            files_most=self._files_most,
            model_left=self._model_left,
        )

    async def _ask_for_model(self) -> None:
        try:
            self._model_left = await admitting.model_left(self.process.store)
        except STORE_ERRORS as error:
            self._model_left = None
            self.process.log.debug("redis_away", reason=type(error).__name__)
