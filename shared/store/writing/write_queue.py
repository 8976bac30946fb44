"""What a process wants written and has not sent: by tag, in order, bounded in bytes and in age.

Why it exists: while Redis is away or refuses writes everything waits here, and afterwards it must go out in
its old order, without a single turn of the loop that lasts. Owns: the order, the bytes, what has become
stale, what may overtake. Pure. Must not know: connections, commits, what a write means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

OnReply = Callable[[Any], None]
OnVoid = Callable[[bytes], None]

CHUNK = 1000
"""Most writes of one tag that are taken at once: some 300 KB of caller audio."""

AGING_MOST_BYTES = 32 * 1024 * 1024
"""Above this the oldest caller audio gives way: what is said to brains and callers has the rest of the
bound."""

FORGET_EVERY_MS = 1000.0

ROOM_MS = 1000.0
"""How much of the oldest audio gives way at once; and how often at most that is looked for."""


@dataclass(slots=True)
class Write:
    """One packed command."""

    packed: bytes
    on_reply: OnReply | None
    expires_at_ms: float = 0.0
    """0: never."""
    when_full: bool = False
    reads: bool = False
    on_void: OnVoid | None = None
    """Is given the command back if it is answered nil: there was nothing to write to."""


@dataclass(slots=True)
class WriteQueue:
    """Writes by tag. What was sent and refused (`held`) stands before what was never sent."""

    queued_bytes: int = 0
    _queue: dict[object, list[Write]] = field(default_factory=dict)
    _held: dict[object, list[Write]] = field(default_factory=dict)
    _made_room_at_ms: float = 0.0
    _forgot_at_ms: float = 0.0

    def __bool__(self) -> bool:
        return bool(self._queue or self._held)

    def __len__(self) -> int:
        return sum(len(writes) for queue in (self._held, self._queue) for writes in queue.values())

    def add(self, tag: object, write: Write) -> None:
        """A new write, behind all others of its tag."""
        self.queued_bytes += len(write.packed)
        waiting = self._queue.get(tag)
        if waiting is None:
            self._queue[tag] = [write]
        else:
            waiting.append(write)

    def hold(self, tag: object, writes: list[Write]) -> None:
        """Writes that were sent and not taken: behind those held before, in front of what was never sent."""
        if writes:
            self.queued_bytes += sum(len(write.packed) for write in writes)
            self._held.setdefault(tag, []).extend(writes)

    def rejoin(self) -> None:
        """All is to be sent again: what is held goes first."""
        held, self._held = self._held, {}
        for tag, writes in self._queue.items():
            held.setdefault(tag, []).extend(writes)
        self._queue = held

    def take(self, now_ms: float) -> tuple[list[tuple[object, list[Write]]], int]:
        """Takes the oldest writes of each tag, at most CHUNK of each, but for what has become stale; and says
        how many stale ones it dropped."""
        queue, self._queue, taken, dropped = self._queue, {}, [], 0
        for tag, writes in queue.items():
            chunk = writes
            if len(writes) > CHUNK:
                chunk, self._queue[tag] = writes[:CHUNK], writes[CHUNK:]
            fresh, stale = _parted(chunk, now_ms)
            dropped += len(stale)
            taken.append((tag, fresh))
            self.queued_bytes -= sum([len(write.packed) for write in chunk])
        return taken, dropped

    def take_ahead(self, may_go: Callable[[Write], bool]) -> list[tuple[object, Write]]:
        """Takes what may overtake, in order."""
        taken: list[tuple[object, Write]] = []
        for tag, writes in list(self._queue.items()):
            ahead = [write for write in writes if may_go(write)]
            if ahead:
                self.queued_bytes -= sum(len(write.packed) for write in ahead)
                taken += [(tag, write) for write in ahead]
                self._queue[tag] = [write for write in writes if not may_go(write)]
        self._queue = {tag: writes for tag, writes in self._queue.items() if writes}
        return taken

    def forget_stale(self, now_ms: float) -> int:
        """Drops what has become stale; returns how much."""
        dropped: list[Write] = []
        for queue in (self._held, self._queue):
            for tag, writes in list(queue.items()):
                fresh, stale = _parted(writes, now_ms)
                dropped += stale
                if fresh:
                    queue[tag] = fresh
                else:
                    del queue[tag]
        self.queued_bytes -= sum([len(write.packed) for write in dropped])
        return len(dropped)

    def forget_now_and_then(self, now_ms: float) -> int:
        """The same, once a second at most."""
        if now_ms - self._forgot_at_ms < FORGET_EVERY_MS:
            return 0
        self._forgot_at_ms = now_ms
        return self.forget_stale(now_ms)

    def make_room(self, now_ms: float) -> int:
        """Drops the oldest second of what grows stale; returns how many writes. Looks once a second at
        most."""
        if now_ms - self._made_room_at_ms < ROOM_MS:
            return 0
        self._made_room_at_ms = now_ms
        oldest = [_oldest_ms(writes) for queue in (self._held, self._queue) for writes in queue.values()]
        oldest_ms = min(filter(None, oldest), default=None)
        return 0 if oldest_ms is None else self.forget_stale(max(now_ms, oldest_ms + ROOM_MS))


def _oldest_ms(writes: list[Write]) -> float:
    """When the first of them becomes stale; 0: none ever does."""
    return next((write.expires_at_ms for write in writes if write.expires_at_ms), 0.0)


def _parted(writes: list[Write], now_ms: float) -> tuple[list[Write], list[Write]]:
    """Those that are good, and those that are stale. All have the same life, so they become stale in their
    order, and only the first need be looked at: there may be tens of thousands."""
    if not 0 < _oldest_ms(writes) < now_ms:
        return writes, []
    first = next((n for n, write in enumerate(writes) if write.expires_at_ms >= now_ms), len(writes))
    head = writes[:first]
    fresh = [write for write in head if not write.expires_at_ms]
    return fresh + writes[first:], [write for write in head if write.expires_at_ms]
