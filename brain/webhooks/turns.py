"""A call's turns, made of the lines of its journal: who spoke when, which tools ran, what was cut. Pure.

Why it exists: "the caller said this, heard that, and waited so long" is spread over a dozen lines of several
parts of the call. Owns: where a turn begins and ends, its times and ids. Must not know: its words (they are
read of `history` when it is told), who is told.

A turn is what the caller says until an answer is audible, and that answer until it is silent. What the agent
says unasked (a greeting, a question to a silent caller) is a turn without words of the caller's. Times are
those of the clock on the wall.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.contract.streams.journal import Kind

SETTLE_MS: Final = 1_500
"""An answer that has been silent for so long is over: after a tool, or in a new sentence, more of it may
come."""

HOLD_MS: Final = 3_000
"""A turn that a voice has ended is told so much later: it may turn out that this voice was no turn."""

MAX_ITEMS: Final = 64
"""Of one turn, of each kind. A call that has more is not one that anybody follows turn by turn."""


@dataclass(slots=True)
class ToolRun:
    """A tool that was called in a turn."""

    tool: str
    began_at_ms: int
    ended_at_ms: int | None = None


@dataclass(slots=True, kw_only=True)
class Turn:
    """One turn."""

    number: int
    """Counted by this process, from 1 on."""
    began_at_ms: int
    agent: str = ""
    """Who answered; of an answer that another agent went on with, who began it. Empty: nobody knows."""
    caller_items: list[str] = field(default_factory=list)
    answer_items: list[str] = field(default_factory=list)
    stopped_at_ms: int | None = None
    """When the caller had said it."""
    answered_at_ms: int | None = None
    """When the answer was first audible."""
    silent_at_ms: int | None = None
    """When it was over, or cut."""
    is_interrupted: bool = False
    tools: dict[str, ToolRun] = field(default_factory=dict)
    """By call id."""
    due_at_ms: int = 0
    """When it may be told, once it is over."""

    @property
    def anchor(self) -> str:
        """The item that it begins with: what it is known by, here and in another process."""
        return next(iter((*self.caller_items, *self.answer_items, *self.tools)), "")

    @property
    def is_over(self) -> bool:
        """Whether there is an answer, and nothing more of it is known to come."""
        tools_run = any(run.ended_at_ms is None for run in self.tools.values())
        return self.answered_at_ms is not None and self.silent_at_ms is not None and not tools_run


Fields = Mapping[str, str | int | float]
"""Of a line of the journal."""

CALLER_ITEMS, ANSWER_ITEMS = "caller_items", "answer_items"
BEGAN_AT, STOPPED_AT, ANSWERED_AT, ENDED_AT = "began_at_ms", "stopped_at_ms", "answered_at_ms", "ended_at_ms"
"""What is written of a turn, and told in another form or not at all."""


@dataclass(slots=True)
class TurnLog:
    """The turns of one call, as far as this process has seen them."""

    agent: str = ""
    """Who answers now, or whose the item is that is told of."""
    _now: Turn | None = None
    _closed: list[Turn] = field(default_factory=list)
    _count: int = 0

    def note(self, kind: Kind, fields: Fields, at_ms: int) -> None:
        """A line of the journal; most mean nothing here."""
        handler = _OF_JOURNAL.get(kind)
        if handler is not None:
            handler(self, fields, at_ms)

    def take_due(self, at_ms: int) -> list[Turn]:
        """The turns that are over and may be told now, each once."""
        now = self._now
        if now is not None and now.is_over and at_ms - (now.silent_at_ms or 0) >= SETTLE_MS:
            self._close(at_ms)
        due = [turn for turn in self._closed if turn.due_at_ms <= at_ms]
        self._closed = [turn for turn in self._closed if turn.due_at_ms > at_ms]
        return due

    def take_rest(self, at_ms: int) -> list[Turn]:
        """All that are left: nothing follows any more."""
        self._close(at_ms)
        rest, self._closed = self._closed, []
        return rest

    # Private.

    def _open(self, at_ms: int, *, hold_ms: int = 0) -> Turn:
        self._close(at_ms, hold_ms=hold_ms)
        self._count += 1
        self._now = Turn(number=self._count, began_at_ms=at_ms, agent=self.agent)
        return self._now

    def _close(self, at_ms: int, *, hold_ms: int = 0) -> None:
        turn, self._now = self._now, None
        if turn is not None and turn.anchor:
            turn.due_at_ms = at_ms + hold_ms
            self._closed.append(turn)

    def _spoken_to(self, at_ms: int, item_id: str, *, hold_ms: int) -> Turn:
        """The caller says something: more of the same turn, as long as nothing was answered."""
        turn = self._now
        if turn is None or turn.answered_at_ms is not None:
            turn = self._open(at_ms, hold_ms=hold_ms)
        _keep(turn.caller_items, item_id)
        return turn

    def _on_speech_started(self, fields: Fields, at_ms: int) -> None:
        self._spoken_to(at_ms, _text(fields, ITEM), hold_ms=HOLD_MS).stopped_at_ms = None

    def _on_speech_stopped(self, fields: Fields, at_ms: int) -> None:
        if self._now is not None:
            self._now.stopped_at_ms = at_ms

    def _on_caller_text(self, fields: Fields, at_ms: int) -> None:
        self._spoken_to(at_ms, _text(fields, EVENT_ID), hold_ms=0).stopped_at_ms = at_ms

    def _on_passed_over(self, fields: Fields, at_ms: int) -> None:
        """It was nothing: the turn that it seemed to end goes on."""
        item_id, turn = _text(fields, ITEM), self._now
        if turn is None or item_id not in turn.caller_items:
            return
        turn.caller_items.remove(item_id)
        if not turn.anchor:
            self._count -= 1
            # Told already, it stays told; what comes now is a turn of its own.
            self._now = self._closed.pop() if self._closed else None

    def _on_audible(self, fields: Fields, at_ms: int) -> None:
        turn = self._now or self._open(at_ms)
        _keep(turn.answer_items, _text(fields, ITEM))
        turn.silent_at_ms = None
        if turn.answered_at_ms is None:
            turn.answered_at_ms, turn.agent = at_ms, self.agent

    def _on_silent(self, fields: Fields, at_ms: int) -> None:
        turn = self._sounding()
        if turn is not None:
            turn.silent_at_ms = at_ms

    def _on_flush(self, fields: Fields, at_ms: int) -> None:
        turn = self._sounding()
        if turn is not None:
            turn.is_interrupted = True

    def _on_tool_started(self, fields: Fields, at_ms: int) -> None:
        turn = self._now or self._open(at_ms)
        if len(turn.tools) < MAX_ITEMS:
            turn.tools.setdefault(_text(fields, CALL_ID), ToolRun(_text(fields, TOOL), at_ms))

    def _on_tool_finished(self, fields: Fields, at_ms: int) -> None:
        call_id = _text(fields, CALL_ID)
        for turn in (*self._closed, *([] if self._now is None else [self._now])):
            if call_id in turn.tools and turn.tools[call_id].ended_at_ms is None:
                turn.tools[call_id].ended_at_ms = at_ms

    def _sounding(self) -> Turn | None:
        """The turn whose answer is heard: that of before, while the caller speaks into it."""
        turns = (*self._closed, *([] if self._now is None else [self._now]))
        sounding = [turn for turn in turns if turn.answered_at_ms is not None and turn.silent_at_ms is None]
        return sounding[-1] if sounding else None


def written(turn: Turn) -> dict[str, object]:
    """A turn as it waits to be told: without its words, with the items that they are found by."""
    return {
        "number": turn.number,
        "interrupted": turn.is_interrupted,
        "tools": [
            {"tool": run.tool, "call_id": call_id, "ms": _between(run.began_at_ms, run.ended_at_ms)}
            for call_id, run in turn.tools.items()
        ],
        CALLER_ITEMS: turn.caller_items,
        ANSWER_ITEMS: turn.answer_items,
        BEGAN_AT: turn.began_at_ms,
        STOPPED_AT: turn.stopped_at_ms,
        ANSWERED_AT: turn.answered_at_ms,
        ENDED_AT: turn.silent_at_ms or turn.stopped_at_ms,
    }


# Private.

ITEM, EVENT_ID, CALL_ID, TOOL = "item", "event_id", "call_id", "tool"
"""Fields of the journal's lines."""

_OF_JOURNAL: Final[Mapping[Kind, Callable[[TurnLog, Fields, int], None]]] = {
    Kind.SPEECH_STARTED: TurnLog._on_speech_started,
    Kind.SPEECH_STOPPED: TurnLog._on_speech_stopped,
    Kind.CALLER_TEXT: TurnLog._on_caller_text,
    Kind.PASSED_OVER: TurnLog._on_passed_over,
    Kind.AUDIBLE: TurnLog._on_audible,
    Kind.SILENT: TurnLog._on_silent,
    Kind.FLUSH: TurnLog._on_flush,
    Kind.TOOL_STARTED: TurnLog._on_tool_started,
    Kind.TOOL_FINISHED: TurnLog._on_tool_finished,
}


def _keep(items: list[str], item_id: str) -> None:
    if item_id and item_id not in items and len(items) < MAX_ITEMS:
        items.append(item_id)


def _between(earlier_ms: int, later_ms: int | None) -> int | None:
    return None if later_ms is None else later_ms - earlier_ms


def _text(fields: Fields, name: str) -> str:
    return str(fields[name]) if name in fields else ""
