"""What a conversation is made of: items and tools, as far as they are known.

Why it exists: the conversation asks and corrects, and has enough to say; what one item is, which entries of
`history` tell of it, and how a session is told of a tool need nothing else. Owns: that. Pure. Must not know:
the order of a conversation, which words were heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from brain.model.engine import SeedItem
from shared.contract.streams.history import (
    HistoryEntry,
    ItemEntry,
    ItemHeard,
    ItemLength,
    KeysPressed,
    NoticeSaid,
    Overheard,
    ToolEntry,
    ToolState,
)

KEYS_ROLE = "keys"
"""Of what the caller pressed: perhaps a card number."""

RECORDING = "The caller has heard this recording, word for word: "
"""Before what a recording says: it is nobody's in the conversation."""

UNKNOWN_RESULT = '{"error": "the result of this tool is not known"}'


@dataclass(slots=True)
class KnownItem:
    """An item of the caller, of the model, or keys (`role`)."""

    item_id: str
    role: str
    text: str = ""
    final: bool = False
    total_ms: int | None = None
    heard_ms: int | None = None
    """None: not decided; it is playing, or waits to be played."""
    heard_of_ms: int = 0
    is_aside: bool = False
    """Of the caller: it was no turn, and nobody answers it."""
    is_notice: bool = False
    """A recording, said for the model: no answer, and no word of its own."""
    agent: str = ""
    """Whose the model's is, by name; empty: nobody knows."""
    is_live: bool = field(default=False, compare=False)
    """Its text grows, in the session that serves: a fact of this process."""
    is_measured: bool = field(default=False, compare=False)

    @property
    def counts(self) -> bool:
        """Whether it is more than a text that was never said, or a recording."""
        has_sound = bool(self.text or self.total_ms or self.heard_ms)
        return self.role != "assistant" or (has_sound and not self.is_notice)


@dataclass(slots=True)
class KnownTool:
    """A tool that was called, by which agent. `output` is None where it has no result."""

    call_id: str
    name: str
    arguments: str = ""
    output: str | None = None
    agent: str = ""


def item_entries(item: KnownItem) -> Iterator[HistoryEntry]:
    """The entries of `history` that tell of it, in order."""
    item_id = item.item_id
    if item.role == KEYS_ROLE:
        yield KeysPressed(item_id=item_id, text=item.text)
        return
    if item.is_notice:
        yield NoticeSaid(item_id=item_id)
    agent = item.agent or None
    yield ItemEntry(item_id=item_id, role=item.role, text=item.text, final=item.final, agent=agent)
    if item.is_aside:
        yield Overheard(item_id=item_id)
    if item.total_ms is not None:
        yield ItemLength(item_id=item_id, ms=item.total_ms)
    if item.heard_ms is not None:
        complete = item.total_ms is not None
        yield ItemHeard(item_id=item_id, ms=item.heard_ms, of_ms=item.heard_of_ms, complete=complete)


def told_as(item: KnownItem, words: str) -> SeedItem:
    """How a session is told of what the model said, or of what was said for it."""
    if item.is_notice:
        return SeedItem(kind="message", role="system", text=f"{RECORDING}{words}", item_id=item.item_id)
    return SeedItem(kind="message", role="assistant", text=words, item_id=item.item_id)


def tool_entries(tool: KnownTool) -> Iterator[HistoryEntry]:
    """The same of a tool."""
    told = {ToolState.STARTED: tool.arguments, ToolState.RESULT: tool.output}
    for state, value in told.items():
        if value is not None:
            agent = tool.agent or None
            yield ToolEntry(call_id=tool.call_id, name=tool.name, state=state, value=value, agent=agent)


def tool_items(tool: KnownTool, running: frozenset[str]) -> tuple[SeedItem, ...]:
    """How a new session is told of it; one of those that are `running` will be told later, with its call."""
    if tool.call_id in running:
        return ()
    output = UNKNOWN_RESULT if tool.output is None else tool.output
    return (
        SeedItem(kind="tool_call", call_id=tool.call_id, name=tool.name, text=tool.arguments or "{}"),
        SeedItem(kind="tool_output", call_id=tool.call_id, text=output),
    )
