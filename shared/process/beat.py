"""The process's own keys in Redis: the streams that others write to it, and the beat that says it lives.

Why it exists: nobody can write to a process whose streams are not there, and rivals judge it by its beat.

Owns: when these keys are made, renewed and dropped, what the beat says; finding out that Redis came back
empty (it has forgotten the beat before), or refuses writes. Must not know: what a role does, who counts as
dead.

Two tasks: the beat awaits nothing but its own timer, since a worker whose beat waits for a slow Redis is
taken for dead; keeping the keys waits for Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from shared import VERSION
from shared.clock import now_ms, wall_ms
from shared.contract import keys as key_names
from shared.contract.command import Command
from shared.contract.entry import NOTHING
from shared.contract.record import CONTRACT
from shared.contract.worker import Beat, write_beat
from shared.process.role import Process, Role
from shared.store.access.check import agree_on_lanes
from shared.store.errors import STORE_ERRORS
from shared.store.writing.outage import RefusalBegan, RefusalOver, RefusalTold

BEAT_S = 0.5
"""How often a worker shows that it lives (docs/design.md, Who counts as dead)."""

KEEP_KEYS_S = 5.0
"""How often its keys are renewed."""


async def keep_own_keys(process: Process, own_streams: Sequence[str]) -> None:
    """Makes or renews the doorbells and the role's own streams.

    Raises STORE_ERRORS. Cancelling it may leave some of them for the next time.
    """
    for key in _streams(process, own_streams):
        if not await process.store.exists(key):
            # In one step: a process that is killed between two would leave a key without a TTL.
            async with process.store.pipeline(transaction=True) as together:
                together.xadd(key, NOTHING, maxlen=0, approximate=False)
                together.pexpire(key, key_names.WORKER_TTL_MS)
                await together.execute()
        await process.store.pexpire(key, key_names.WORKER_TTL_MS)
    for lane in range(process.settings.lanes):
        await process.store.pexpire(process.keys.owned(lane, process.name), key_names.CALL_TTL_MS)


async def drop_own_keys(process: Process, own_streams: Sequence[str]) -> None:
    """Takes this worker out of Redis. Raises STORE_ERRORS. Cancelling it leaves the rest to their TTLs."""
    for key in _streams(process, own_streams):
        await process.store.delete(key)
    await process.store.delete(process.keys.worker(process.name))
    await process.store.srem(key_names.WORKERS, process.name)


async def beat(process: Process, role: Role, lost: asyncio.Event) -> None:
    """Shows every half second, by the outbox, that this worker lives, and what it carries. Sets `lost` when
    its keys may be gone: Redis has forgotten a beat or a stream, or is another one after a reconnection.

    Runs until it is cancelled, which is safe at any time.
    """
    number, connects, told = 0, process.outbox.counters.connects, RefusalTold()
    forgotten = _Forgotten(process, lost)
    while True:
        number += 1
        shown, *rest = write_beat(process.keys, process.name, _beat(process, role, number))
        process.outbox.send(shown, on_reply=forgotten.look)
        for command in rest:
            process.outbox.send(command)
        for stream in _renew(process, role.own_streams, number):
            process.outbox.send(stream, on_reply=forgotten.look_for_stream)
        if process.outbox.counters.connects != connects:
            connects = process.outbox.counters.connects
            lost.set()
        _tell_refusal(process, told)
        process.garbage.tidy(role.live_calls())
        await asyncio.sleep(BEAT_S)


async def keep_keys(process: Process, own_streams: Sequence[str], lost: asyncio.Event) -> None:
    """Renews the process's keys every five seconds, and makes them again at once when they may be `lost`:
    nobody could write to us.

    Runs until it is cancelled, which may leave some of them to their TTLs.
    """
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KEEP_KEYS_S):
                await lost.wait()
        is_lost = lost.is_set()
        lost.clear()
        try:
            await keep_own_keys(process, own_streams)
            if is_lost:
                await agree_on_lanes(process.store, process.settings.lanes)
        except STORE_ERRORS:
            if is_lost:
                lost.set()
            await asyncio.sleep(BEAT_S)


# Private.


@dataclass(slots=True)
class _Forgotten:
    """Finds out by the answers to our beats that Redis has forgotten them."""

    process: Process
    lost: asyncio.Event
    _is_known: bool = False

    def look(self, reply: object) -> None:
        """HSET says how many of its fields are new."""
        if not isinstance(reply, int):
            return
        if reply and self._is_known:
            self.process.emptied += 1
            self.process.neighbours.redis_was_emptied()
            self.process.log.error("redis_empty", hint="Redis has lost our keys: calls are written again")
            self.lost.set()
        self._is_known = True

    def look_for_stream(self, reply: object) -> None:
        """PEXPIRE says whether there was one: somebody has deleted it, or Redis was emptied."""
        if reply == 0:
            self.lost.set()


def _renew(process: Process, own_streams: Sequence[str], number: int) -> list[Command]:
    """The streams that a beat looks after: the role's own, on which audio and reports wait, and one doorbell,
    another one each time."""
    lane = number % process.settings.lanes
    ttl = b"%d" % key_names.WORKER_TTL_MS
    bell = process.keys.wake(lane, process.name).encode()
    return [
        Command(lane, (b"PEXPIRE", bell, ttl)),
        *(Command(key.encode(), (b"PEXPIRE", key.encode(), ttl)) for key in own_streams),
    ]


def _tell_refusal(process: Process, told: RefusalTold) -> None:
    refused = process.outbox.refused
    match told.look(None if refused is None else refused.since_ms, now_ms()):
        case RefusalBegan():
            process.log.error("redis_refuses_writes", reason=process.outbox.trouble)
        case RefusalOver(lasted_ms):
            process.log.warning("redis_takes_writes", lasted_ms=round(lasted_ms))
        case None:
            pass


def _beat(process: Process, role: Role, number: int) -> Beat:
    origin = process.origin
    return Beat(
        beat=number,
        at_ms=wall_ms(),
        host=process.worker.host,
        pid=origin.pid,
        role=process.worker.role,
        calls=role.live_calls(),
        capacity=process.capacity,
        loop_lag_ms=round(process.lag.window_ms, 1),
        draining=process.draining,
        version=VERSION,
        contract=CONTRACT,
        admin_port=process.settings.admin_port(process.worker.role, process.worker.number),
        pid_started=origin.pid_started,
        boot_id=origin.boot_id,
        pid_ns=origin.pid_ns,
    )


def _streams(process: Process, own_streams: Sequence[str]) -> list[str]:
    doorbells = [process.keys.wake(lane, process.name) for lane in range(process.settings.lanes)]
    return [*doorbells, *own_streams]
