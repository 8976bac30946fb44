"""The process's own keys in Redis: the streams that others write to it, and the beat that says it lives.

Why it exists: nobody can write to a process whose streams are not there, and rivals judge it by its beat.

Owns: when these keys are made, renewed and dropped, what the beat says; finding out that Redis came back
empty (it has forgotten the beat before), or refuses writes. Must not know: what a role does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared import VERSION
from shared.clock import now_ms, wall_ms
from shared.contract import keys as key_names
from shared.contract.entry import NOTHING
from shared.contract.record import CONTRACT
from shared.contract.worker import Beat, write_beat
from shared.process.refused import RefusalBegan, RefusalOver, RefusalTold
from shared.process.role import Process, Role
from shared.store.check import agree_on_lanes
from shared.store.errors import STORE_ERRORS

BEAT_S = 0.5
"""How often a worker shows that it lives; an egress that drains hands its calls to nobody who was silent for
3 s."""

KEEP_KEYS_EVERY_BEATS = 10


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


async def beat(process: Process, role: Role) -> None:
    """Shows every half second, by the outbox, that this worker lives, and what it carries.

    Runs until it is cancelled, which is safe at any time.
    """
    number, connects, told = 0, process.outbox.counters.connects, RefusalTold()
    forgotten = _Forgotten(process)
    while True:
        number += 1
        shown, *rest = write_beat(process.keys, process.name, _beat(process, role, number))
        process.outbox.send(shown, on_reply=forgotten.look)
        for command in rest:
            process.outbox.send(command)
        # After a new connection at once: Redis may have come back empty, and nobody can write to us.
        is_lost = forgotten.event.is_set() or process.outbox.counters.connects != connects
        if number % KEEP_KEYS_EVERY_BEATS == 0 or is_lost:
            forgotten.event.clear()
            with contextlib.suppress(*STORE_ERRORS):
                now_connects = process.outbox.counters.connects
                await keep_own_keys(process, role.own_streams)
                if is_lost:
                    await agree_on_lanes(process.store, process.settings.lanes)
                connects = now_connects
        _tell_refusal(process, told)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT_S):
                await forgotten.event.wait()


# Private.


@dataclass(slots=True)
class _Forgotten:
    """Finds out by the answers to our beats that Redis has forgotten them."""

    process: Process
    event: asyncio.Event = field(default_factory=asyncio.Event)
    _is_known: bool = False

    def look(self, reply: object) -> None:
        """HSET says how many of its fields are new."""
        if not isinstance(reply, int):
            return
        if reply and self._is_known:
            self.process.emptied += 1
            self.process.log.error("redis_empty", hint="Redis has lost our keys: calls are written again")
            self.event.set()
        self._is_known = True


def _tell_refusal(process: Process, told: RefusalTold) -> None:
    match told.look(process.outbox.refused_since_ms, now_ms()):
        case RefusalBegan():
            process.log.error("redis_refuses_writes", reason=process.outbox.trouble)
        case RefusalOver(lasted_ms):
            process.log.warning("redis_takes_writes", lasted_ms=round(lasted_ms))
        case None:
            pass


def _beat(process: Process, role: Role, number: int) -> Beat:
    return Beat(
        beat=number,
        at_ms=wall_ms(),
        host=process.worker.host,
        pid=os.getpid(),
        role=process.worker.role,
        calls=role.live_calls(),
        capacity=process.capacity,
        loop_lag_ms=round(process.lag.window_ms, 1),
        draining=process.draining,
        version=VERSION,
        contract=CONTRACT,
        admin_port=process.settings.admin_port(process.worker.role, process.worker.number),
    )


def _streams(process: Process, own_streams: Sequence[str]) -> list[str]:
    doorbells = [process.keys.wake(lane, process.name) for lane in range(process.settings.lanes)]
    return [*doorbells, *own_streams]
