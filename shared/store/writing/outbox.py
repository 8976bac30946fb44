"""The one writer of a process: what the roles want written, gathered into few, larger commits.

Why it exists: a system call and a wake-up of every reader for each 20 ms frame would cost more than the
frames. A commit goes at the end of the turn of the loop in which something was written, unless more is on
its way: how long it waits for that is the rule of shared/store/gathering.py, and never more than `commit_ms`.
What is urgent (flush, clear, control, the first frames of a spurt) never waits.

Owns: the commits (MULTI/EXEC per lane: a plain pipeline wakes a blocked reader after its first entry), the
write connection, sending again after a loss or a refusal. Nothing here is awaited by the audio path. Must not
know: what an entry means.

A lost or silent connection makes the writes under way *unknown*. They are sent again on a new one, in their
old order, and readers drop what they have, by position or number. Caller audio has an expiry: what is older
is dropped and counted.

A refusal that passes (no memory, no disk, no replicas …) is like an absence: what was refused is held, and
nothing more is sent until Redis takes a write that writes nothing, asked ten times a second. Then what was
held goes in order, a chunk at a time; the episode ends when all is taken. Meanwhile reads go by themselves,
and to a Redis without memory what frees some. What was under way at its beginning may overtake what was
refused before it: a gap of some milliseconds, which its position shows.
What the user may not do waits by itself, key by key (forbidden.py).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from shared import resp
from shared.clock import now_ms, wall_ms
from shared.contract.command import Command
from shared.contract.entry import probe_command
from shared.contract.keys import NOWHERE
from shared.figures.rolling import RollingMax
from shared.store import refusals
from shared.store.errors import OutboxFull
from shared.store.gathering import never_late
from shared.store.reach.keeper import keep_link
from shared.store.reach.link import RedisLink, Replies, ReplyError
from shared.store.reach.servers import Way
from shared.store.refusals import RefusalEpisode, RefusedWrites
from shared.store.writing.commits import NOT_DONE, Commit, CommitTimer, Fate, judge, pack, tell
from shared.store.writing.counters import OutboxCounters
from shared.store.writing.forbidden import ForbiddenWrites
from shared.store.writing.outage import in_words
from shared.store.writing.write_queue import AGING_MOST_BYTES, OnReply, OnVoid, Write, WriteQueue

BOUND_BYTES = 64 * 1024 * 1024
"""Most bytes queued and under way. Beyond it new writes are refused and counted."""

SILENT_MS, UNANSWERED_MS = 1000.0, 2500.0
"""A commit without an answer for this long: Redis counts as away; the connection is taken for dead."""

UNDER_WAY_COMMITS = 64
"""Most commits sent and not answered; more wait in the queue and grow together."""


class Outbox:
    """Gathers writes by lane and commits them. Methods return at once; `run` keeps the connection."""

    def __init__(
        self,
        way: Way,
        *,
        name: str,
        commit_ms: float,
        lag_ms: Callable[[], float] = never_late,
        nowhere: str = NOWHERE,
        counters: OutboxCounters | None = None,
        bound_bytes: int = BOUND_BYTES,
    ) -> None:
        """`commit_ms`: the longest that a write waits for others; `lag_ms`: how late the loop runs;
        `nowhere`: a stream that is never there, in the slot written to; `bound_bytes`: most that it holds."""
        self._way = way
        self._name = name
        self._probe_packed = resp.pack(probe_command(nowhere).args)
        self._timer = CommitTimer(self._commit, commit_ms, lag_ms)
        self._queue = WriteQueue()
        self._under_way: deque[Commit] = deque()
        self._under_way_bytes = 0
        self._link: RedisLink | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._round_trips = RollingMax()
        self._unconnected_since_ms = now_ms()
        """Since when there is no connection, while there is none."""
        self._refusal: RefusalEpisode | None = None
        self._probe_timer: asyncio.TimerHandle | None = None
        self._last_error = ""
        self._bound_bytes = bound_bytes
        self._aging_most_bytes = bound_bytes * AGING_MOST_BYTES // BOUND_BYTES
        self.counters = OutboxCounters() if counters is None else counters
        self._forbidden = ForbiddenWrites(self.counters, self._send_alone, self._let_follow, self._give_up)

    # What roles call.

    def send(self, command: Command, *, on_reply: OnReply | None = None, urgent: bool = False) -> None:
        """A command, in the next commit. `on_reply` gets the reply, a ReplyError, or OutboxFull."""
        write = Write(resp.pack(command.args), on_reply, 0.0, command.when_full, command.reads)
        self._add(command.tag, write, urgent=urgent)

    def send_packed(
        self, tag: int | bytes, packed: bytes, *, max_age_ms: float, on_void: OnVoid | None = None
    ) -> None:
        """A command that is packed already and worth nothing after `max_age_ms`: dropped then, and counted.
        `on_void` is given it back if it is answered nil: the stream that it was for is not there."""
        now = now_ms()
        if self.backlog_bytes > self._aging_most_bytes:
            self.counters.expired += self._queue.make_room(now)
        self._add(tag, Write(packed, None, now + max_age_ms, on_void=on_void), urgent=False)

    @property
    def backlog_bytes(self) -> int:
        """Bytes queued, kept and under way: the outbox's own backlog."""
        return self._queue.queued_bytes + self._forbidden.kept_bytes + self._under_way_bytes

    @property
    def connected(self) -> bool:
        return self._link is not None

    @property
    def refused(self) -> RefusedWrites | None:
        """What Redis refuses writes with, and since when; None: it takes them, as far as is known."""
        return refusals.older(self._refusal, self._forbidden.refused)

    def lane_refused(self, lane: int) -> RefusedWrites | None:
        """The same of one lane: here all share the server."""
        return self.refused

    @property
    def away_since_ms(self) -> float | None:
        """Since when nothing can be written: Redis is away, silent, or refuses. None: it can."""
        silent_since_ms = self._unconnected_since_ms if self._link is None else self._silent_since_ms()
        since_ms = [silent_since_ms, None if self.refused is None else self.refused.since_ms]
        return min([since for since in since_ms if since is not None], default=None)

    def lane_away_since_ms(self, lane: int) -> float | None:
        """The same of one lane: here all share the server."""
        return self.away_since_ms

    @property
    def trouble(self) -> str:
        """Why nothing can be written, in words; empty: it can. For health checks and logs."""
        if self.refused is not None:
            return in_words(self.refused, now_ms(), wall_ms())
        if self._link is None:
            return f"Redis is away: {self._last_error}"
        return "" if self._silent_since_ms() is None else "Redis does not answer"

    async def flushed(self, timeout_s: float) -> bool:
        """Waits until all is written and answered; False after `timeout_s`. For the end of a process."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        return self._idle.is_set()

    def slowest_ms(self, now: float) -> float:
        """The slowest commit of the last seconds: one that is not answered, or cannot be sent, included."""
        since_ms = self._under_way[0].sent_at_ms if self._under_way else now
        return max(now - min(since_ms, self.away_since_ms or now), self._round_trips.worst(now))

    def lane_slowest_ms(self, lane: int, now: float) -> float:
        """The same of one lane: here all share the server."""
        return self.slowest_ms(now)

    # Private: queue, commit.

    def _silent_since_ms(self) -> float | None:
        sent_at_ms = self._under_way[0].sent_at_ms if self._under_way else None
        return sent_at_ms if sent_at_ms is not None and now_ms() - sent_at_ms > SILENT_MS else None

    def _add(self, tag: object, write: Write, *, urgent: bool) -> None:
        if self.backlog_bytes + len(write.packed) > self._bound_bytes:
            self.counters.refused += 1
            why = f"the outbox holds {self.backlog_bytes} bytes; Redis does not keep up"
            tell(write.on_reply, OutboxFull(why), self.counters)
            return
        self._idle.clear()
        if self._forbidden.kept_bytes and self._forbidden.joins(write):
            return
        if self._refusal is not None and self._refusal.is_shut and self._may_overtake(write):
            self._send_alone(tag, write)
            return
        self._queue.add(tag, write)
        self._timer.add()
        self._schedule(urgent)

    def _schedule(self, urgent: bool) -> None:
        if self._link is not None and (self._refusal is None or not self._refusal.is_shut):
            self._timer.set(urgent=urgent)

    def _commit(self) -> None:
        link, refusal = self._link, self._refusal
        if link is None or len(self._under_way) >= UNDER_WAY_COMMITS:
            return
        if refusal is not None and (refusal.is_shut or self._under_way):
            return  # What was held goes one step at a time: should it be refused again, its order stands.
        now = now_ms()
        self._timer.gone(now)
        taken, stale = self._queue.take(now)
        self.counters.expired += stale
        if refusal is not None:
            refusal.left -= stale + sum(len(writes) for _, writes in taken)
        # One system call for all lanes: it costs more than packing their writes.
        link.send(b"".join([self._pack(link, tag, writes, now) for tag, writes in taken if writes]))
        self._settle()

    def _pack(self, link: RedisLink, tag: object, writes: list[Write], now: float) -> bytes:
        """One lane's commit, noted as under way."""
        commit, packed = pack(tag, writes, now)
        self._under_way.append(commit)
        self._under_way_bytes += commit.size_bytes
        self.counters.commits += 1
        self.counters.commands += len(writes)
        self.counters.bytes_sent += len(packed)
        link.expect(commit.replies, self._answered)
        return packed

    def _send_alone(self, tag: object, write: Write) -> None:
        link = self._link
        if link is None:
            self._queue.hold(tag, [write])
        else:
            link.send(self._pack(link, tag, [write], now_ms()))

    def _answered(self, replies: Replies) -> None:
        """The oldest commit is answered."""
        commit = self._under_way[0]
        verdict = judge(commit, replies)
        if verdict.word:
            self._shut(verdict.word, verdict.error)
        if verdict.fate is Fate.UNKNOWN:
            self._last_error = verdict.error
            self._way.note(verdict.error)
            if self._link is not None:
                self._link.close()
            return
        now = now_ms()
        self._round_trips.note(now - commit.sent_at_ms, now)
        self.counters.commit_ms.observe(now - commit.sent_at_ms)
        self._under_way.popleft()
        self._under_way_bytes -= commit.size_bytes
        if not commit.writes:
            if verdict.fate is Fate.DONE:
                self._reopen()
        elif verdict.fate is Fate.REFUSED:
            self._keep(commit, verdict.answers)
        else:
            for write, answer in zip(commit.writes, verdict.answers, strict=True):
                if answer is not NOT_DONE:
                    self._give(commit.tag, write, answer)
                elif not self._forbidden.joins(write):
                    self._send_alone(commit.tag, write)
        self._settle()
        if self._queue:
            self._schedule(urgent=False)

    def _give(self, tag: object, write: Write, result: Any) -> None:
        is_error = isinstance(result, ReplyError)
        if (is_error or self._forbidden.kept_bytes) and self._forbidden.answered(tag, write, result):
            return
        if is_error:
            self._give_up(write, result)
        elif write.on_reply is not None:
            tell(write.on_reply, result, self.counters)
        elif result is None and write.on_void is not None:
            tell(write.on_void, write.packed, self.counters)

    def _give_up(self, write: Write, error: ReplyError) -> None:
        self.counters.reply_errors += 1
        self._last_error = str(error)
        tell(write.on_reply, error, self.counters)

    def _forget_stale(self, now: float) -> None:
        """While nothing is written: stale caller audio must not use up the bound of what is kept."""
        self.counters.expired += self._queue.forget_now_and_then(now)
        self._settle()

    def _settle(self) -> None:
        if self._under_way:
            return
        if self._refusal is not None and not self._refusal.is_shut and self._refusal.left <= 0:
            self._refusal = None
        if not self._queue and not self._forbidden.kept_bytes:
            self._idle.set()

    def _let_follow(self, tag: object, writes: list[Write]) -> None:
        """ForbiddenWrites: it was granted."""
        self._queue.hold(tag, writes)
        if self._refusal is None or not self._refusal.is_shut:
            self._queue.rejoin()
            self._schedule(urgent=False)
        self._settle()

    # Private: while Redis refuses.

    def _may_overtake(self, write: Write) -> bool:
        return self._refusal is not None and self._refusal.may_overtake(write.reads, write.when_full)

    def _shut(self, word: str, error: str) -> None:
        """Redis refuses writes: nothing is sent but what may overtake, until it takes them again."""
        refusal = self._refusal
        if refusal is None:
            self.counters.refusals += 1
            refusal = self._refusal = RefusalEpisode(now_ms(), word, error, is_shut=False)
        refusal.word, refusal.error = word, error
        if self._probe_timer is None:
            self._probe_timer = asyncio.get_running_loop().call_later(refusals.PROBE_S, self._probe)
        if not refusal.is_shut:
            refusal.is_shut = True
            self._timer.stop()
            self._overtake()

    def _overtake(self) -> None:
        for tag, write in self._queue.take_ahead(self._may_overtake):
            self._send_alone(tag, write)

    def _keep(self, commit: Commit, answers: Sequence[Any]) -> None:
        """What was not done waits in its place. What frees memory was refused for its company alone."""
        kept: list[Write] = []
        for write, answer in zip(commit.writes, answers, strict=True):
            if answer is not NOT_DONE:
                self._give(commit.tag, write, answer)
            elif not commit.is_single and self._may_overtake(write):
                self._send_alone(commit.tag, write)
            else:
                kept.append(write)
        self.counters.held_back += len(kept)
        self._queue.hold(commit.tag, kept)

    def _probe(self) -> None:
        self._probe_timer = None
        now, link = now_ms(), self._link
        if link is None or self._refusal is None or not self._refusal.is_shut:
            return
        self._forget_stale(now)
        self._under_way.append(Commit(None, [], now, 0))
        link.expect(1, self._answered)
        link.send(self._probe_packed)

    def _reopen(self) -> None:
        """Redis takes writes again: what was held goes first. All that was under way is answered by now."""
        if self._refusal is not None and self._refusal.is_shut:
            self._queue.rejoin()
            self._refusal.is_shut, self._refusal.left = False, len(self._queue)
            self._schedule(urgent=True)

    # The connection (keeper.Host).

    async def run(self) -> None:
        """Keeps a connection for as long as it runs; cancel it to stop. What is queued then is lost."""
        try:
            await keep_link(self._way, self._name, self)
        finally:
            self._forbidden.stop()
            if self._probe_timer is not None:
                self._probe_timer.cancel()

    def link_opened(self, link: RedisLink) -> None:
        """All that was under way is unknown, and goes again in its old order."""
        now = now_ms()
        self._round_trips.note(self.slowest_ms(now), now)  # Answers of what is sent again tell less.
        self._link = link
        self.counters.connects += 1
        for commit in self._under_way:
            if commit.writes:
                self._queue.hold(commit.tag, commit.writes)
                self.counters.resent += len(commit.writes)
                self.counters.unknown += 1
        self._under_way.clear()
        self._under_way_bytes = 0
        self._queue.rejoin()
        if self._refusal is not None:
            self._refusal.is_shut = True
            self._overtake()
            self._probe()
        elif self._queue:
            self._schedule(urgent=True)

    def link_lost(self, link: RedisLink) -> None:
        """Nothing is written until there is another."""
        if link is self._link:
            self._link = None
            # What it never answered was written in vain: nothing could be written since.
            self._unconnected_since_ms = self._under_way[0].sent_at_ms if self._under_way else now_ms()
            self._timer.stop()

    def link_failed(self, why: str) -> None:
        """Redis is away."""
        self._last_error = why
        self._forget_stale(now_ms())

    def close_stuck(self, link: RedisLink) -> None:
        """A commit without an answer: the connection is taken for dead."""
        if self._under_way and now_ms() - self._under_way[0].sent_at_ms > UNANSWERED_MS:
            self._last_error = f"no answer for {UNANSWERED_MS / 1000:.1f} s"
            link.close()
