"""The one blocking reader of a process and lane: many streams in one XREAD, entries handed to sinks.

Why it exists: a reader for each call would be a connection and a wake-up for each call. One XREAD names
the streams that may have news. Who reads by a block is woken by the first entry; where entries are dense it
waits a moment before it asks again (shared/store/gathering.py), so that one wake-up is for several.

Owns: the connection, the positions, the pace of reading, the trim of streams that nobody else reads: each
read is preceded by the trim of what the last one found, in one system call, so that what stands in such a
stream is unread. Must not know: what an entry means.

A blocking read is never cancelled: it ends by news, by its BLOCK time, or with its connection. A stream
that is watched again while a read is under way is named in the next one; `nudge` ends the one under way.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from shared import resp
from shared.clock import now_ms
from shared.contract.entry import Fields, after, order
from shared.store import refusals
from shared.store.errors import STORE_ERRORS, LinkLost
from shared.store.gathering import Gathering, never_late
from shared.store.reach.link import RedisLink, ReplyError
from shared.store.reach.servers import Way

BLOCK_MS = 500
"""How long one read waits for news: also the longest delay of a newly watched stream without a nudge."""

BLOCK_MARGIN_S = 2.0
"""A read that takes BLOCK_MS and this is taken for dead."""

COUNT = b"200"
"""Most entries of one stream in one read."""

TURN_ENTRIES, SHARE_MS = 500, 2.0
"""Entries handed out in one turn of the loop, and how long that may take; those of one stream more. After an
absence of Redis there are thousands, and frames must leave on time all the same."""

RECONNECT_MIN_S, RECONNECT_MAX_S = 0.05, 1.0

MOVING_PAUSE_S = 0.02
"""Between two reads of a slot that is on its way to another node of a Cluster."""

Entry = tuple[bytes, Fields]
"""(entry id, flat fields)."""

Sink = Callable[[list[Entry]], None]


@dataclass(slots=True)
class InboxCounters:
    """What a lane's inbox did, since the process started."""

    reads: int = 0
    """Blocking reads that were answered."""
    entries: int = 0
    """Entries read."""
    connects: int = 0
    """Connections opened."""
    errors: int = 0
    """Connections that failed or were lost."""
    wrong_type: int = 0
    """Keys that are no streams, and are not read: somebody else has written there."""
    restarts: int = 0
    """Streams read from 0 again, since Redis had lost what we had read."""


@dataclass(slots=True)
class _Watched:
    sink: Sink
    packed_key: bytes
    packed_id: bytes
    last_id: bytes
    is_ours: bool


