"""The words of one turn, found in the call's history when it is told. Pure.

Why it exists: a transcript comes seconds after the voice, and what was heard of an answer is known when it is
over; so a turn is noted with its items, and its words are looked up at the last moment. Owns: which items
belong to it, the body. Must not know: when it is told, how words are cut to what was heard (conversation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from brain.memory.conversation import Conversation, Line
from brain.webhooks.moments import iso
from brain.webhooks.turns import ANSWER_ITEMS, ANSWERED_AT, BEGAN_AT, CALLER_ITEMS, ENDED_AT, STOPPED_AT
from shared.contract.streams.history import HistoryEntry, ItemEntry, KeysPressed, Overheard

Playhead = tuple[str, int]
"""Item and ms where playing stood when the call ended."""

NOT_TOLD = (ANSWER_ITEMS, ANSWERED_AT, BEGAN_AT, CALLER_ITEMS, ENDED_AT, STOPPED_AT)
"""What of a turn is for us alone, or is told in another form."""


def body(
    turn: Mapping[str, object], entries: Sequence[HistoryEntry] | None, playhead: Playhead | None
) -> dict[str, object]:
    """What is told of a turn (`turns.written`). Without entries its words are not told, or nobody knows them
    any more: null."""
    said = answer = whole = None
    if entries is not None:
        callers, agents = _lines(_items(turn, CALLER_ITEMS), _items(turn, ANSWER_ITEMS), entries, playhead)
        said, answer = _joined(callers), _joined(agents)
        whole = all(line.whole for line in agents) if agents else None
    return {
        **{name: value for name, value in turn.items() if name not in NOT_TOLD},
        "began_at": iso(turn.get(BEGAN_AT)),
        "ended_at": iso(turn.get(ENDED_AT)),
        "answered_after_ms": _between(turn.get(STOPPED_AT), turn.get(ANSWERED_AT)),
        "said": said,
        "answer": answer,
        "whole": whole,
    }


# Private.


def _lines(
    callers: Sequence[str], agents: Sequence[str], entries: Sequence[HistoryEntry], playhead: Playhead | None
) -> tuple[list[Line], list[Line]]:
    """Lines of the caller and of the agent that belong to the turn."""
    own = _span(callers or agents, entries)
    lines = [line for line in Conversation.of(entries).lines(playhead) if line.item_id in own]
    return (
        [line for line in lines if line.item_id in callers],
        [line for line in lines if line.role == "assistant"],
    )


def _span(anchors: Sequence[str], entries: Sequence[HistoryEntry]) -> set[str]:
    """Items from the first of these up to the caller's next one: an answer may have more items than were told
    of."""
    asides = {entry.item_id for entry in entries if isinstance(entry, Overheard)}
    own: set[str] = set()
    for entry in entries:
        match entry:
            case ItemEntry(item_id=item_id):
                is_callers = entry.is_callers
            case KeysPressed(item_id=item_id):
                is_callers = True
            case _:
                continue
        if item_id in anchors or item_id in own:
            own.add(item_id)
        elif own and is_callers and item_id not in asides:
            break
        elif own:
            own.add(item_id)
    return own


def _joined(lines: Sequence[Line]) -> str | None:
    return " ".join(line.text for line in lines if line.text) or None


def _items(turn: Mapping[str, object], name: str) -> list[str]:
    found = turn.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _between(earlier: object, later: object) -> int | None:
    """None where one of them is not known, or an answer began before the caller had ended."""
    if not isinstance(earlier, int) or not isinstance(later, int):
        return None
    return later - earlier if later >= earlier else None
