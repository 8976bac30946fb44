"""Turns what happened into the lines of the live timeline. Pure.

Owns: which entries of a call's streams are worth a line, and its words. Must not know: where entries come
from, colours, the terminal. Texts come from `history`, times from the moment when a voice began.

What was said is written down later than it was said: a line for speech waits for its text, and is given
out at the end (`rest`) without one if the text never came.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from console.demo.watch import Seen


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


@dataclass(slots=True)
class _Speech:
    """An item that somebody spoke; its line is given once both time and text are known."""

    who: Who
    at_ms: float | None = None
    said: str | None = None
    given: bool = False


@dataclass(slots=True)
class Timeline:
    """Feed it every entry, in order; it answers with the lines that are due."""

    _speech: dict[str, _Speech] = field(default_factory=dict)

    def feed(self, seen: Seen) -> list[Line]:
        """The lines that this entry gives, none for most."""
        handler = _HANDLERS.get((seen.stream, seen.kind))
        return [] if handler is None else handler(self, seen)

    def rest(self) -> list[Line]:
        """Speech whose text never came."""
        return [
            Line(at_ms=speech.at_ms, who=speech.who, text="(no transcript)")
            for speech in self._speech.values()
            if speech.at_ms is not None and not speech.given
        ]

    # Speech.

    def _spoke(
        self, item: str, who: Who, *, at_ms: float | None = None, said: str | None = None
    ) -> list[Line]:
        speech = self._speech.setdefault(item, _Speech(who))
        if speech.at_ms is None:
            speech.at_ms = at_ms
        if said:
            speech.said = said
        if speech.given or speech.at_ms is None or speech.said is None:
            return []
        speech.given = True
        return [Line(at_ms=speech.at_ms, who=who, text="", said=speech.said)]

    def _on_item(self, seen: Seen) -> list[Line]:
        if seen.fields.get("final") != "1":
            return []
        who = Who.CALLER if seen.fields.get("role") == "user" else Who.AGENT
        return self._spoke(seen.fields.get("id", ""), who, said=seen.fields.get("text", ""))

    def _on_speech_started(self, seen: Seen) -> list[Line]:
        return self._spoke(seen.fields.get("item", ""), Who.CALLER, at_ms=seen.at_ms)

    def _on_audible(self, seen: Seen) -> list[Line]:
        return self._spoke(seen.fields.get("item", ""), Who.AGENT, at_ms=seen.at_ms)

    # The rest.

    def _on_tool(self, seen: Seen) -> list[Line]:
        name, value = seen.fields.get("name", ""), seen.fields.get("value", "")
        started = seen.fields.get("state") == "started"
        text = f"{name}({_arguments(value)})" if started else f"{name} → {value}"
        return [Line(at_ms=seen.at_ms, who=Who.TOOL, text=text)]

    def _on_flush(self, seen: Seen) -> list[Line]:
        return [Line(at_ms=seen.at_ms, who=Who.BRIDGE, text="interrupted: reply flushed, model cancelled")]

    def _on_flushed(self, seen: Seen) -> list[Line]:
        lines = []
        for item in heard_items(seen.fields.get("items", "")):
            text = f"of {item.received_ms / 1000:.1f} s the caller heard {item.heard_ms / 1000:.1f} s"
            lines.append(Line(at_ms=seen.at_ms, who=Who.BRIDGE, text=text))
        return lines

    def _on_truncate(self, seen: Seen) -> list[Line]:
        ms = int(seen.fields.get("audio_end_ms", "0") or 0)
        text = (
            f"the model is told: cut after {ms / 1000:.1f} s"
            if ms
            else "the model is told: nothing was heard"
        )
        return [Line(at_ms=seen.at_ms, who=Who.BRIDGE, text=text)]

    def _on_claimed(self, seen: Seen) -> list[Line]:
        worker = seen.fields.get("from", "").split("@")[0]
        return [Line(at_ms=seen.at_ms, who=Who.BRIDGE, text=f"{worker} takes the call")]

    def _on_attached(self, seen: Seen) -> list[Line]:
        worker = seen.fields.get("from", "").split("@")[0]
        return [Line(at_ms=seen.at_ms, who=Who.BRIDGE, text=f"media stream open at {worker}")]

    def _on_ready(self, seen: Seen) -> list[Line]:
        return [Line(at_ms=seen.at_ms, who=Who.BRIDGE, text="model session ready, µ-law both ways")]

    def _on_ended(self, seen: Seen) -> list[Line]:
        text = f"call ended: {seen.fields.get('outcome', '')}"
        return [Line(at_ms=seen.at_ms, who=Who.BRIDGE, text=text)]

    def _on_error(self, seen: Seen) -> list[Line]:
        fields = " ".join(f"{name}={value}" for name, value in seen.fields.items() if name != "from")
        return [Line(at_ms=seen.at_ms, who=Who.BRIDGE, text=f"{seen.kind}: {fields}")]


_HANDLERS: dict[tuple[str, str], Callable[[Timeline, Seen], list[Line]]] = {
    ("history", "item"): Timeline._on_item,
    ("history", "tool"): Timeline._on_tool,
    ("journal", "speech_started"): Timeline._on_speech_started,
    ("journal", "audible"): Timeline._on_audible,
    ("journal", "flush"): Timeline._on_flush,
    ("control", "flushed"): Timeline._on_flushed,
    ("journal", "truncate"): Timeline._on_truncate,
    ("journal", "claimed"): Timeline._on_claimed,
    ("journal", "attached"): Timeline._on_attached,
    ("journal", "resumed"): Timeline._on_attached,
    ("journal", "session_ready"): Timeline._on_ready,
    ("journal", "ended"): Timeline._on_ended,
    ("journal", "error"): Timeline._on_error,
    ("journal", "refused"): Timeline._on_error,
    ("journal", "response_expired"): Timeline._on_error,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardItem:
    """What `flushed` says of one item."""

    received_ms: float
    heard_ms: float


def heard_items(text: str) -> list[HeardItem]:
    """The items of a `flushed` message; none if it cannot be read."""
    try:
        items = json.loads(text)
        return [
            HeardItem(received_ms=float(item["received_ms"]), heard_ms=float(item["heard_ms"]))
            for item in items
        ]
    except (ValueError, TypeError, KeyError):
        return []


def _arguments(text: str) -> str:
    """JSON arguments as they would stand in a call; the text itself if it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if not isinstance(found, dict):
        return text
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in found.items())
