"""One look for all who watch, and one call with what was added since.

Why it exists: ten people with a page open must cost Redis what one costs, and nobody open nothing. Owns: how
long a look is good, that it is made once, the places in a call's streams. Must not know: what is made of it,
how calls are read (calls/live) or kept (archive).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from console.archive.shelf import Shelf, ShelfError
from console.calls import ended, live
from console.calls.beats import BeatWatch
from console.calls.ended import Wanted
from console.calls.firing import APOLOGIES_MS
from console.calls.live import AnyCall, Look
from console.calls.watching import HISTORY, JOURNAL, Entry, read_entry
from shared.clock import now_ms, wall_ms
from shared.contract.card import Next
from shared.contract.errors import ContractError
from shared.contract.keys import CALL_SID, Keys
from shared.contract.streams.history import ItemEntry
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS

FRESH_MS = 800.0
"""How old a look may be: pages are pushed once a second."""

ENDED_FRESH_MS = 30_000.0
"""Calls that have ended are looked through for the alerts: seldom, since there may be many."""

LAST_ENTRIES = 6
"""Of a call's history: the newest words are among them."""

T = TypeVar("T")


@dataclass(slots=True)
class Shared(Generic[T]):
    """A value that is made for all who ask within a time, once."""

    make: Callable[[], Awaitable[T]]
    fresh_ms: float = FRESH_MS
    _made: T | None = None
    _at_ms: float = -1e12
    _making: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """One that is fresh. Raises what `make` raises. Cancelling one who waits leaves the others theirs."""
        if self._made is not None and now_ms() - self._at_ms < self.fresh_ms:
            return self._made
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make(), name="look")
        return await asyncio.shield(self._making)

    async def _make(self) -> T:
        made = await self.make()
        self._made, self._at_ms = made, now_ms()
        return made


@dataclass(frozen=True, slots=True)
class LastLine:
    """The newest words of a call."""

    by_caller: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything at one moment."""

    look: Look
    last_lines: Mapping[str, LastLine]
    """By call; of one that has none yet, or is not read, nothing."""
    trouble: str = ""
    """Why it is of earlier: Redis does not answer."""


class Looks:
    """All calls and workers, for all pages of this process."""

    def __init__(self, store: Store, keys: Keys, *, with_words: bool, fresh_ms: float = FRESH_MS) -> None:
        """`with_words`: the last words of each call are read too."""
        self._store, self._keys, self._with_words = store, keys, with_words
        self._watch = BeatWatch()
        self._last = Seen(look=Look(calls=[], workers=[]), last_lines={})
        self._shared = Shared(self._look, fresh_ms)
        self._apologies = Shared(self._count_apologies, ENDED_FRESH_MS)

    async def now(self) -> Seen:
        """What there is; where Redis does not answer what there was, and why. Cancelling is safe."""
        return await self._shared.get()

    async def apologies(self) -> int:
        """Calls that ended in an apology lately. Raises STORE_ERRORS. Cancelling is safe."""
        return await self._apologies.get()

    # Private.

    async def _look(self) -> Seen:
        try:
            look = await live.look(self._store, self._keys, self._watch)
            words = await self._words(look.calls) if self._with_words else {}
        except STORE_ERRORS as error:
            self._watch.missed()
            last = self._last
            trouble = f"Redis does not answer ({type(error).__name__})"
            return Seen(look=last.look, last_lines=last.last_lines, trouble=trouble)
        self._last = Seen(look=look, last_lines=words)
        return self._last

    async def _count_apologies(self) -> int:
        wanted = Wanted(since_ms=wall_ms() - APOLOGIES_MS, outcome=Next.APOLOGY.value)
        return len((await ended.read_ended(self._store, self._keys, wanted)).calls)

    async def _words(self, calls: list[AnyCall]) -> dict[str, LastLine]:
        async with self._store.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.xrevrange(self._keys.history(call.call_sid), count=LAST_ENTRIES)
            answers = await pipe.execute() if calls else []
        found = {}
        for call, newest in zip(calls, answers, strict=True):
            entries = (read_entry(HISTORY, entry_id, fields).record for entry_id, fields in newest)
            said = next((each for each in entries if isinstance(each, ItemEntry) and each.text), None)
            if said is not None:
                found[call.call_sid] = LastLine(said.is_callers, said.text)
        return found


@dataclass(slots=True, kw_only=True)
class Told:
    """One call: its card, and all that was written of it."""

    call: AnyCall
    entries: list[Entry]
    is_kept: bool = False
    """It is the archive's: nothing is added any more."""


@dataclass(slots=True)
class CallReader:
    """One call, read once and then only on."""

    store: Store
    keys: Keys
    shelf: Shelf | None
    call_sid: str
    _entries: list[Entry] = field(default_factory=list)
    _places: dict[str, str] = field(default_factory=dict)
    _kept: Told | None = None

    async def read(self) -> Told | None:
        """The call as it is now; None: nobody knows it. Raises STORE_ERRORS, ShelfError. Cancelling is safe:
        what was read is read again."""
        if self._kept is not None:
            return self._kept
        if not CALL_SID.fullmatch(self.call_sid):
            return None
        call = await live.read_call(self.store, self.keys, self.call_sid)
        if call is None:
            self._kept = await self._from_shelf()
            return self._kept
        await self._read_on()
        return Told(call=call, entries=self._entries)

    # Private.

    async def _read_on(self) -> None:
        streams = {JOURNAL: self.keys.journal(self.call_sid), HISTORY: self.keys.history(self.call_sid)}
        async with self.store.pipeline(transaction=False) as pipe:
            for name, key in streams.items():
                place = self._places.get(name)
                pipe.xrange(key, min="-" if place is None else f"({place}")
            answers = await pipe.execute()
        fresh = []
        for name, found in zip(streams, answers, strict=True):
            for entry_id, fields in found:
                fresh.append(read_entry(name, entry_id, fields))
                self._places[name] = entry_id.decode()
        if fresh:
            self._entries = sorted([*self._entries, *fresh], key=lambda entry: entry.at_ms)

    async def _from_shelf(self) -> Told | None:
        if self.shelf is None:
            return None
        try:
            whole = await asyncio.to_thread(self.shelf.read, self.call_sid)
        except ContractError as error:
            raise ShelfError(f"what the archive has of this call cannot be read: {error}") from None
        if whole is None:
            return None
        call = live.call_of(self.call_sid, whole.card)
        return Told(call=call, entries=list(whole.entries), is_kept=True)
