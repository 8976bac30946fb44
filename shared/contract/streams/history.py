"""`history`: the conversation as a next brain needs it: items, what was heard of them, keys, tools.

Why it exists: the model's memory dies with its session, a brain's with its process; this stays. Owns: a
record for each kind of entry, both ways. Pure. Must not know: how a conversation is made of them
(brain/memory). Texts stand here and nowhere else: not in journals, not in logs.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from shared.contract import record
from shared.contract.entry import VERSION, Fields, known, text_of
from shared.contract.errors import ContractError, EntryError
from shared.contract.record import named

MAXLEN = 8000
"""Some 1,000 exchanges, of seven or eight entries each: more than an hour's call has. What is older is lost,
and the next brain says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEntry:
    """A turn of the caller (`user`) or an item of the model (`assistant`): its text so far. A caller's item
    is written at once, without its text: the order of the entries is that of the conversation. `agent`: whose
    the model's item is, by name."""

    KIND: ClassVar[str] = "item"
    item_id: str = named("id")
    role: str
    text: str
    final: bool
    agent: str | None = None
    """None: the caller's, or written by a version that did not say it."""

    @property
    def is_callers(self) -> bool:
        """Whether it is a turn of the caller."""
        return self.role == "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLength:
    """How long the model's item is, once it has all its audio."""

    KIND: ClassVar[str] = "audio"
    item_id: str = named("id")
    ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemHeard:
    """How much of an item was heard, final. `of`: received by then; `complete`: that was all of it."""

    KIND: ClassVar[str] = "heard"
    item_id: str = named("id")
    ms: int
    of_ms: int = named("of")
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSaid:
    """An item of the model's is a recording, which is said word for word: it answers nobody. Its text and its
    length follow."""

    KIND: ClassVar[str] = "notice"
    item_id: str = named("id")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysPressed:
    """What the caller pressed, as the model was told: perhaps a card number."""

    KIND: ClassVar[str] = "keys"
    item_id: str = named("id")
    text: str


class ToolState(enum.StrEnum):
    """How far a tool has come."""

    STARTED = "started"
    """It was called; the value is its arguments."""
    RESULT = "result"
    """It has ended; the value is its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEntry:
    """A tool was called, or has its result. `agent`: which agent called it, by name."""

    KIND: ClassVar[str] = "tool"
    call_id: str
    name: str
    state: ToolState
    value: str
    agent: str | None = None
    """None: written by a version that did not say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietUntil:
    """The caller has asked for a moment: until then, by the clock on the wall, or until they speak, they wait
    for no word."""

    KIND: ClassVar[str] = "quiet"
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheard:
    """What the caller said there was no turn: noise, or a word that only shows that they listen. Nobody
    answers it."""

    KIND: ClassVar[str] = "overheard"
    item_id: str = named("id")


HistoryEntry = (
    ItemEntry | ItemLength | ItemHeard | NoticeSaid | KeysPressed | ToolEntry | QuietUntil | Overheard
)
KINDS: Mapping[str, type[HistoryEntry]] = {
    kind.KIND: kind
    for kind in (
        ItemEntry, ItemLength, ItemHeard, NoticeSaid, KeysPressed, ToolEntry, QuietUntil, Overheard,
    )
}  # fmt: skip


def history_fields(entry: HistoryEntry) -> Fields:
    """An entry."""
    return [b"v", VERSION, b"kind", entry.KIND.encode(), *record.flat(entry)]


def read_history(fields: Mapping[bytes, bytes]) -> HistoryEntry | None:
    """None for a kind that only a newer version knows. Raises EntryError."""
    found = text_of(known("history", fields))
    kind = KINDS.get(found.get("kind", ""))
    if kind is None:
        return None
    try:
        return record.read(kind, found)
    except ContractError as error:
        raise EntryError("history", error.field, "what its writer writes", found.get(error.field)) from None
