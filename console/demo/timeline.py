"""Turns what happened into the lines of the live timeline. Pure.

Owns: which entries of a call's streams are worth a line, and its words. Must not know: where entries come
from, colours, the terminal. Texts come from `history`, times from the moment when a voice began.

What was said is written down later than it was said, the caller's words up to a second after the end of
the turn. So lines are given out in the order of what they tell, and one whose text is still to come holds
back those after it, for HOLD_MS at most. The caller's line stands at the end of what they said, the agent's
at the beginning: that is what a turn turns on.
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


HOLD_MS = 2_500.0
"""How long a line waits for its text, and others for that line."""

SETTLE_MS = 300.0
"""Entries are read in turns, so that one may come a little after a later one."""


@dataclass(slots=True)
class _Speech:
    """An item that somebody spoke; its line can be given once both time and text are known."""

    who: Who
    at_ms: float | None = None
    said: str | None = None
    given: bool = False


@dataclass(slots=True)
class Timeline:
    """`feed` it every entry; `take` the lines that are due."""

    _lines: list[Line] = field(default_factory=list)
    _speech: dict[str, _Speech] = field(default_factory=dict)

    def feed(self, seen: Seen) -> None:
        """Notes an entry; most give no line."""
        handler = _HANDLERS.get((seen.stream, seen.kind))
        if handler is not None:
            handler(self, seen)

    def add(self, line: Line) -> None:
        """A line that somebody else knows of."""
        self._lines.append(line)

    def take(self, now_ms: float) -> list[Line]:
        """The lines that are due now, in order; each is given once."""
        waiting = [
            speech.at_ms
            for speech in self._speech.values()
            if speech.at_ms is not None and speech.said is None and now_ms - speech.at_ms < HOLD_MS
        ]
        return self._take_before(min([now_ms - SETTLE_MS, *waiting]))

    def take_rest(self) -> list[Line]:
        """All that is left, speech whose text never came among it."""
        for speech in self._speech.values():
            if speech.at_ms is not None and not speech.given:
                self.add(Line(at_ms=speech.at_ms, who=speech.who, text="(no transcript)"))
        return self._take_before(float("inf"))

    def _take_before(self, limit_ms: float) -> list[Line]:
        due = sorted((line for line in self._lines if line.at_ms < limit_ms), key=lambda line: line.at_ms)
        self._lines = [line for line in self._lines if line.at_ms >= limit_ms]
        return due

    def _tell(self, seen: Seen, who: Who, text: str) -> None:
        self.add(Line(at_ms=seen.at_ms, who=who, text=text))

    # Speech.

    def _spoke(self, item: str, who: Who, *, at_ms: float | None = None, said: str | None = None) -> None:
        speech = self._speech.setdefault(item, _Speech(who))
        if speech.at_ms is None:
            speech.at_ms = at_ms
        if said:
            speech.said = said
        if not speech.given and speech.at_ms is not None and speech.said is not None:
            speech.given = True
            self.add(Line(at_ms=speech.at_ms, who=who, text="", said=speech.said))

    def _on_item(self, seen: Seen) -> None:
        if seen.fields.get("final") == "1":
            who = Who.CALLER if seen.fields.get("role") == "user" else Who.AGENT
            self._spoke(seen.fields.get("id", ""), who, said=seen.fields.get("text", ""))

    def _on_speech_stopped(self, seen: Seen) -> None:
        self._spoke(seen.fields.get("item", ""), Who.CALLER, at_ms=seen.at_ms)

    def _on_audible(self, seen: Seen) -> None:
        self._spoke(seen.fields.get("item", ""), Who.AGENT, at_ms=seen.at_ms)

    # The rest.

    def _on_tool(self, seen: Seen) -> None:
        name, value = seen.fields.get("name", ""), seen.fields.get("value", "")
        started = seen.fields.get("state") == "started"
        self._tell(seen, Who.TOOL, f"{name}({_arguments(value)})" if started else f"{name} → {value}")

    def _on_flush(self, seen: Seen) -> None:
        self._tell(seen, Who.BRIDGE, "the caller interrupts: reply flushed, model cancelled")

    def _on_flushed(self, seen: Seen) -> None:
        for item in heard_items(seen.fields.get("items", "")):
            text = f"of {item.received_ms / 1000:.1f} s the caller heard {item.heard_ms / 1000:.1f} s"
            self._tell(seen, Who.BRIDGE, text)

    def _on_truncate(self, seen: Seen) -> None:
        ms = int(seen.fields.get("audio_end_ms", "0") or 0)
        what = f"cut after {ms / 1000:.1f} s" if ms else "nothing was heard"
        self._tell(seen, Who.BRIDGE, f"the model is told: {what}")

    def _on_claimed(self, seen: Seen) -> None:
        self._tell(seen, Who.BRIDGE, f"{_process(seen)} takes the call")

    def _on_attached(self, seen: Seen) -> None:
        self._tell(seen, Who.BRIDGE, f"media stream open at {_process(seen)}")

    def _on_ready(self, seen: Seen) -> None:
        self._tell(seen, Who.BRIDGE, "model session ready, µ-law both ways")

    def _on_ended(self, seen: Seen) -> None:
        self._tell(seen, Who.BRIDGE, f"call ended: {seen.fields.get('outcome', '')}")

    def _on_error(self, seen: Seen) -> None:
        fields = " ".join(f"{name}={value}" for name, value in seen.fields.items() if name != "from")
        self._tell(seen, Who.BRIDGE, f"{seen.kind}: {fields}")


_HANDLERS: dict[tuple[str, str], Callable[[Timeline, Seen], None]] = {
    ("history", "item"): Timeline._on_item,
    ("history", "tool"): Timeline._on_tool,
    ("journal", "speech_stopped"): Timeline._on_speech_stopped,
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


def _process(seen: Seen) -> str:
    """`brain-0`: who wrote the entry, without host and boot."""
    return seen.fields.get("from", "").partition("@")[0]


def _arguments(text: str) -> str:
    """JSON arguments as they would stand in a call; the text itself if it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if not isinstance(found, dict):
        return text
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in found.items())
