"""Reads a call's keys in Redis while the call runs, without touching them.

Owns: the reading of journal, history and control, and the sampling of backlogs. Must not know: how they
are shown. It is an onlooker: whatever it reads, nobody waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.contract.entry import text_of
from shared.contract.keys import Keys
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS

POLL_S = 0.1
WATCHED = ("journal", "history", "control")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One entry of a call's streams."""

    at_ms: float
    """When it was written, on the call's clock (milliseconds since the call began)."""
    stream: str
    """journal, history or control."""
    kind: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The backlogs at one moment of the call."""

    at_ms: float
    caller_frames: int
    """Entries of `caller`: 20 ms frames that the model has not got."""
    reply_entries: int
    """Entries of `reply`: pieces of model audio that the caller has not heard."""
    tx_q_ms: float
    """Audio that egress holds unsent, from the card."""


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
    card: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the journal says that the call has ended."""
    _positions: dict[str, str] = field(default_factory=dict)
    _wall_zero_ms: float = 0.0

    async def run(self) -> None:
        """Reads until cancelled. Redis errors are noted and the reading goes on."""
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
        """One more reading, for what was written at the very end. Raises STORE_ERRORS."""
        store = make_store(self.redis_url, name="demo")
        try:
            await self._read(store)
        finally:
            await store.aclose()

    async def _read(self, store: Store) -> None:
        """All streams, the backlogs and the card in one round trip."""
        keys, sid = self.keys, self.call_sid
        async with store.pipeline(transaction=False) as pipeline:
            for part in WATCHED:
                pipeline.xrange(keys.part(sid, part), min=f"({self._positions.get(part, '0-0')}")
            pipeline.xlen(keys.caller(sid))
            pipeline.xlen(keys.reply(sid))
            pipeline.hgetall(keys.card(sid))
            *streams, caller_frames, reply_entries, card = await pipeline.execute()
        at_ms = self.now_ms()
        if card:
            self.card = text_of(card)
        sample = Sample(
            at_ms=at_ms,
            caller_frames=caller_frames,
            reply_entries=reply_entries,
            tx_q_ms=float(self.card.get("tx_q_ms", "0") or 0),
        )
        self.samples.append(sample)
        fresh = [
            self._seen(part, entry_id, text_of(pairs))
            for part, entries in zip(WATCHED, streams, strict=True)
            for entry_id, pairs in entries
        ]
        for seen in sorted(fresh, key=lambda seen: seen.at_ms):
            self.seen.append(seen)
            self.on_seen(seen)
            if seen.stream == "journal" and seen.kind == "ended":
                self.ended.set()

    def _seen(self, part: str, entry_id: bytes, fields: dict[str, str]) -> Seen:
        self._positions[part] = entry_id.decode()
        wall_ms = float(fields.pop("t", entry_id.split(b"-")[0]))
        kind = fields.pop("kind", "")
        return Seen(at_ms=wall_ms - self._wall_zero_ms, stream=part, kind=kind, fields=fields)