class Inbox:
    """Reads the watched streams. Sinks are called synchronously, with entries in order, never twice for one
    id; a sink must not raise (what it raises ends the process: it is a bug)."""

    def __init__(
        self, way: Way, *, name: str, read_gap_ms: float, lag_ms: Callable[[], float] = never_late
    ) -> None:
        """`read_gap_ms`: the longest that it waits between two reads; `lag_ms`: how late the loop runs."""
        self._way = way
        self._name = name
        self._gathering = Gathering(read_gap_ms)
        self._lag_ms = lag_ms
        self._watched: dict[bytes, _Watched] = {}
        self._asked: dict[bytes, _Watched] = {}
        """What the read under way names."""
        self._some = asyncio.Event()
        self._read: list[bytes] = []
        """Streams of ours of which something was read and is not trimmed."""
        self._packed_keys: bytes | None = None
        """The key part of the command; None when the set of streams has changed."""
        self._link: RedisLink | None = None
        self.counters = InboxCounters()

    def watch(self, key: str, after_id: str, sink: Sink, *, is_ours: bool = False) -> None:
        """Reads `key` after `after_id` ("0" = from the first entry there is). `is_ours`: nobody else reads
        it, so that what was read is deleted."""
        name = key.encode()
        last = after_id.encode()
        self._watched[name] = _Watched(sink, resp.bulk(name), resp.bulk(last), last, is_ours)
        self._packed_keys = None
        self._some.set()

    def unwatch(self, key: str) -> str | None:
        """Stops reading `key`; returns the last id read, or None if it was not watched."""
        found = self._watched.pop(key.encode(), None)
        self._packed_keys = None
        if not self._watched:
            self._some.clear()
        return None if found is None else found.last_id.decode()

    def is_watched(self, key: str) -> bool:
        """Whether a stream is read."""
        return key.encode() in self._watched

    async def run(self) -> None:
        """Reads for as long as it runs; cancelling it ends the connection, and with it the read under way."""
        pause_s = RECONNECT_MIN_S
        while True:
            try:
                self._link = link = await self._way.open(name=f"{self._name}:read")
                self.counters.connects += 1
                pause_s = RECONNECT_MIN_S
                await self._restart_positions(link)
                await self._read_on(link)
            except STORE_ERRORS:
                self.counters.errors += 1
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, RECONNECT_MAX_S)
            finally:
                if self._link is not None:
                    self._link.close()
                self._link = None

    # Private.

    async def _restart_positions(self, link: RedisLink) -> None:
        """Streams of a Redis that came back empty, its clock behind, have ids below ours: read from 0."""
        for name, item in list(self._watched.items()):
            question = resp.pack([b"XINFO", b"STREAM", name])
            reply = await link.ask(question, timeout_s=BLOCK_MARGIN_S)
            newest = (0, 0)  # There is no such stream (yet).
            if isinstance(reply, ReplyError):
                if str(reply).startswith("WRONGTYPE"):
                    # Named in a read, it would have that refused, for all streams in it.
                    self.counters.wrong_type += 1
                    self.unwatch(name.decode())
                    continue
                if "no such key" not in str(reply):
                    continue
            else:
                newest = order(dict(zip(reply[::2], reply[1::2], strict=False))[b"last-generated-id"])
            if order(item.last_id) > newest:
                self.counters.restarts += 1
                item.last_id, item.packed_id = b"0", resp.bulk(b"0")

    async def _read_on(self, link: RedisLink) -> None:
        while True:
            await self._some.wait()
            trims = self._trims()
            reply = await link.ask(
                b"".join([*trims, self._command()]),
                timeout_s=BLOCK_MS / 1000 + BLOCK_MARGIN_S,
                commands=len(trims) + 1,
            )
            if isinstance(reply, ReplyError):
                await self._refused(reply)
                continue
            self.counters.reads += 1
            if reply:
                answered_ms = now_ms()
                self._gathering.came(answered_ms, sum([len(found) for _, found in reply]))
                await self._hand_out(reply)
                await self._gather(answered_ms)

    async def _refused(self, reply: ReplyError) -> None:
        """Waits where the next read may be answered here; raises LinkLost where it will not."""
        word = refusals.word_of(reply)
        if word in refusals.MOVING:
            await asyncio.sleep(MOVING_PAUSE_S)
        elif word != "UNBLOCKED" or self._way.may_move:
            # Where servers change, a server unblocks its readers when it turns into a replica.
            self._way.note(str(reply))
            raise LinkLost(f"Redis refused a read: {reply}")

    async def _gather(self, answered_ms: float) -> None:
        """Entries may have waited since the last read was answered."""
        wait_ms = self._gathering.wait_ms(age_ms=now_ms() - answered_ms, lag_ms=self._lag_ms())
        if wait_ms > 0:
            await asyncio.sleep(wait_ms / 1000)

    def _trims(self) -> list[bytes]:
        """One for each stream of ours that was read. A trim that is refused or lost is made up for by the
        next one."""
        names, self._read = self._read, []
        return [
            resp.pack([b"XTRIM", name, b"MINID", after(self._watched[name].last_id.decode()).encode()])
            for name in names
            if name in self._watched
        ]

    def _command(self) -> bytes:
        watched = self._watched.values()
        if self._packed_keys is None:
            self._asked = dict(self._watched)
            head = resp.pack([b"XREAD", b"COUNT", COUNT, b"BLOCK", b"%d" % BLOCK_MS, b"STREAMS"]).split(
                b"\r\n", 1
            )[1]
            keys = b"".join([item.packed_key for item in watched])
            self._packed_keys = b"*%d\r\n%b%b" % (6 + 2 * len(watched), head, keys)
        return self._packed_keys + b"".join([item.packed_id for item in watched])

    async def _hand_out(self, reply: list[tuple[bytes, list[Entry]]]) -> None:
        """Cancelling it between two streams leaves the rest unread."""
        handed, began_ms = 0, now_ms()
        for key, found in reply:
            if handed >= TURN_ENTRIES or now_ms() - began_ms >= SHARE_MS:
                handed, began_ms = 0, now_ms()
                await asyncio.sleep(0)
            item, asked = self._watched.get(key), self._asked.get(key)
            if item is None or not found:
                continue  # Unwatched while the read was under way: its next owner reads it.
            if asked is None or asked.last_id != item.last_id:
                continue  # Watched again from another position: the next read begins there.
            item.last_id = found[-1][0]
            item.packed_id = resp.bulk(item.last_id)
            self.counters.entries += len(found)
            if item.is_ours:
                self._read.append(key)
            handed += len(found)
            item.sink(found)
