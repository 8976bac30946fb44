"""What was said in a call, as it was heard, with what was never heard. Pure.

Why it exists: history has the model's whole words and how much of each was heard; the webhook tells the
words that were, a page shows the others too, struck through. Owns: the order, the place of the cut. Must not
know: how a line looks, who may read it. Which words were heard is the rule of shared/heard/words.py, by
which the model is told as well.

Keys that were pressed are no line: they may be a card number's. Of a tool the name and what became of it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from console.calls.watching import Entry
from shared.contract.streams.history import (
    ItemEntry,
    ItemHeard,
    ItemLength,
    KeysPressed,
    ToolEntry,
    ToolState,
)
from shared.heard import words
from shared.heard.pace import Pace


class Who(enum.StrEnum):
    """Whose line it is."""

    CALLER = "caller"
    AGENT = "agent"
    TOOL = "tool"
    KEYS = "keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line. `heard` and `unheard` are one text, cut where the caller stopped hearing it."""

    who: Who
    at_ms: int
    """When it was written down first, the server's clock."""
    heard: str
    unheard: str = ""
    is_final: bool = True
    """Nothing more of it comes."""

    @property
    def is_empty(self) -> bool:
        """Whether it has no words: of a turn without a transcript, or one that is still to come."""
        return not (self.heard or self.unheard)


def lines(entries: Iterable[Entry]) -> list[Line]:
    """All lines, in the order of the conversation."""
    known = _Known()
    for entry in entries:
        known.take(entry)
    return [line for item in known.items.values() if (line := known.line(item)) is not None]


# Private.


@dataclass(slots=True)
class _Item:
    who: Who
    at_ms: int
    text: str = ""
    is_final: bool = False
    total_ms: int | None = None
    heard_ms: int | None = None
    heard_of_ms: int = 0
    is_measured: bool = False


@dataclass(slots=True)
class _Known:
    items: dict[str, _Item] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)

    def take(self, entry: Entry) -> None:
        """One entry of `history`; those of the journal say nothing here."""
        match entry.record:
            case ItemEntry() as said:
                who = Who.CALLER if said.is_callers else Who.AGENT
                item = self.items.setdefault(said.item_id, _Item(who, entry.at_ms))
                item.text, item.is_final = said.text, said.final
                self._measure(item)
            case ItemLength() as length:
                item = self.items.setdefault(length.item_id, _Item(Who.AGENT, entry.at_ms))
                item.total_ms = length.ms
                self._measure(item)
            case ItemHeard() as heard:
                item = self.items.setdefault(heard.item_id, _Item(Who.AGENT, entry.at_ms))
                item.heard_ms, item.heard_of_ms = heard.ms, heard.of_ms
                if heard.complete and item.total_ms is None:
                    item.total_ms = heard.of_ms
            case KeysPressed() as keys:
                self.items[keys.item_id] = _Item(Who.KEYS, entry.at_ms, is_final=True)
            case ToolEntry() as tool:
                key = f"tool {tool.call_id}"
                item = self.items.setdefault(key, _Item(Who.TOOL, entry.at_ms, text=tool.name))
                item.is_final = item.is_final or tool.state is ToolState.RESULT
            case _:
                pass

    def line(self, item: _Item) -> Line | None:
        """None: nobody has said it, and nobody will."""
        if item.who is not Who.AGENT:
            return Line(who=item.who, at_ms=item.at_ms, heard=item.text, is_final=item.is_final)
        if not (item.text or item.total_ms or item.heard_ms):
            return None
        if item.heard_ms is None:
            return Line(who=Who.AGENT, at_ms=item.at_ms, heard=item.text, is_final=False)
        is_whole = item.total_ms is not None
        heard, is_all = words.heard(
            item.text,
            item.heard_ms,
            item.heard_of_ms if item.total_ms is None else item.total_ms,
            is_whole=is_whole,
            letter_ms=self.pace.letter_ms,
        )
        rest = "" if is_all else item.text.strip().removeprefix(heard).strip()
        return Line(who=Who.AGENT, at_ms=item.at_ms, heard=heard, unheard=rest)

    def _measure(self, item: _Item) -> None:
        if item.is_measured or not item.is_final or not item.total_ms or item.who is not Who.AGENT:
            return
        item.is_measured = True
        self.pace.measure(words.weight(item.text), item.total_ms)
