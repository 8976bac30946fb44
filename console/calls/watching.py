"""One call as it happens: its journal and what is said, entry by entry, until it ends.

Owns: the blocking reads and the order of entries of two streams. Must not know: how a line looks. Texts of
the conversation are shown to whoever may read Redis; they go nowhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.contract.entry import text_of
from shared.contract.keys import Keys
from shared.store.client import Store

BLOCK_MS = 1_000
COUNT = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of `journal` or `history`."""

    stream: str
    entry_id: str
    fields: dict[str, str]

    @property
    def at_ms(self) -> int:
        """Redis's clock."""
        return int(self.entry_id.partition("-")[0])


async def entries(store: Store, keys: Keys, call_sid: str, *, back: bool = True) -> AsyncIterator[Entry]:
    """What was written (`back`: from the call's beginning) and what comes, until the call has ended.

    Raises STORE_ERRORS. The client's time-out must be above BLOCK_MS.
    """
    names = {keys.journal(call_sid): "journal", keys.history(call_sid): "history"}
    positions: dict[str, str | bytes] = dict.fromkeys(names, "0" if back else "$")
    while True:
        found = await store.xread(positions, count=COUNT, block=BLOCK_MS)
        fresh = []
        for key, read in found:
            name = key.decode()
            for entry_id, fields in read:
                positions[name] = entry_id.decode()
                fresh.append(Entry(names[name], entry_id.decode(), text_of(fields)))
        for entry in sorted(fresh, key=lambda each: each.at_ms):
            yield entry
            if entry.stream == "journal" and entry.fields.get("kind") == "ended":
                return
        if not fresh and not await store.exists(keys.card(call_sid)):
            return  # Ended so long ago that Redis has forgotten it, or never there.
