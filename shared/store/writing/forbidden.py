"""Writes that the user of a process may not do: kept by key, and asked again until somebody grants them.

Why it exists: an administrator who loads an older ACL while calls live takes a command or a pattern of keys
away from a process; what it writes then is worth no less than what a Redis without memory refuses. But what
one key is refused with says nothing of the others: their writes go on, and nobody waits for a pattern that an
older ACL never had. Owns: what waits, by key, in its old order; when it is asked again; when it is given up.
Must not know: connections, what a write means.

The first write of each key is asked again ten times a second. When it is taken, the others of its key follow.
What is refused for a minute is given up, as any other error is: then nobody is about to grant it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import hiredis

from shared.clock import now_ms
from shared.store.refusals import FORBIDDEN, PROBE_S, RefusedWrites, ReplyError, is_forbidden
from shared.store.writing.counters import OutboxCounters
from shared.store.writing.write_queue import Write

ASKED_AT_ONCE = 32
"""Most keys that are asked for at once."""

KEPT_MS = 60_000.0
"""How long what a key was refused with is kept. A caller has long heard the apology by then; what is left are
ends and notes."""


@dataclass(slots=True)
class _Waiting:
    """What waits for one key, the oldest first."""

    tag: object
    since_ms: float
    error: ReplyError
    writes: deque[Write] = field(default_factory=deque)
    asked: Write | None = None
    """The first, while it is under way once more."""


class ForbiddenWrites:
    """What an outbox may not write at present. Nothing here waits; `stop` ends its timer."""

    def __init__(
        self,
        counters: OutboxCounters,
        send: Callable[[object, Write], None],
        release: Callable[[object, list[Write]], None],
        give_up: Callable[[Write, ReplyError], None],
    ) -> None:
        """`send`: one write by itself, once more; its answer comes to `answered`. `release`: writes that may
        follow, in order. `give_up`: nobody grants it."""
        self._counters = counters
        self._send = send
        self._release = release
        self._give_up = give_up
        self._by_key: dict[bytes, _Waiting] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.kept_bytes = 0

    @property
    def refused(self) -> RefusedWrites | None:
        """What is refused for longest; None: all is granted, as far as is known."""
        first = min(self._by_key.values(), key=lambda each: each.since_ms, default=None)
        return None if first is None else RefusedWrites(first.since_ms, FORBIDDEN, str(first.error))

    def joins(self, write: Write) -> bool:
        """Whether a write has to wait behind others of its key; then it does."""
        waiting = self._by_key.get(key_of(write.packed))
        if waiting is None or waiting.asked is write:
            return False
        self._put(waiting, write)
        return True

    def answered(self, tag: object, write: Write, result: object) -> bool:
        """What a write was answered with; True: it is kept, and nobody else need look at it. To be called
        for each that was refused so, and for all others while anything is kept."""
        is_refused = is_forbidden(result)
        if not is_refused and not self._by_key:
            return False
        key = key_of(write.packed)
        waiting = self._by_key.get(key)
        is_asked = waiting is not None and waiting.asked is write
        if isinstance(result, ReplyError) and is_refused:
            if waiting is None:
                waiting = self._begin(key, tag, result)
            if is_asked:
                waiting.asked = None
            elif not _is_stale(write, now_ms()):
                self._put(waiting, write)
            return True
        if waiting is not None and is_asked:
            del self._by_key[key]
            self.kept_bytes -= sum(len(each.packed) for each in waiting.writes)
            self._release(waiting.tag, [each for each in waiting.writes if each is not write])
        return False

    def stop(self) -> None:
        """Asks no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Private.

    def _begin(self, key: bytes, tag: object, error: ReplyError) -> _Waiting:
        if not self._by_key:
            self._counters.refusals += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PROBE_S, self._ask)
        waiting = self._by_key[key] = _Waiting(tag, now_ms(), error)
        return waiting

    def _put(self, waiting: _Waiting, write: Write) -> None:
        waiting.writes.append(write)
        self.kept_bytes += len(write.packed)
        self._counters.held_back += 1

    def _ask(self) -> None:
        self._timer, now = None, now_ms()
        for key, waiting in list(self._by_key.items()):
            self._forget_stale(waiting, now)
            is_given_up = now - waiting.since_ms > KEPT_MS and waiting.asked is None
            if is_given_up or not waiting.writes:
                del self._by_key[key]
                self.kept_bytes -= sum(len(each.packed) for each in waiting.writes)
                for write in waiting.writes:
                    self._give_up(write, waiting.error)
                self._release(waiting.tag, [])
        if self._by_key:
            self._timer = asyncio.get_running_loop().call_later(PROBE_S, self._ask)
        idle = [key for key, waiting in self._by_key.items() if waiting.asked is None]
        for key in idle[:ASKED_AT_ONCE]:
            waiting = self._by_key[key] = self._by_key.pop(key)  # The others come first the next time.
            waiting.asked = waiting.writes[0]
            self._send(waiting.tag, waiting.asked)

    def _forget_stale(self, waiting: _Waiting, now: float) -> None:
        while waiting.writes and _is_stale(waiting.writes[0], now):
            gone = waiting.writes.popleft()
            self.kept_bytes -= len(gone.packed)
            self._counters.expired += 1
            if waiting.asked is gone:  # Its answer comes late, or never: it may be dropped on its way.
                waiting.asked = None


def _is_stale(write: Write, now: float) -> bool:
    return 0 < write.expires_at_ms < now


def key_of(packed: bytes) -> bytes:
    """The key of a packed command; of a script its first."""
    reader = hiredis.Reader()
    reader.feed(packed)
    words: list[bytes] = reader.gets()
    place = 3 if words[0] == b"EVALSHA" else 1
    return words[place] if len(words) > place else b""
