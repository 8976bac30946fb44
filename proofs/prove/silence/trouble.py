"""Brings a fault about, and takes it away again.

Why it exists: each kind is done in its own way: a knob, a signal, a setting of Redis. Owns: these ways. Must
not know: when, or what follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

from proofs.prove.silence.cast import Cast
from proofs.prove.silence.faults import (
    ONCE,
    Fault,
    HalfOpen,
    Healthy,
    Killed,
    Responses,
    Role,
    Sessions,
    Stopped,
    Unreachable,
)
from proofs.prove.silence.faults import Store as StoreFault
from proofs.prove.silence.stage import Stage
from shared.contract.keys import Keys
from shared.contract.views import PeopleView
from shared.ownership.steps import read_view
from simulators.realtime.knobs import ResponseKnobs

KEYS = Keys(1)

NEVER_MS = 1e9
LOST = 1011
"""With this code the model closes a session that is lost."""

DUMP = "dump.rdb"


@dataclass(slots=True)
class Trouble:
    """A fault for one call."""

    stage: Stage
    cast: Cast
    call_sid: str

    @asynccontextmanager
    async def of(self, fault: Fault, lasts_s: float | None) -> AsyncIterator[None]:
        """The fault is there inside the block. What lasts ONCE is a moment, at its beginning."""
        match fault:
            case Healthy():
                yield
            case Responses():
                with self._responses(fault.knobs, once=lasts_s == ONCE):
                    yield
            case Sessions():
                self.cast.open_sessions(fault.knobs)
                self._lose_sessions()
                yield
                self.cast.open_sessions({})
            case HalfOpen():
                for session in self.cast.live():
                    self.stage.model.freeze(session, inf if lasts_s is None else lasts_s * 1000)
                yield
            case Unreachable():
                async with self._unreachable():
                    yield
            case Killed():
                await self.stage.stack.signal(await self._owner(fault.role), signal.SIGKILL)
                yield
            case Stopped():
                async with self._stopped(await self._owner(fault.role)):
                    yield
            case StoreFault():
                async with self._store(fault):
                    yield

    async def has_owners(self) -> bool:
        """Whether every role has the call. Cancelling it only ends the look."""
        card = await read_view(self.stage.store, KEYS, self.call_sid, PeopleView)
        return card is not None and bool(card.ingress and card.brain and card.egress)

    # Private.

    async def _owner(self, role: Role) -> str:
        """supervisord's name of the process that has the call."""
        card = await read_view(self.stage.store, KEYS, self.call_sid, PeopleView)
        assert card is not None, "the call has a card while it lives"
        workers = {"ingress": card.ingress, "brain": card.brain, "egress": card.egress}
        return workers[role].partition("@")[0]

    @contextlib.contextmanager
    def _responses(self, knobs: ResponseKnobs, *, once: bool) -> Iterator[None]:
        if once:
            self.cast.respond_once(knobs)
            yield
            return
        self.cast.respond(knobs)
        yield
        self.cast.respond(ResponseKnobs())

    def _lose_sessions(self) -> None:
        for session in self.cast.live():
            self.stage.model.close_session(session, LOST)

    @asynccontextmanager
    async def _unreachable(self) -> AsyncIterator[None]:
        refusing = asyncio.create_task(self.stage.model.refuse_connections(NEVER_MS))
        await asyncio.sleep(0)
        self._lose_sessions()
        try:
            yield
        finally:
            refusing.cancel()
            await asyncio.wait({refusing})

    @asynccontextmanager
    async def _stopped(self, name: str) -> AsyncIterator[None]:
        pid = await self.stage.stack.signal(name, signal.SIGSTOP)
        try:
            yield
        finally:
            # The watchdog may have ended it meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    @asynccontextmanager
    async def _store(self, fault: StoreFault) -> AsyncIterator[None]:
        redis = self.stage.store.redis
        match fault:
            case StoreFault.EMPTIED:
                await redis.flushall()
                yield
            case StoreFault.RESTARTED:
                await self.stage.stack.signal("valkey", signal.SIGKILL)
                yield
            case StoreFault.FROZEN:
                async with self._stopped("valkey"):
                    yield
            case StoreFault.FULL:
                async with _setting(redis.config_set, "maxmemory", "1", "0"):
                    yield
            case StoreFault.NO_REPLICAS:
                async with _setting(redis.config_set, "min-replicas-to-write", "1", "0"):
                    yield
            case StoreFault.MISCONF:
                async with self._failing_snapshots():
                    yield

    @asynccontextmanager
    async def _failing_snapshots(self) -> AsyncIterator[None]:
        """A folder stands where the snapshot is to be written."""
        redis = self.stage.store.redis
        (folder,) = (await redis.config_get("dir")).values()
        in_the_way = Path(os.fsdecode(folder)) / DUMP
        in_the_way.mkdir(exist_ok=True)
        async with _setting(redis.config_set, "save", "3600 1", ""):
            await redis.bgsave()
            while (await redis.info("persistence"))["rdb_last_bgsave_status"] != "err":  # noqa: ASYNC110 - Redis is asked
                await asyncio.sleep(0.02)
            yield
        in_the_way.rmdir()


# Private.


@asynccontextmanager
async def _setting(
    config_set: Callable[[str, str], Awaitable[object]], name: str, value: str, before: str
) -> AsyncIterator[None]:
    await config_set(name, value)
    try:
        yield
    finally:
        await config_set(name, before)
