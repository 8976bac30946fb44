"""Reads a call's keys in Redis while the call runs, without touching them.

Owns: the reading of journal, history and control, and the sampling of backlogs. Must not know: how they
are shown. It is an onlooker: whatever it reads, nobody waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.contract import record
from shared.contract.entry import text_of, written_ms
from shared.contract.errors import ContractError
from shared.contract.keys import Keys
from shared.contract.streams.control import Message, read_message
from shared.contract.streams.history import HistoryEntry, read_history
from shared.contract.streams.journal import JournalEntry, Kind, read_journal
from shared.contract.views import PeopleView
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS

POLL_S = 0.1

Record = JournalEntry | HistoryEntry | Message
"""What an entry says. Lines of the journal, what was said, and control messages are of different types."""

Reader = Callable[[bytes, Mapping[bytes, bytes]], Record | None]
"""An entry's id and fields → what it says; None for what only a newer version knows. Raises ContractError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One entry of a call's streams."""

    at_ms: float
    """When it was written, on the call's clock (milliseconds since the call began)."""
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The backlogs at one moment of the call."""

    at_ms: float
    caller_frames: int
    """Entries of `caller`: 20 ms frames that the model has not got."""
    reply_entries: int
    """Entries of `reply`: pieces of model audio that the caller has not heard."""
    tx_q_ms: float | None
    """Audio that egress holds unsent, from the card; None until it has said so."""


@dataclass(slots=True)
class Watch:
    """Everything that was read so far; `on_seen` is told of each entry as it is read."""

    redis_url: str
    keys: Keys
    call_sid: str
    now_ms: Callable[[], float]
    """The call's clock."""
    on_seen: Callable[[Seen], None]
    seen: list[Seen] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Times that Redis was away, and entries that could not be read."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the journal says that the call has ended."""
    _positions: dict[str, str] = field(default_factory=dict)
    _wall_zero_ms: float = 0.0

    async def run(self) -> None:
        """Reads until it is cancelled, which is safe. Redis errors are noted and the reading goes on."""
        # Entries carry Unix time; the demo runs on the machine that wrote them.
        self._wall_zero_ms = time.time() * 1000 - self.now_ms()
        store = make_store(self.redis_url, name="demo")
        try:
            while True:
                try:
                    await self._read(store)
                except STORE_ERRORS as error:
                    self.errors.append(str(error))
                await asyncio.sleep(POLL_S)
        finally:
            await store.aclose()

    async def read_rest(self) -> None:
        """Reads once more, for what was written at the very end. Raises STORE_ERRORS. Cancelling is safe."""
        store = make_store(self.redis_url, name="demo")
        try:
            await self._read(store)
        finally:
            await store.aclose()

    # Private.

    async def _read(self, store: Store) -> None:
        """All streams, the backlogs and the card in one round trip."""
        keys, sid = self.keys, self.call_sid
        readers: dict[str, Reader] = {
            keys.journal(sid): read_journal,
            keys.history(sid): lambda _, fields: read_history(fields),
            keys.control(sid): lambda entry_id, fields: read_message(entry_id, fields).message,
        }
        async with store.pipeline(transaction=False) as pipeline:
            for key in readers:
                pipeline.xrange(key, min=f"({self._positions.get(key, '0-0')}")
            pipeline.xlen(keys.caller(sid))
            pipeline.xlen(keys.reply(sid))
            pipeline.hgetall(keys.card(sid))
            *streams, caller_frames, reply_entries, card = await pipeline.execute()
        sample = Sample(
            at_ms=self.now_ms(),
            caller_frames=caller_frames,
            reply_entries=reply_entries,
            tx_q_ms=self._tx_q_ms(card),
        )
        self.samples.append(sample)
        fresh = [
            seen
            for (key, reader), entries in zip(readers.items(), streams, strict=True)
            for entry_id, fields in entries
            if (seen := self._seen(key, reader, entry_id, fields)) is not None
        ]
        for seen in sorted(fresh, key=lambda seen: seen.at_ms):
            self.seen.append(seen)
            self.on_seen(seen)
            if isinstance(seen.record, JournalEntry) and seen.record.kind == Kind.ENDED:
                self.ended.set()

    def _seen(self, key: str, reader: Reader, entry_id: bytes, fields: Mapping[bytes, bytes]) -> Seen | None:
        self._positions[key] = entry_id.decode()
        try:
            found = reader(entry_id, fields)
        except ContractError as error:
            self.errors.append(str(error))
            return None
        at_ms = written_ms(entry_id) - self._wall_zero_ms
        return None if found is None else Seen(at_ms=at_ms, record=found)

    def _tx_q_ms(self, card: Mapping[bytes, bytes]) -> float | None:
        if not card:
            return None
        try:
            return record.read(PeopleView, text_of(card)).tx_q_ms
        except ContractError as error:
            self.errors.append(str(error))
            return None
