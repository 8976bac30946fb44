"""The process that puts calls on the shelf once they are over: `trunkline archive`.

Why it exists: Redis forgets a call after an hour, and a page that is asked tomorrow must have it. Owns:
which calls are due, the rhythm, what becomes of a failure. Must not know: SQL, a page.

It reads what anyone may read, and writes nothing to Redis: a call is never slower for it. It keeps no place
of its own: what is on the shelf already says how far it has come, so that it may be killed at any moment,
and two of them do no harm. A call is due some seconds after its end, when the caller's last words are in its
history.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from console.archive import kept
from console.archive.shelf import Shelf, ShelfError
from shared.clock import wall_ms
from shared.contract.entry import text_of
from shared.contract.errors import ContractError
from shared.contract.keys import Keys
from shared.logs.log import Log
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS

ROUND_S = 5.0
SETTLE_MS = 5_000
"""The caller's words may come up to 1.5 s after the end; then the brain lets go."""

OVERLAP_MS = 3_600_000
"""How far before the newest call on the shelf it looks again: calls end out of order, and hosts' clocks
differ."""

AT_ONCE = 100
"""Calls a round: each is three reads and one write."""

EXPIRE_EVERY_ROUNDS = 720
"""An hour."""

DAY_MS = 86_400_000


@dataclass(slots=True, kw_only=True)
class Writer:
    """Of one deployment. `keep_days`: how long a call is kept."""

    store: Store
    keys: Keys
    shelf: Shelf
    log: Log
    keep_days: float
    with_text: bool
    wait_s: float = ROUND_S
    _rounds: int = 0
    trouble: str = ""
    """Why the last round failed, as the log says; empty: it did not."""
    _passed_over: set[str] = field(default_factory=set)
    """Calls that cannot be read, as the log says, and those that are gone, while Redis still lists them."""

    async def run(self) -> None:
        """Round after round. Cancelling it is safe: a call is on the shelf whole, or not at all."""
        while True:
            is_behind = await self.round()
            if not is_behind:
                await asyncio.sleep(self.wait_s)

    async def round(self) -> bool:
        """One round; whether more calls are due already. Never raises for the fault of Redis or the shelf."""
        try:
            if self._rounds % EXPIRE_EVERY_ROUNDS == 0:
                await self._expire()
            self._rounds += 1
            due = await self._due()
            put = 0
            for sid in due[:AT_ONCE]:
                put += await self._put(sid)
        except (*STORE_ERRORS, ShelfError) as error:
            if not self.trouble:
                self.log.warning("archive_waits", reason=str(error))
            self.trouble = str(error) or type(error).__name__
            return False
        if self.trouble:
            self.log.info("archive_goes_on")
        self.trouble = ""
        if put:
            self.log.info("archived", calls=put)
        return len(due) > AT_ONCE

    # Private.

    async def _due(self) -> list[str]:
        """Calls that are over and not on the shelf, the oldest first."""
        newest_ms = await asyncio.to_thread(self.shelf.newest_ms)
        until_ms = wall_ms() - SETTLE_MS
        async with self.store.pipeline(transaction=False) as pipe:
            for lane in range(self.keys.lanes):
                # As `calls --ended` does: it runs as the operator's user.
                pipe.zrevrangebyscore(
                    self.keys.ended(lane), until_ms, max(0, newest_ms - OVERLAP_MS), withscores=True
                )
            lanes = await pipe.execute()
        listed = sorted((score, member.decode()) for lane in lanes for member, score in lane)
        self._passed_over.intersection_update(sid for _, sid in listed)
        sids = [sid for _, sid in listed if sid not in self._passed_over]
        known = await asyncio.to_thread(self.shelf.known, sids)
        return [sid for sid in sids if sid not in known]

    async def _put(self, sid: str) -> bool:
        keys, store = self.keys, self.store
        card = text_of(await store.hgetall(keys.card(sid)))
        if not card:
            self._passed_over.add(sid)
            return False  # Gone meanwhile: its hour was over, or somebody had it forgotten.
        try:
            row = kept.row_of(sid, card)
        except ContractError as error:
            self._passed_over.add(sid)
            why = str(error)
            self.log.error("contract_error", call=sid, record=error.record, field=error.field, reason=why)
            return False
        if row is None:
            return False
        journal = [(entry_id.decode(), fields) for entry_id, fields in await store.xrange(keys.journal(sid))]
        history = [(entry_id.decode(), fields) for entry_id, fields in await store.xrange(keys.history(sid))]
        packed = await asyncio.to_thread(kept.pack, card, journal, history, with_text=self.with_text)
        if await asyncio.to_thread(self.shelf.put, row, packed):
            return True
        self._passed_over.add(sid)  # Somebody had it forgotten since it was read.
        return False

    async def _expire(self) -> None:
        before_ms = wall_ms() - round(self.keep_days * DAY_MS)
        gone = await asyncio.to_thread(self.shelf.expire, before_ms)
        if gone:
            self.log.info("archive_expired", calls=gone, days=self.keep_days)


async def once(writer: Writer) -> None:
    """All that is due now, or as much of it as could be kept (`trouble`). Cancelling it is safe."""
    is_behind = True
    while is_behind:
        is_behind = await writer.round()
