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
from shared.contract.streams.pairs import Pair, out_command
from shared.store.outbox import Outbox

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

    outbox: Outbox
    keys: Keys
    writer: bytes
    counters: RoleCounters
    clock_ms: Callable[[], float] = now_ms
    _waiting: dict[str, _Waiting] = field(default_factory=dict)

    def write(self, ingress: str, pairs: list[Pair], urgent: bool) -> None:
        """One entry for a worker, behind all that waits for it."""
        self.counters.out_entries += 1
        command = out_command(self.keys, ingress, self.writer, self.clock_ms(), pairs)
        waiting = self._waiting.get(ingress)
        if waiting is None:
            self.outbox.send(command, urgent=urgent, on_reply=partial(self._answered, ingress, command))
        else:
            waiting.commands.append(command)

    # Private.

    def _answered(self, ingress: str, command: Command, reply: Any) -> None:
        if reply is not None:
            return  # Written, or refused by Redis itself: the outbox counts that.
        self.counters.out_entries_void += 1
        waiting = self._waiting.get(ingress)
        if waiting is None:
            waiting = self._waiting[ingress] = _Waiting(self.clock_ms())
            self._later(ingress)
        waiting.commands.append(command)

    def _later(self, ingress: str) -> None:
        asyncio.get_running_loop().call_later(RETRY_S, self._try_again, ingress)

    def _try_again(self, ingress: str) -> None:
        waiting = self._waiting[ingress]
        if self.clock_ms() - waiting.since_ms >= WAIT_MS:
            del self._waiting[ingress]
            return
        self.outbox.send(waiting.commands[0], urgent=True, on_reply=partial(self._tried, ingress))

    def _tried(self, ingress: str, reply: Any) -> None:
        if reply is None or isinstance(reply, Exception):
            self._later(ingress)
            return
        waiting = self._waiting.pop(ingress)
        waiting.commands.popleft()
        for command in waiting.commands:
            self.outbox.send(command, urgent=True, on_reply=partial(self._answered, ingress, command))
