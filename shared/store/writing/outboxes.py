"""The writers of a process on a Cluster: an outbox a lane, and one for each slot outside the lanes.

Why it exists: each lane has a master of its own. What one master refuses, or does not answer, must not hold
up the calls of another, and a lane whose slot moves must keep its order: so each lane has a connection, a
queue and a state of its own, and finds its master by itself (servers.py). On one server, or behind Sentinels,
one outbox writes for all lanes, in fewer system calls.

Owns: which outbox a command goes through, what is said of all of them together. Must not know: what a command
means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import reduce

from redis.crc import key_slot

from shared.contract.command import Command
from shared.contract.entry import probe_command
from shared.contract.keys import NOWHERE, Keys
from shared.redis_url import Shape
from shared.store.errors import OutboxFull
from shared.store.gathering import never_late
from shared.store.reach.servers import Servers
from shared.store.refusals import RefusedWrites, older
from shared.store.writing.counters import OutboxCounters
from shared.store.writing.outbox import BOUND_BYTES, Outbox
from shared.store.writing.write_queue import OnReply, OnVoid

OUTSIDE_MOST = 16
"""Slots outside the lanes: a process writes to its own hash, to the list of workers and to little else. What
would be one more is refused and counted: through the connection of another slot it would be answered MOVED,
open that one anew, be sent again, and so on for ever, with the calls of a lane behind it."""

LEAST_BOUND_BYTES = 4 * 1024 * 1024
"""Of what one of them may hold, however many share the bound of the process."""


def make_outbox(
    servers: Servers, keys: Keys, *, name: str, commit_ms: float, lag_ms: Callable[[], float] = never_late
) -> Outbox | Outboxes:
    """The writer of a process: as many as the shape of Redis wants."""
    if servers.place.shape is Shape.CLUSTER:
        return Outboxes(servers, keys, name=name, commit_ms=commit_ms, lag_ms=lag_ms)
    return Outbox(servers.way(), name=name, commit_ms=commit_ms, lag_ms=lag_ms)


class Outboxes:
    """A Writer (writer.py) for a Cluster. Nothing is connected before `run`."""

    def __init__(
        self,
        servers: Servers,
        keys: Keys,
        *,
        name: str,
        commit_ms: float,
        lag_ms: Callable[[], float] = never_late,
    ) -> None:
        """As Outbox."""
        self._servers = servers
        self._name = name
        self._commit_ms = commit_ms
        self._lag_ms = lag_ms
        self._bound_bytes = max(LEAST_BOUND_BYTES, BOUND_BYTES // (keys.lanes + 1))
        self.counters = OutboxCounters()
        self._lanes = [self._make(keys.nowhere(lane)) for lane in range(keys.lanes)]
        self._outside: list[Outbox] = []
        self._by_slot = {
            key_slot(keys.nowhere(lane).encode()): outbox for lane, outbox in enumerate(self._lanes)
        }
        """Lanes may share a slot: then it has the last of them, and each is kept all the same."""
        self._tasks: asyncio.TaskGroup | None = None

    # What roles call.

    def send(self, command: Command, *, on_reply: OnReply | None = None, urgent: bool = False) -> None:
        """Through the outbox of its lane, or of its key's slot."""
        tag = command.tag
        outbox = self._lanes[tag] if isinstance(tag, int) else self._of_key(command.args[1])
        if outbox is not None:
            outbox.send(command, on_reply=on_reply, urgent=urgent)
            return
        self.counters.refused += 1
        if on_reply is not None:
            on_reply(OutboxFull(f"it writes to {OUTSIDE_MOST} hash slots outside the lanes, and to no more"))

    def send_packed(
        self, tag: int, packed: bytes, *, max_age_ms: float, on_void: OnVoid | None = None
    ) -> None:
        """Through the outbox of its lane."""
        self._lanes[tag].send_packed(tag, packed, max_age_ms=max_age_ms, on_void=on_void)

    @property
    def backlog_bytes(self) -> int:
        """Of all of them."""
        return sum([outbox.backlog_bytes for outbox in self._all()])

    @property
    def connected(self) -> bool:
        """Whether all of them are."""
        return all(outbox.connected for outbox in self._all())

    @property
    def refused(self) -> RefusedWrites | None:
        """Of those that are refused, the first that was."""
        return reduce(older, [outbox.refused for outbox in self._all()])

    def lane_refused(self, lane: int) -> RefusedWrites | None:
        """Of one lane: calls of others are none the worse."""
        return self._lanes[lane].refused

    @property
    def away_since_ms(self) -> float | None:
        """Since the first that cannot write."""
        return _first(outbox.away_since_ms for outbox in self._all())

    def lane_away_since_ms(self, lane: int) -> float | None:
        """Of one lane: calls of others are none the worse."""
        return self._lanes[lane].away_since_ms

    @property
    def trouble(self) -> str:
        """Of the first that has any, and of how many."""
        found = [outbox.trouble for outbox in self._all()]
        bad = [trouble for trouble in found if trouble]
        return f"{bad[0]} ({len(bad)} of {len(found)} hash slots)" if bad else ""

    def slowest_ms(self, now: float) -> float:
        """Of all of them."""
        return max([outbox.slowest_ms(now) for outbox in self._all()])

    def lane_slowest_ms(self, lane: int, now: float) -> float:
        """Of one lane: calls of others are none the worse."""
        return self._lanes[lane].slowest_ms(now)

    async def flushed(self, timeout_s: float) -> bool:
        """Waits until all have written all; False after `timeout_s`."""
        async with asyncio.TaskGroup() as group:
            ends = [group.create_task(outbox.flushed(timeout_s)) for outbox in self._all()]
        return all(end.result() for end in ends)

    async def run(self) -> None:
        """Keeps their connections for as long as it runs; cancel it to stop. What is queued then is lost."""
        async with asyncio.TaskGroup() as self._tasks:
            for outbox in self._all():
                self._tasks.create_task(outbox.run())

    # Private.

    def _all(self) -> list[Outbox]:
        return [*self._lanes, *self._outside]

    def _of_key(self, key: bytes) -> Outbox | None:
        """None: it is of one slot too many."""
        slot = key_slot(key)
        found = self._by_slot.get(slot)
        if found is None and len(self._outside) < OUTSIDE_MOST:
            found = self._by_slot[slot] = self._make(key.decode(errors="replace"))
            self._outside.append(found)
            if self._tasks is not None:
                self._tasks.create_task(found.run())
        return found

    def _make(self, key: str) -> Outbox:
        return Outbox(
            self._servers.way(key),
            name=self._name,
            commit_ms=self._commit_ms,
            lag_ms=self._lag_ms,
            nowhere=beside(key),
            counters=self.counters,
            bound_bytes=self._bound_bytes,
        )


def beside(key: str) -> str:
    """A stream that is never there, in the slot of a key: for what asks whether its server takes writes."""
    if "{" in key:
        return key if key.endswith(":nowhere") else f"{key}:nowhere"
    return f"{NOWHERE}:{{{key}}}"


def asking(key: str) -> tuple[bytes | str, ...]:
    """The write that writes nothing, to the server of a key: it is refused as any other write there."""
    _, *words = probe_command(beside(key)).args
    return ("XADD", *words)


def _first(moments: Iterable[float | None]) -> float | None:
    return min([moment for moment in moments if moment is not None], default=None)
