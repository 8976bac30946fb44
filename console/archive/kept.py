"""What is kept of a call that is over, and how it is written down. Pure.

Why it exists: an archive outlives versions: what it holds must be read by code that is written later. Owns:
the row by which a call is found, the packed rest (card, journal, history), what is left out of it. Must not
know: where rows are kept.

Entries are kept as they stood in Redis and read by the contract's own readers, so that an old call is read
like one of another version. Left out for good: keys that were pressed (perhaps a card number), arguments and
results of tools, what the user's system said of the caller; with no transcript also what was said. The
caller's number is that of the card: masked, unless a setting says otherwise.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import orjson

from console.calls.watching import HISTORY, JOURNAL, Entry, read_entry
from shared.contract import record
from shared.contract.card import CallState
from shared.contract.entry import text_of, to_dict
from shared.contract.errors import ContractError, EntryError
from shared.contract.streams.history import (
    HistoryEntry,
    ItemEntry,
    KeysPressed,
    ToolEntry,
    history_fields,
    read_history,
)
from shared.contract.views import KeptView

SECRET_FIELDS = frozenset({"profile", "context", "next_arg", "pending_arg", "pending_call", "fallback"})
"""Of a card: numbers that were dialled, keys that were sent, what an agent was told, what is known of the
caller."""

RawEntry = tuple[str, Mapping[bytes, bytes]]
"""An entry's id and its fields, as Redis has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCall:
    """The row of a call: by what it is found and listed."""

    call_sid: str
    started_at_ms: int
    ended_at_ms: int
    from_number: str
    to_number: str
    caller_tag: str
    """Empty: there was no key, or no number."""
    agent: str
    outcome: str
    cause: str
    owed_ms: int
    """Sound that was owed at the end."""
    response_ms: int | None
    """What the last answer took."""
    cost_micros: int | None

    @property
    def lasted_ms(self) -> int:
        """From its first stream to its end."""
        return max(0, self.ended_at_ms - self.started_at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeCall:
    """All that is kept of a call."""

    row: KeptCall
    card: Mapping[str, str]
    entries: tuple[Entry, ...]
    """Of journal and history, in the order of time."""


def row_of(call_sid: str, card: Mapping[str, str]) -> KeptCall | None:
    """The row of a call by its card; None: it is not over. Raises ContractError."""
    view = record.read(KeptView, card)
    if view.state is not CallState.ENDED or view.ended_at_ms is None:
        return None
    return KeptCall(
        call_sid=call_sid,
        started_at_ms=view.started_at_ms,
        ended_at_ms=view.ended_at_ms,
        from_number=view.from_number,
        to_number=view.to_number,
        caller_tag=view.caller_tag or "",
        agent=view.agent,
        outcome=view.outcome or "",
        cause=view.cause or "",
        owed_ms=view.owed_ms or 0,
        response_ms=view.response_ms,
        cost_micros=view.cost_micros,
    )


def pack(
    card: Mapping[str, str], journal: Iterable[RawEntry], history: Iterable[RawEntry], *, with_text: bool
) -> bytes:
    """The rest of a call, without what is never kept. `with_text`: what was said stays."""
    told = {
        "card": {name: value for name, value in card.items() if name not in SECRET_FIELDS},
        JOURNAL: [[entry_id, text_of(fields)] for entry_id, fields in journal],
        HISTORY: [
            [entry_id, text_of(to_dict(history_fields(kept)))]
            for entry_id, fields in history
            if (kept := _kept(fields, with_text)) is not None
        ],
    }
    return zlib.compress(orjson.dumps(told))


def unpack(row: KeptCall, packed: bytes) -> WholeCall:
    """A call as it was packed. Raises ContractError for what cannot be read."""
    try:
        told = orjson.loads(zlib.decompress(packed))
        card = {str(name): str(value) for name, value in told["card"].items()}
        entries = [
            read_entry(stream, entry_id, {name.encode(): value.encode() for name, value in fields.items()})
            for stream in (JOURNAL, HISTORY)
            for entry_id, fields in told[stream]
        ]
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ContractError("WholeCall", "told", "what pack() writes", type(error).__name__) from None
    return WholeCall(row=row, card=card, entries=tuple(sorted(entries, key=lambda entry: entry.at_ms)))


# Private.


def _kept(fields: Mapping[bytes, bytes], with_text: bool) -> HistoryEntry | None:
    """An entry of `history` without what is never kept; None: nobody can tell what is in it."""
    try:
        found = read_history(fields)
    except EntryError:
        return None
    match found:
        case KeysPressed():
            return replace(found, text="")
        case ToolEntry():
            return replace(found, value="")
        case ItemEntry() if not with_text:
            return replace(found, text="")
        case _:
            return found
