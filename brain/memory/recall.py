"""Reads what was said on a call from `history`: for a brain that was not there, for the transcript.

Why it exists: two readers must pass over the same entries, and say so in the same way. Owns: that, and how
long a brain waits for it. Must not know: what is made of the entries (conversation).
"""

from __future__ import annotations

import asyncio

from brain.memory.conversation import Conversation
from shared.contract.errors import EntryError
from shared.contract.keys import Keys
from shared.contract.streams.history import MAXLEN, HistoryEntry, read_history
from shared.logs.log import Log
from shared.ownership.counters import OwnershipCounters
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS

TRIES, PAUSE_S = 5, 0.5


async def recall(
    conversation: Conversation,
    store: Store,
    keys: Keys,
    call_sid: str,
    counters: OwnershipCounters,
    log: Log,
) -> None:
    """Tells a conversation what was said before this brain had the call. Without Redis it goes on without.

    Cancelling it leaves the conversation as it is.
    """
    for _ in range(TRIES):
        try:
            found = await read_entries(store, keys, call_sid, counters, log)
        except STORE_ERRORS:
            await asyncio.sleep(PAUSE_S)
            continue
        for entry in found:
            conversation.receive(entry)
        conversation.is_beginning_lost = len(found) >= MAXLEN
        return


async def read_entries(
    store: Store, keys: Keys, call_sid: str, counters: OwnershipCounters, log: Log, *, since_ms: int = 0
) -> list[HistoryEntry]:
    """The entries of a call that were written since then, in order. Raises STORE_ERRORS. Cancelling it is
    safe.

    What cannot be read is counted and passed over; the first of it has a log line.
    """
    entries: list[HistoryEntry] = []
    unread: list[EntryError] = []
    for _, fields in await store.xrange(keys.history(call_sid), min=str(max(0, since_ms))):
        try:
            entry = read_history(fields)
        except EntryError as error:
            unread.append(error)
            continue
        if entry is not None:
            entries.append(entry)
    if unread:
        counters.contract_errors += len(unread) - 1
        counters.unread(unread[0], log)
    return entries
