"""Turns what happened into the lines of the live timeline. Pure.

Owns: which entries of a call's streams are worth a line, and its words. Must not know: where entries come
from, colours, the terminal. Texts come from `history`, times from the moment when a voice began.

What was said is written down later than it was said, the caller's words up to a second after the end of
the turn. So lines are handed out in the order of what they tell, and one whose text is still to come holds
back those after it, for HOLD_MS at most. The caller's line stands at the end of what they said, the agent's
at the beginning: that is what a turn turns on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from console.demo.watch import Seen
from shared.contract.errors import ContractError
from shared.contract.streams.control import Flushed
from shared.contract.streams.history import ItemEntry, ToolEntry, ToolState
from shared.contract.streams.journal import JournalEntry, Kind


class Who(Enum):
    """Whose line it is."""

    CALLER = "caller"
    AGENT = "agent"
    TOOL = "tool"
    BRIDGE = "bridge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the timeline."""

    at_ms: float
    who: Who
    text: str
    """What happened, in our words."""
    said: str = ""
    """What somebody said, in theirs and in their language."""


HOLD_MS = 2_500.0
"""How long a line waits for its text, and others for that line."""

SETTLE_MS = 300.0
"""Entries are read in turns, so that one may come a little after a later one."""


@dataclass(slots=True)
class _Speech:
    """An item that somebody spoke; its line can be told once both time and text are known."""

    who: Who
    at_ms: float | None = None
    said: str | None = None
    is_told: bool = False


