"""The one writer of a process: what the roles want written, gathered into few, larger commits.

Why it exists: a system call and a wake-up of every reader for each 20 ms frame would cost more than the
frames. A commit goes at once if the last one is at least `commit_ms` old, else when that has passed;
what is urgent (flush, clear, control, the first frames of a spurt) never waits.

Owns: the queue, the commits (MULTI/EXEC per lane: a plain pipeline wakes a blocked reader after its
first entry), the write connection, sending again after a loss. Nothing here is awaited by the audio path.
Must not know: what an entry means.

A lost or silent connection makes the writes under way *unknown*. They are sent again on a new one, in
their old order, and readers drop what they have: each audio entry has a position, each control message a
number. Caller audio grows stale: it is sent with an expiry, and what is older is dropped and counted.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared import resp
from shared.clock import now_ms
from shared.contract.command import Command
from shared.figures.rolling import RollingMax
from shared.store.counters import OutboxCounters
from shared.store.errors import STORE_ERRORS, OutboxFull
from shared.store.link import RedisLink, Replies, ReplyError, open_link

BOUND_BYTES = 64 * 1024 * 1024
"""Most bytes queued and under way. Beyond it new writes are refused and counted."""

UNANSWERED_MS = 2500.0
"""A commit without an answer for this long: the connection is taken for dead."""

UNDER_WAY_COMMITS = 64
"""Most commits sent and not answered; more wait in the queue and grow together."""

RECONNECT_MIN_S, RECONNECT_MAX_S = 0.05, 1.0
SHORT_LIVED_MS = 1000.0
"""A connection that lasted no longer makes the pause before the next one grow."""

RETRY_PREFIXES = ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOSCRIPT", "NOREPLICAS")
"""Errors of a server that is on its way: the commit is sent again on a new connection."""

OnReply = Callable[[Any], None]


@dataclass(slots=True)
class _Write:
    packed: bytes
    on_reply: OnReply | None
    expires_at_ms: float
    """0: never."""


@dataclass(slots=True)
class _Commit:
    """Writes sent together for one lane, awaiting their answer."""

    tag: object
    writes: list[_Write]
    sent_at_ms: float
    single: bool
    size_bytes: int


class Outbox:
    """Gathers writes by lane and commits them. Methods return at once; `run` keeps the connection."""

    def __init__(self, url: str, *, name: str, commit_ms: float) -> None:
        self._url = url
        self._name = name
        self._commit_ms = commit_ms
        self._queue: dict[object, list[_Write]] = {}
        self._queued_bytes = 0
        self._under_way: deque[_Commit] = deque()
        self._under_way_bytes = 0
        self._link: RedisLink | None = None
        self._lost = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._last_commit_ms = 0.0
        self._round_trips = RollingMax()
        self._away_since_ms = now_ms()
        """Since when there is no connection, while there is none."""
        self._scheduled: asyncio.Handle | None = None
        self._scheduled_now = False
        self._last_error = ""
        self.counters = OutboxCounters()

    # What roles call.

    def send(self, command: Command, *, on_reply: OnReply | None = None, urgent: bool = False) -> None:
        """A command, in the next commit. `on_reply` gets the reply, a ReplyError, or OutboxFull."""
        self._add(command.tag, _Write(resp.pack(command.args), on_reply, 0.0), urgent=urgent)

    def send_packed(self, tag: int | bytes, packed: bytes, *, max_age_ms: float) -> None:
        """A command that is packed already and worth nothing after `max_age_ms`: dropped then, and
        counted."""
        self._add(tag, _Write(packed, None, now_ms() + max_age_ms), urgent=False)

    @property
    def backlog_bytes(self) -> int:
        """Bytes queued and under way: the outbox's own backlog."""
        return self._queued_bytes + self._under_way_bytes

    @property
    def connected(self) -> bool:
        return self._link is not None

    @property
    def last_error(self) -> str:
        """Why the last connection failed or was lost; for logs and health checks."""
        return self._last_error

    async def flushed(self, timeout_s: float) -> bool:
        """Waits until all is written and answered; False after `timeout_s`. For the end of a process."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    # Private: queue, commit.

    def _add(self, tag: object, write: _Write, *, urgent: bool) -> None:
        size = len(write.packed)
        if self.backlog_bytes + size > BOUND_BYTES:
            self.counters.refused += 1
            if write.on_reply is not None:
                why = f"the outbox holds {self.backlog_bytes} bytes; Redis does not keep up"
                self._tell(write.on_reply, OutboxFull(why))
            return
        self._idle.clear()
        self._queued_bytes += size
        waiting = self._queue.get(tag)
        if waiting is None:
            self._queue[tag] = [write]
        else:
            waiting.append(write)
        if self._scheduled is None or (urgent and not self._scheduled_now):
            self._schedule(urgent)

    def _schedule(self, urgent: bool) -> None:
        if self._link is None:
            return
        if self._scheduled is not None:
            self._scheduled.cancel()
        loop = asyncio.get_running_loop()
        wait_ms = 0.0 if urgent else self._last_commit_ms + self._commit_ms - now_ms()
        if wait_ms <= 0:
            # At the end of this turn of the loop: what else this turn adds goes along.
            self._scheduled, self._scheduled_now = loop.call_soon(self._commit), True
        else:
            self._scheduled, self._scheduled_now = loop.call_later(wait_ms / 1000, self._commit), False

    def _commit(self) -> None:
        self._scheduled, self._scheduled_now = None, False
        link = self._link
        if link is None or len(self._under_way) >= UNDER_WAY_COMMITS:
            return
        now = now_ms()
        self._last_commit_ms = now
        queue, self._queue = self._queue, {}
        self._queued_bytes = 0
        # One system call for all lanes: it costs more than packing their writes.
        packed = [self._pack(link, tag, writes, now) for tag, writes in queue.items()]
        link.send(b"".join(packed))
        self._settle_idle()

    def _pack(self, link: RedisLink, tag: object, writes: list[_Write], now: float) -> bytes:
        """One lane's commit, noted as under way; empty when all of it had expired."""
        if any(write.expires_at_ms and write.expires_at_ms < now for write in writes):
            fresh = [w for w in writes if not w.expires_at_ms or w.expires_at_ms >= now]
            self.counters.expired += len(writes) - len(fresh)
            writes = fresh
        if not writes:
            return b""
        body = b"".join([write.packed for write in writes])
        single = len(writes) == 1
        packed = body if single else b"*1\r\n$5\r\nMULTI\r\n%b*1\r\n$4\r\nEXEC\r\n" % body
        commit = _Commit(tag, writes, now, single, len(body))
        self._under_way.append(commit)
        self._under_way_bytes += commit.size_bytes
        self.counters.commits += 1
        self.counters.commands += len(writes)
        self.counters.bytes_sent += len(packed)
        link.expect(1 if single else len(writes) + 2, self._answered)
        return packed

    def _answered(self, replies: Replies) -> None:
        """The oldest commit is answered: replies of its writes, or MULTI, QUEUED…, EXEC."""
        commit = self._under_way[0]
        results = replies if commit.single else replies[-1]
        aborted = isinstance(results, ReplyError) and str(results).startswith("EXECABORT")
        if isinstance(results, ReplyError) and not aborted:
            on_its_way: ReplyError | None = results
        else:
            # A server that became a replica refuses the writes of a batch when they are queued.
            on_its_way = _on_its_way(replies if aborted else results)
        if on_its_way is not None:
            self._last_error = str(on_its_way)
            if self._link is not None:
                self._link.close()
            return
        now = now_ms()
        self._round_trips.note(now - commit.sent_at_ms, now)
        self.counters.commit_ms.observe(now - commit.sent_at_ms)
        self._drop_head()
        if aborted:
            # One write was refused when queued: the refusals stand at their places, the rest goes alone.
            self._one_by_one(commit, replies[1:-1])
            return
        for write, result in zip(commit.writes, results, strict=True):
            self._give(write, result)
        if self._queue and self._scheduled is None:
            self._schedule(urgent=False)
        self._settle_idle()

    def _one_by_one(self, commit: _Commit, queued: Replies) -> None:
        for write, reply in zip(commit.writes, queued, strict=True):
            if isinstance(reply, ReplyError):
                self._give(write, reply)
            elif self._link is not None:
                self._link.send(self._pack(self._link, commit.tag, [write], now_ms()))
        self._settle_idle()

    def _give(self, write: _Write, result: Any) -> None:
        if isinstance(result, ReplyError):
            self.counters.reply_errors += 1
            self._last_error = str(result)
        if write.on_reply is not None:
            self._tell(write.on_reply, result)

    def _tell(self, on_reply: OnReply, result: Any) -> None:
        try:
            on_reply(result)
        # Whatever it is, it is a bug of one call; let through, it would cost all calls the connection.
        except Exception as error:  # noqa: BLE001
            self.counters.callback_errors += 1
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a callback of the outbox raised", "exception": error}
            )

    def _forget_expired(self) -> None:
        """While Redis is away: stale caller audio must not use up the bound of what is kept."""
        now, kept = now_ms(), {}
        for tag, writes in self._queue.items():
            fresh = [w for w in writes if not w.expires_at_ms or w.expires_at_ms >= now]
            if len(fresh) < len(writes):
                self.counters.expired += len(writes) - len(fresh)
                self._queued_bytes -= sum(len(w.packed) for w in writes) - sum(len(w.packed) for w in fresh)
            if fresh:
                kept[tag] = fresh
        self._queue = kept
        self._settle_idle()

    def _drop_head(self) -> None:
        self._under_way_bytes -= self._under_way.popleft().size_bytes

    def _settle_idle(self) -> None:
        if not self._queue and not self._under_way:
            self._idle.set()

    def slowest_ms(self, now: float) -> float:
        """The slowest commit of the last seconds: one that is not answered, or cannot be sent, included."""
        waiting_ms = now - self._under_way[0].sent_at_ms if self._under_way else 0.0
        if self._link is None:
            waiting_ms = max(waiting_ms, now - self._away_since_ms)
        return max(waiting_ms, self._round_trips.worst(now))

    # Private: connection.

    async def run(self) -> None:
        """Keeps a connection for as long as it runs; cancel it to stop. What is queued then is lost."""
        pause_s = RECONNECT_MIN_S
        try:
            while True:
                try:
                    link = await open_link(self._url, name=self._name, on_lost=self._on_lost)
                except STORE_ERRORS as error:
                    self._last_error = f"{type(error).__name__}: {error}"
                    self._forget_expired()
                    await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                    pause_s = min(pause_s * 2, RECONNECT_MAX_S)
                    continue
                opened_at_ms = now_ms()
                self._resume(link)
                await self._watch(link)
                # A server that takes connections and refuses writes is not sent the backlog at full speed.
                is_short = now_ms() - opened_at_ms < SHORT_LIVED_MS
                pause_s = min(pause_s * 2, RECONNECT_MAX_S) if is_short else RECONNECT_MIN_S
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
        finally:
            if self._link is not None:
                self._link.close()

    def _resume(self, link: RedisLink) -> None:
        self._lost.clear()
        now = now_ms()
        self._round_trips.note(self.slowest_ms(now), now)  # Answers of what is sent again tell less.
        self._link = link
        self.counters.connects += 1
        again: dict[object, list[_Write]] = {}
        for commit in self._under_way:
            again.setdefault(commit.tag, []).extend(commit.writes)
            self.counters.resent += len(commit.writes)
            self.counters.unknown += 1
        self._under_way.clear()
        self._queued_bytes += self._under_way_bytes
        self._under_way_bytes = 0
        for tag, writes in self._queue.items():
            again.setdefault(tag, []).extend(writes)
        self._queue = again
        if again:
            self._schedule(urgent=True)

    async def _watch(self, link: RedisLink) -> None:
        """Returns when the link is lost; closes one that has not answered for too long."""
        while not link.lost:
            try:
                async with asyncio.timeout(0.5):
                    await self._lost.wait()
            except TimeoutError:
                if self._under_way and now_ms() - self._under_way[0].sent_at_ms > UNANSWERED_MS:
                    self._last_error = f"no answer for {UNANSWERED_MS / 1000:.1f} s"
                    link.close()

    def _on_lost(self, link: RedisLink) -> None:
        if link is self._link:
            self._link = None
            self._away_since_ms = now_ms()
            if self._scheduled is not None:
                self._scheduled.cancel()
                self._scheduled, self._scheduled_now = None, False
        self._lost.set()


def _on_its_way(replies: Replies) -> ReplyError | None:
    """The first error among the replies that time mends, if there is one."""
    for reply in replies:
        if isinstance(reply, ReplyError) and str(reply).startswith(RETRY_PREFIXES):
            return reply
    return None
