"""What is on its way to ingress, and what waits until there is a way again.

Why it exists: a Redis that was emptied has no `out` stream until its ingress hears of it, half a second or
more; what is written meanwhile is answered nil, and half a second of an answer would never be heard. Owns:
what was answered nil, in its order, for as long as an ingress that lives may take. Must not know: what the
pairs mean, which calls they are of.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from egress.counters import RoleCounters
from shared.clock import now_ms
from shared.contract.command import Command
from shared.contract.keys import Keys
from shared.contract.streams.pairs import Pair, out_commands
from shared.store.writing.writer import Writer

RETRY_S = 0.05
WAIT_MS = 3_000.0
"""An ingress that lives has made its stream again by then; one that is dead has calls no more."""

WAITING_MOST = 600
"""Entries for one ingress: for the whole wait one a tick, every 20 ms, and three times as many at once."""


@dataclass(slots=True)
class _Waiting:
    since_ms: float
    commands: deque[Command] = field(default_factory=lambda: deque(maxlen=WAITING_MOST))


@dataclass(slots=True)
class OutPost:
    """One a process."""

    outbox: Writer
    keys: Keys
    writer: bytes
    counters: RoleCounters
    clock_ms: Callable[[], float] = now_ms
    _waiting: dict[bytes, _Waiting] = field(default_factory=dict)
    """By stream: an ingress that is not there (yet) has several on a Cluster."""

    def write(self, ingress: str, pairs: list[Pair], urgent: bool) -> None:
        """One entry for a worker, behind all that waits for it."""
        for command in out_commands(self.keys, ingress, self.writer, self.clock_ms(), pairs):
            self.counters.out_entries += 1
            stream = command.args[1]
            waiting = self._waiting.get(stream)
            if waiting is None:
                self.outbox.send(command, urgent=urgent, on_reply=partial(self._answered, stream, command))
            else:
                waiting.commands.append(command)

    # Private.

    def _answered(self, stream: bytes, command: Command, reply: Any) -> None:
        if reply is not None:
            return  # Written, or refused by Redis itself: the outbox counts that.
        self.counters.out_entries_void += 1
        waiting = self._waiting.get(stream)
        if waiting is None:
            waiting = self._waiting[stream] = _Waiting(self.clock_ms())
            self._later(stream)
        waiting.commands.append(command)

    def _later(self, stream: bytes) -> None:
        asyncio.get_running_loop().call_later(RETRY_S, self._try_again, stream)

    def _try_again(self, stream: bytes) -> None:
        waiting = self._waiting[stream]
        if self.clock_ms() - waiting.since_ms >= WAIT_MS:
            del self._waiting[stream]
            return
        self.outbox.send(waiting.commands[0], urgent=True, on_reply=partial(self._tried, stream))

    def _tried(self, stream: bytes, reply: Any) -> None:
        if reply is None or isinstance(reply, Exception):
            self._later(stream)
            return
        waiting = self._waiting.pop(stream)
        waiting.commands.popleft()
        for command in waiting.commands:
            self.outbox.send(command, urgent=True, on_reply=partial(self._answered, stream, command))