@dataclass(slots=True)
class Timeline:
    """`feed` it every entry; `take_due` the lines that may be told."""

    _lines: list[Line] = field(default_factory=list)
    _speech: dict[str, _Speech] = field(default_factory=dict)

    def feed(self, seen: Seen) -> None:
        """Notes an entry; most make no line."""
        match seen.record:
            case ItemEntry() as item:
                self._on_item(item)
            case ToolEntry() as tool:
                self._on_tool(seen.at_ms, tool)
            case Flushed() as flushed:
                self._on_flushed(seen.at_ms, flushed)
            case JournalEntry() as entry:
                handler = _OF_JOURNAL.get(entry.kind)
                if handler is not None:
                    handler(self, seen.at_ms, entry)
            case _:
                pass

    def add(self, line: Line) -> None:
        """A line that somebody else knows of."""
        self._lines.append(line)

    def take_due(self, now_ms: float) -> list[Line]:
        """The lines that are due now, in order; each is handed out once."""
        waiting = [
            speech.at_ms
            for speech in self._speech.values()
            if speech.at_ms is not None and speech.said is None and now_ms - speech.at_ms < HOLD_MS
        ]
        return self._take_before(min([now_ms - SETTLE_MS, *waiting]))

    def take_rest(self) -> list[Line]:
        """All that is left, and speech whose text was never written."""
        for speech in self._speech.values():
            if speech.at_ms is not None and not speech.is_told:
                self.add(Line(at_ms=speech.at_ms, who=speech.who, text="(no transcript)"))
        return self._take_before(float("inf"))

    # Private.

    def _take_before(self, limit_ms: float) -> list[Line]:
        due = sorted((line for line in self._lines if line.at_ms < limit_ms), key=lambda line: line.at_ms)
        self._lines = [line for line in self._lines if line.at_ms >= limit_ms]
        return due

    def _tell(self, at_ms: float, who: Who, text: str) -> None:
        self.add(Line(at_ms=at_ms, who=who, text=text))

    # Speech.

    def _spoke(self, item: str, who: Who, *, at_ms: float | None = None, said: str | None = None) -> None:
        speech = self._speech.setdefault(item, _Speech(who))
        if speech.at_ms is None:
            speech.at_ms = at_ms
        if said:
            speech.said = said
        if not speech.is_told and speech.at_ms is not None and speech.said is not None:
            speech.is_told = True
            self.add(Line(at_ms=speech.at_ms, who=who, text="", said=speech.said))

    def _on_item(self, item: ItemEntry) -> None:
        if item.final:
            self._spoke(item.item_id, Who.CALLER if item.is_callers else Who.AGENT, said=item.text)

    def _on_speech_stopped(self, at_ms: float, entry: JournalEntry) -> None:
        self._spoke(entry.item_id, Who.CALLER, at_ms=at_ms)

    def _on_audible(self, at_ms: float, entry: JournalEntry) -> None:
        self._spoke(entry.item_id, Who.AGENT, at_ms=at_ms)

    # The rest.

    def _on_tool(self, at_ms: float, tool: ToolEntry) -> None:
        match tool.state:
            case ToolState.STARTED:
                text = f"{tool.name}({_arguments(tool.value)})"
            case ToolState.RESULT:
                text = f"{tool.name} → {tool.value}"
        self._tell(at_ms, Who.TOOL, text)

    def _on_flush(self, at_ms: float, _entry: JournalEntry) -> None:
        self._tell(at_ms, Who.BRIDGE, "the caller interrupts: reply flushed, model cancelled")

    def _on_flushed(self, at_ms: float, flushed: Flushed) -> None:
        try:
            items = flushed.read_items()
        except ContractError:
            return  # Nothing can be told of it.
        for item in items:
            text = f"of {item.received_ms / 1000:.1f} s the caller heard {item.heard_ms / 1000:.1f} s"
            self._tell(at_ms, Who.BRIDGE, text)

    def _on_truncate(self, at_ms: float, entry: JournalEntry) -> None:
        kept = entry.fields.get("audio_end_ms", "")
        if not kept.isdecimal():
            return
        what = f"cut after {int(kept) / 1000:.1f} s" if int(kept) else "nothing was heard"
        self._tell(at_ms, Who.BRIDGE, f"the model is told: {what}")

    def _on_claimed(self, at_ms: float, entry: JournalEntry) -> None:
        self._tell(at_ms, Who.BRIDGE, f"{_process(entry)} takes the call")

    def _on_attached(self, at_ms: float, entry: JournalEntry) -> None:
        self._tell(at_ms, Who.BRIDGE, f"media stream open at {_process(entry)}")

    def _on_ready(self, at_ms: float, _entry: JournalEntry) -> None:
        self._tell(at_ms, Who.BRIDGE, "model session ready, µ-law both ways")

    def _on_ended(self, at_ms: float, entry: JournalEntry) -> None:
        self._tell(at_ms, Who.BRIDGE, f"call ended: {entry.outcome}")

    def _on_error(self, at_ms: float, entry: JournalEntry) -> None:
        fields = " ".join(f"{name}={value}" for name, value in entry.fields.items())
        self._tell(at_ms, Who.BRIDGE, f"{entry.kind}: {fields}")


_OF_JOURNAL: dict[str, Callable[[Timeline, float, JournalEntry], None]] = {
    Kind.SPEECH_STOPPED: Timeline._on_speech_stopped,
    Kind.AUDIBLE: Timeline._on_audible,
    Kind.FLUSH: Timeline._on_flush,
    Kind.TRUNCATE: Timeline._on_truncate,
    Kind.CLAIMED: Timeline._on_claimed,
    Kind.ATTACHED: Timeline._on_attached,
    Kind.RESUMED: Timeline._on_attached,
    Kind.SESSION_READY: Timeline._on_ready,
    Kind.ENDED: Timeline._on_ended,
    Kind.ERROR: Timeline._on_error,
    Kind.REFUSED: Timeline._on_error,
    Kind.RESPONSE_EXPIRED: Timeline._on_error,
}


def _process(entry: JournalEntry) -> str:
    """`brain-0`: who wrote the entry, without host and boot."""
    return entry.writer.partition("@")[0]


def _arguments(text: str) -> str:
    """JSON arguments as they would stand in a call; the text itself if it is not an object."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if not isinstance(found, dict):
        return text
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in found.items())
