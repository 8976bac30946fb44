"""One call as it happens: its journal and what is said, entry by entry, until it ends.

Owns: the blocking reads and the order of entries of two streams. Must not know: how a line looks. Texts of
the conversation are shown to whoever may read Redis; they go nowhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from shared.contract.entry import FIRST, text_of, written_ms
from shared.contract.errors import EntryError
from shared.contract.keys import Keys
from shared.contract.streams.history import HistoryEntry, read_history
from shared.contract.streams.journal import JournalEntry, Kind, read_journal
from shared.store.client import Store

BLOCK_MS = 1_000
COUNT = 200

JOURNAL, HISTORY = "journal", "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of `journal` or `history`."""

    stream: str
    at_ms: int
    """The server's clock."""
    record: JournalEntry | HistoryEntry | None
    """What it says; None for one of `history` that this version cannot read."""
    fields: Mapping[str, str]
    """As they were written, for programs."""


async def entries(store: Store, keys: Keys, call_sid: str, *, back: bool = True) -> AsyncIterator[Entry]:
    """What was written (`back`: from the call's beginning) and what is written, until the call has ended.

    Raises STORE_ERRORS. The client's time-out must be above BLOCK_MS. Cancelling is safe.
    """
    names = {keys.journal(call_sid): JOURNAL, keys.history(call_sid): HISTORY}
    positions: dict[str, str | bytes] = dict.fromkeys(names, FIRST if back else "$")
    while True:
        found = await store.xread(positions, count=COUNT, block=BLOCK_MS)
        fresh = []
        for key, read in found:
            name = key.decode()
            for entry_id, fields in read:
                positions[name] = entry_id
                fresh.append(read_entry(names[name], entry_id, fields))
        for entry in sorted(fresh, key=lambda each: each.at_ms):
            yield entry
            if isinstance(entry.record, JournalEntry) and entry.record.kind == Kind.ENDED:
                return
        if not fresh and not await store.exists(keys.card(call_sid)):
            return  # Ended so long ago that Redis has forgotten it, or never there.


def read_entry(stream: str, entry_id: str | bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """One entry of `journal` or `history`, as Redis has it. Raises ValueError for what is no id."""
    record: JournalEntry | HistoryEntry | None
    try:
        record = read_journal(entry_id, fields) if stream == JOURNAL else read_history(fields)
    except EntryError:
        record = None  # Programs are given its fields all the same.
    return Entry(stream=stream, at_ms=written_ms(entry_id), record=record, fields=text_of(fields))
