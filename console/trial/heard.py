"""What was said and done on a call, and when, made of what was seen of its keys. Pure.

Why it exists: texts, times and lengths of one reply stand in three streams, and a tool's call and result in
two entries; who judges wants one thing each. Owns: putting them together. Must not know: what is expected.

Of a reply that plays, or was cut, the words count that belong to the share of it that was heard: a guess by
their length, as good as one can be without the times of words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.demo.watch import Seen
from shared.contract.streams.history import ItemEntry, ItemHeard, ItemLength, ToolEntry, ToolState
from shared.contract.streams.journal import JournalEntry, Kind

ALL_BUT_A_FRAME_MS = 40
"""The last frame of a reply may be silence that nobody waits for."""


@dataclass(slots=True)
class Reply:
    """Something that the agent said."""

    at_ms: float | None = None
    """When the caller began to hear it; None: they have not."""
    text: str = ""
    length_ms: int | None = None
    """Of its sound; None: it is not known yet."""
    share: float | None = None
    """How much of it they heard at all; None: it is not over."""

    def heard_by(self, now_ms: float) -> str:
        """The words that the caller has heard by now."""
        share = self.share if self.share is not None else self._played(now_ms)
        if share >= 1.0:
            return self.text
        # A word that broke off is no word.
        return self.text[: round(len(self.text) * share)].rpartition(" ")[0]

    def _played(self, now_ms: float) -> float:
        if self.at_ms is None or not self.length_ms:
            return 0.0
        return (now_ms - self.at_ms + ALL_BUT_A_FRAME_MS) / self.length_ms


@dataclass(slots=True)
class ToolCall:
    """A tool that was called."""

    at_ms: float
    name: str
    arguments: str
    """JSON."""
    result: str | None = None
    """None: there is none yet."""


@dataclass(frozen=True, slots=True)
class Heard:
    """All of it, in the order in which it began."""

    replies: Sequence[Reply]
    tools: Sequence[ToolCall]
    outcome: str
    """How the call ended; empty while it goes on."""

    def replies_since(self, at_ms: float) -> list[Reply]:
        """Those that the caller began to hear then or later."""
        return [each for each in self.replies if each.at_ms is not None and each.at_ms >= at_ms]

    def tools_since(self, at_ms: float) -> list[ToolCall]:
        """Those that were called then or later."""
        return [each for each in self.tools if each.at_ms >= at_ms]


def heard(seen: Iterable[Seen]) -> Heard:
    """What became of a call, by what was seen of it so far."""
    replies: dict[str, Reply] = {}
    tools: dict[str, ToolCall] = {}
    outcome = ""
    for each in seen:
        match each.record:
            case JournalEntry(kind=Kind.AUDIBLE) as entry if entry.item_id:
                reply = replies.setdefault(entry.item_id, Reply())
                reply.at_ms = each.at_ms if reply.at_ms is None else min(reply.at_ms, each.at_ms)
            case JournalEntry(kind=Kind.ENDED) as entry:
                outcome = entry.outcome
            case ItemEntry() as item if not item.is_callers:
                replies.setdefault(item.item_id, Reply()).text = item.text
            case ItemLength() as length:
                replies.setdefault(length.item_id, Reply()).length_ms = length.ms
            case ItemHeard() as part:
                reply = replies.setdefault(part.item_id, Reply())
                reply.share = 1.0 if part.complete or not part.of_ms else part.ms / part.of_ms
                if reply.at_ms is None and part.ms:
                    reply.at_ms = each.at_ms  # Sound that is not the model's own is in no journal.
            case ToolEntry() as tool:
                _take_tool(tools, each.at_ms, tool)
            case _:
                pass
    begun = sorted(replies.values(), key=lambda reply: float("inf") if reply.at_ms is None else reply.at_ms)
    return Heard(begun, list(tools.values()), outcome)


# Private.


def _take_tool(tools: dict[str, ToolCall], at_ms: float, tool: ToolEntry) -> None:
    if tool.state is ToolState.STARTED:
        tools.setdefault(tool.call_id, ToolCall(at_ms, tool.name, tool.value))
    elif tool.call_id in tools:
        tools[tool.call_id].result = tool.value
