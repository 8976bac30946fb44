"""What a role gives the skeleton, and what every role gets from it.

Why it exists: everything else of this folder knows these two and not one another.

Owns: the steps of a role, the parts that all processes have. Must not know: what a role does, in which
order the parts start and stop.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.clock import now_ms, wall_ms
from shared.contract.keys import Keys
from shared.contract.record import CONTRACT
from shared.contract.streams.doorbell import Why, ring_command
from shared.contract.window import ProcessWindow
from shared.contract.worker import WorkerId
from shared.figures.counters import DeclaredCounters
from shared.figures.diagnosis import CPU_MS
from shared.logs.log import Log
from shared.ownership.counters import OwnershipCounters
from shared.ownership.guard import CallGuard
from shared.ownership.journal import JournalPen
from shared.process.garbage import GarbageWatch
from shared.process.host import ProcessOrigin
from shared.process.lag import LoopLag
from shared.process.neighbours import Neighbours
from shared.settings import Settings
from shared.store.client import Store
from shared.store.inbox import Inbox
from shared.store.reach.servers import Servers
from shared.store.writing.outage import Outage
from shared.store.writing.writer import Writer


class Role(Protocol):
    """What a role gives the skeleton. Each step is called once, in this order."""

    starts_without_redis: bool
    """Whether `start` comes before Redis is there: ingress can apologise without it."""

    @property
    def own_streams(self) -> tuple[str, ...]:
        """Streams, beside the doorbells, that others write to this process: there while it lives."""

    async def start(self) -> None:
        """Begins to take calls. Never cancelled."""

    async def drain(self) -> None:
        """Refuses new calls and waits for the live ones. Cancelled by the second signal or at DRAIN_S."""

    async def stop(self) -> None:
        """Lets go of what is left, within a bounded time; the outbox still writes. Never cancelled."""

    def live_calls(self) -> int:
        """How many calls this process serves now."""

    def not_ready(self) -> str:
        """Why no new call should come here; empty when ready."""


@dataclass(slots=True)
class Process:
    """What every role process has."""

    settings: Settings
    worker: WorkerId
    name: str
    """`str(worker)`: written everywhere, so kept."""
    keys: Keys
    servers: Servers
    store: Store
    outbox: Writer
    inboxes: list[Inbox]
    """One a lane: `inboxes[lane]`."""
    journal: JournalPen
    log: Log
    metrics: DeclaredCounters
    lag: LoopLag
    origin: ProcessOrigin
    neighbours: Neighbours
    capacity: int
    draining: bool = False
    forced: asyncio.Event = field(default_factory=asyncio.Event)
    """A second signal has come: now, whatever it costs."""
    redis_version: str = ""
    fatal: BaseException | None = None
    """What the first task that failed has raised: it ends the process."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    ownership: OwnershipCounters = field(default_factory=OwnershipCounters)
    outage: Outage = field(default_factory=Outage)
    garbage: GarbageWatch = field(default_factory=GarbageWatch)
    claimed: dict[str, int] = field(default_factory=dict)
    """The highest epoch of ours of each call that we had lately: a claim that comes later must be above
    it."""
    turning_away: set[str] = field(default_factory=set)
    """Calls that are ours and that nobody serves: their callers are told so."""
    emptied: int = 0
    """Times that Redis was found empty: it had forgotten our beat."""
    guard: CallGuard = field(init=False)
    """What is done for one call goes through it."""

    def __post_init__(self) -> None:
        self.guard = CallGuard(self.journal, self.ownership, self.log)

    def window(self, now: float, lane: int) -> ProcessWindow:
        """What each role's window on the card of a call of this lane begins with: who says it, and how the
        process fares."""
        refused = self.outbox.lane_refused(lane)
        return ProcessWindow(
            v=CONTRACT,
            at_ms=wall_ms(),
            worker=self.name,
            lag_ms=round(self.lag.window_ms, 1),
            redis_ms=round(self.outbox.lane_slowest_ms(lane, now), 1),
            redis_refusal="" if refused is None else refused.word,
        )

    @property
    def is_late(self) -> bool:
        """Whether the event loop was late lately, by as much as a verdict names."""
        return self.lag.window_ms >= CPU_MS

    @property
    def redis_run(self) -> tuple[int, int]:
        """Connections, and times that Redis was found empty: another pair may be another Redis, that has lost
        what was written last."""
        return self.outbox.counters.connects, self.emptied

    def lane_run(self, lane: int) -> tuple[int, int]:
        """The same of the Redis that has a lane, as whoever reads there sees it."""
        return self.inboxes[lane].counters.connects, self.emptied

    @property
    def most_away_since_ms(self) -> float | None:
        """Since when no more than half of the lanes can be written to; None: most can. A process that serves
        most calls takes new ones: those of the other lanes are told, and would be anywhere."""
        least = (self.settings.lanes + 1) // 2
        found = map(self.outbox.lane_away_since_ms, range(self.settings.lanes))
        away = sorted(since_ms for since_ms in found if since_ms is not None)
        return away[least - 1] if len(away) >= least else None

    def nudge(self, lane: int) -> None:
        """Ends the blocking read under way in a lane, so that a newly watched stream is read at once."""
        self.ring(lane, self.name, "", Why.CLAIMED)

    def ring(self, lane: int, worker: str, call_sid: str, why: Why) -> None:
        """Rings a worker's doorbell."""
        self.outbox.send(ring_command(self.keys, lane, worker, call_sid, why), urgent=True)

    def redis_fails(self, who: str, reason: str) -> None:
        """A connection of this process does not work; the first one that says so writes the line."""
        if self.outage.failed(who, now_ms()):
            self.log.warning("redis_unreachable", who=who, reason=reason)

    def redis_works(self, who: str) -> None:
        """A connection works (again); the last one that failed writes the line."""
        lasted_ms = self.outage.works(who, now_ms())
        if lasted_ms is not None:
            self.log.info("redis_back", after_s=round(lasted_ms / 1000, 1))

    def begin_drain(self) -> None:
        """Takes no new calls from here on: an operator's wish, by the doorbell. It stays until stopped."""
        if not self.draining:
            self.draining = True
            self.log.info("draining", cause="operator")

    def spawn(self, coroutine: Any, name: str) -> asyncio.Task[None]:
        """Starts a task of the process: named, kept, and fatal if it raises (crash-only: supervisord
        restarts)."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine, name=name)
        self.tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def spawn_for(self, call_sid: str, coroutine: Any, name: str) -> asyncio.Task[None]:
        """A task of one call: what it raises ends the service of that call alone."""
        task = self.spawn(self.guard.task(call_sid, coroutine), f"{name}-{call_sid}")
        task.add_done_callback(lambda _task: coroutine.close())  # It may have ended before it began.
        return task

    # Private.

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and self.fatal is None:
            self.fatal = error
            self.log.error("task_failed", task=task.get_name(), exc_info=error)
            os.kill(os.getpid(), signal.SIGTERM)


MakeRole = Callable[[Process], Role]
