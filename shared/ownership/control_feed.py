"""Reads a call's control messages: when the doorbell rings, and once a second for what nobody rang for.

Why it exists: brain and egress read the same stream by the same rules. Owns: the position in `control`,
dropping what came twice, counting what cannot be read. Must not know: what a message leads to, where the
position is kept.

Reading is no task that waits: a ring starts one, and it ends when nothing is left to read.

A failover may lose the last entries to a server whose clock is behind: what is written then has lower ids
than what was read. Where the newest entry is below the position, all since our beginning is read again, and
numbers tell what is new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from shared.contract.command import Command
from shared.contract.entry import FIRST
from shared.contract.errors import EntryError
from shared.contract.keys import Keys
from shared.contract.streams.control import Letter, read_message
from shared.logs.log import Log
from shared.ownership.counters import OwnershipCounters
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS
from shared.store.writing.writer import Writer

SWEEP_S = 1.0
"""How often owners look at `control` without a ring: how a hand-typed XADD is seen."""

READ_AGAIN_S = 0.2
REMEMBERED = 256
"""Numbers of each producer kept to drop duplicates; far more than can be under way."""

Spawn = Callable[[Coroutine[Any, Any, None], str], object]
"""Runs a reading as a task of the call or of the process; drops it if the call is over."""


@dataclass(slots=True)
class ControlFeed:
    """One call's reader. `on_letter` is called in order, once for each message."""

    store: Store
    outbox: Writer
    keys: Keys
    call_sid: str
    spawn: Spawn
    on_letter: Callable[[Letter], None]
    counters: OwnershipCounters
    log: Log
    position: str = FIRST
    """The last entry read."""
    _began_at: str = field(init=False)
    """What another owner has read: never again."""
    _seen: dict[str, dict[str, None]] = field(default_factory=dict)
    _is_reading: bool = False
    _is_rung: bool = False
    _is_stopped: bool = False

    def __post_init__(self) -> None:
        self._began_at = self.position

    def begin_at(self, position: str) -> None:
        """What stands there and before has been read by another owner."""
        self.position = self._began_at = position

    def ring(self) -> None:
        """There is, or may be, something to read."""
        if self._is_stopped:
            return
        self._is_rung = True
        if not self._is_reading:
            self._is_reading = True
            self.spawn(self._read(), "control")

    def sweep(self) -> None:
        """Looks, by the outbox, whether somebody typed a message by hand, or ids begin anew."""

        def found(reply: object) -> None:
            if isinstance(reply, list) and reply and reply[0][0].decode() != self.position:
                self.ring()

        key = self.keys.control(self.call_sid).encode()
        words = (b"XREVRANGE", key, b"+", b"-", b"COUNT", b"1")
        self.outbox.send(Command(self.keys.lane(self.call_sid), words), on_reply=found)

    def stop(self) -> None:
        """The call is over: what is being read leads to nothing more."""
        self._is_stopped = True

    # Private.

    async def _read(self) -> None:
        """Reads until nothing new is rung for. Cancelling it loses nothing: the next ring reads on."""
        try:
            while self._is_rung and not self._is_stopped:
                self._is_rung = False
                try:
                    letters = await self._take()
                except STORE_ERRORS:
                    await asyncio.sleep(READ_AGAIN_S)
                    self._is_rung = True
                    continue
                for letter in letters:
                    if not self._is_stopped:
                        self.on_letter(letter)
        finally:
            self._is_reading = False

    async def _take(self) -> list[Letter]:
        """New messages in order, without repetitions. Raises STORE_ERRORS."""
        key = self.keys.control(self.call_sid)
        found: list[tuple[bytes, dict[bytes, bytes]]] = await self.store.xrange(key, min=self._start())
        if not found and await self._begins_anew(key):
            self.position = self._began_at
            found = await self.store.xrange(key, min=self._start())
        fresh: list[Letter] = []
        for entry_id, fields in found:
            self.position = entry_id.decode()
            try:
                letter = read_message(entry_id, fields)
            except EntryError as error:
                self.counters.unread(error, self.log)
                continue
            if self._is_new(letter, self.position):
                fresh.append(letter)
        return fresh

    async def _begins_anew(self, key: str) -> bool:
        newest = await self.store.xrevrange(key, count=1)
        return bool(newest) and _place(self._began_at) < _place(newest[0][0].decode()) < _place(self.position)

    def _start(self) -> str:
        return "-" if self.position == FIRST else f"({self.position}"

    def _is_new(self, letter: Letter, entry_id: str) -> bool:
        # Typed by hand, without a number: each one counts.
        number = letter.number or entry_id
        # An owner that claims a call again counts from one again, under a higher epoch.
        seen = self._seen.setdefault(f"{letter.sender} {letter.epoch}", {})
        if number in seen:
            return False
        seen[number] = None
        if len(seen) > REMEMBERED:
            del seen[next(iter(seen))]
        return True


def _place(entry_id: str) -> tuple[int, int]:
    """An entry's id, to be compared."""
    ms, _, sequence = entry_id.partition("-")
    return int(ms), int(sequence or 0)
