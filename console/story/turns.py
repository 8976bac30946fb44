"""A row a turn: from the end of the caller's voice to the first sound of the answer, stage by stage. Pure.

Why it exists: "it answers slowly" is one of five things. Owns: which moment belongs to which turn. Must not
know: how a row looks. A stage that nobody noted is None.

`heard` is when the caller could hear it: the frame left, and their ear is so much later by the last echo of
theirs (`ear_behind_ms` of the card). Over a stream that was never measured it is the same as sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from console.calls.watching import Entry
from shared.contract.entry import whole
from shared.contract.streams.journal import JournalEntry, Kind, LineField


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One answer, or words of ours that nobody asked for (`is_ours`). ms since the call began."""

    number: int
    ended_ms: int
    """The end of the caller's voice; of words of ours, when the model was asked for them."""
    is_ours: bool = False
    response_id: str = ""
    created_ms: int | None = None
    first_ms: int | None = None
    sent_ms: int | None = None
    heard_ms: int | None = None
    tools: int = 0
    """Tools that were called between."""

    def after(self, at_ms: int | None) -> int | None:
        """How long after the end of the voice."""
        return None if at_ms is None else max(0, at_ms - self.ended_ms)

    @property
    def took_ms(self) -> int | None:
        """What the caller waited: until they heard, or else until it was sent."""
        return self.after(self.sent_ms if self.heard_ms is None else self.heard_ms)


def turns(entries: Iterable[Entry], began_at_ms: int, ear_behind_ms: int = 0) -> list[Turn]:
    """All of a call, in order."""
    found: list[Turn] = []
    for entry in entries:
        if not isinstance(entry.record, JournalEntry):
            continue
        line, at_ms = entry.record, max(0, entry.at_ms - began_at_ms)
        response = line.told(LineField.RESPONSE)
        match line.kind:
            case Kind.VOICE:
                said_ms = whole(line.told(LineField.TO_MS))
                ended_ms = at_ms if said_ms is None else max(0, said_ms - began_at_ms)
                _open(found, Turn(number=0, ended_ms=ended_ms))
            case Kind.RESPONSE_CREATED:
                _created(found, response, at_ms)
            case Kind.FIRST_AUDIO:
                _made(found, response, at_ms)
            case Kind.AUDIBLE if line.writer.startswith("egress-"):
                _sent(found, response, at_ms, at_ms + ear_behind_ms)
            case Kind.TOOL_STARTED if found and found[-1].first_ms is None:
                found[-1] = replace(found[-1], tools=found[-1].tools + 1)
            case _:
                pass
    return [replace(turn, number=number) for number, turn in enumerate(found, 1)]


# Private.


def _open(found: list[Turn], turn: Turn) -> None:
    """A caller who talks on before anything was made waits for one answer, from their last word on."""
    if found and not found[-1].is_ours and found[-1].first_ms is None:
        turn = replace(turn, tools=found[-1].tools)
        found.pop()
    found.append(turn)


def _created(found: list[Turn], response: str, at_ms: int) -> None:
    last = found[-1] if found else None
    if last is None or last.first_ms is not None:
        found.append(Turn(number=0, ended_ms=at_ms, is_ours=True, response_id=response, created_ms=at_ms))
    else:  # Of several that were asked for before a sound came, the last one answers.
        found[-1] = replace(last, response_id=response, created_ms=at_ms)


def _made(found: list[Turn], response: str, at_ms: int) -> None:
    number = _of(found, response)
    if number is not None and found[number].first_ms is None:
        found[number] = replace(found[number], first_ms=at_ms)


def _sent(found: list[Turn], response: str, at_ms: int, heard_ms: int) -> None:
    """The first time: an egress that takes the call over says it again."""
    number = _of(found, response)
    if number is not None and found[number].sent_ms is None:
        found[number] = replace(found[number], sent_ms=at_ms, heard_ms=heard_ms)


def _of(found: list[Turn], response: str) -> int | None:
    """The newest turn that this response answers."""
    at = range(len(found) - 1, -1, -1)
    return next((number for number in at if found[number].response_id == response), None)
