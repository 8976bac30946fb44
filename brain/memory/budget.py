"""What of a long past a new session is told: within a number of characters, and nothing is left out silently.

Why it exists: a session's memory has an end, and what is told first costs what is told last. A tool's output
of pages must not push out what the caller said; and the beginning of a call (who is calling, and why) is
worth more than its middle. Owns: what is shortened, what is left out, the sentences that say so. Pure. Must
not know: how the past is kept.

- Tools have a third of the room, one of them at most half of that; what is too long keeps both ends, and the
  results of the oldest go first.
- What was said has the rest: all of it, or its first fifth and as much of the newest as fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from brain.model.engine import SeedItem

Told = tuple[SeedItem, ...]
"""What belongs together: a message alone, a tool's call with its output."""

TOOLS_SHARE, ONE_SHARE, FIRST_SHARE = 1 / 3, 1 / 6, 1 / 5
"""Of the room: for all tools; for one text; for the beginning of a past that is too long."""

LEAST_CHARS = 80
"""A text shortened below this says nothing."""

BEGINNING_LOST = "[The beginning of this call is not known any more.]"
MIDDLE_LEFT_OUT = "[{count} turns of this call are left out here.]"
TOOLS_LEFT_OUT = "[The results of {count} earlier tools of this call are left out.]"


def within(past: Sequence[Told], max_chars: int) -> Told:
    """The items that a session is told, in order, of at most about `max_chars`."""
    kept, n_dropped = _tools_within(past, max_chars)
    items = [item for told in _said_within(kept, max_chars) for item in told]
    if n_dropped:
        items.insert(0, _note(TOOLS_LEFT_OUT, n_dropped))
    return tuple(items)


def shortened(text: str, max_chars: int) -> str:
    """A text with both its ends, and what is missing said between them."""
    if len(text) <= max_chars:
        return text
    mark = f" … [{len(text) - max_chars:,} characters left out] … "
    room = max(0, max_chars - len(mark))
    head = room * 2 // 3
    return text[:head] + mark + (text[-(room - head) :] if room > head else "")


# Private.


def _tools_within(past: Sequence[Told], max_chars: int) -> tuple[list[Told], int]:
    """The past with its tools shortened, and how many were left out: of the oldest."""
    room, most = int(max_chars * TOOLS_SHARE), int(max_chars * ONE_SHARE)
    kept: list[Told] = []
    n_dropped = 0
    for told in reversed(past):
        if told and told[0].kind == "message":
            kept.append(tuple(replace(item, text=shortened(item.text, most)) for item in told))
            continue
        if room < LEAST_CHARS:
            n_dropped += bool(told)
            continue
        cut = tuple(_tool_within(item, min(most, room)) for item in told)
        room -= _chars(cut)
        kept.append(cut)
    kept.reverse()
    return kept, n_dropped


def _tool_within(item: SeedItem, max_chars: int) -> SeedItem:
    if len(item.text) <= max_chars:
        return item
    if item.kind == "tool_call":  # Arguments are JSON, and half of them is not.
        return replace(item, text=f'{{"left_out": "{len(item.text):,} characters"}}')
    return replace(item, text=shortened(item.text, max_chars))


def _said_within(past: list[Told], max_chars: int) -> list[Told]:
    room = max_chars - sum(map(_chars, past))
    if room >= 0:
        return past
    first, chars = 0, 0
    while (chars := chars + _chars(past[first])) <= max_chars * FIRST_SHARE:
        first += 1
    last, room = len(past), max_chars - sum(map(_chars, past[:first]))
    while (room := room - _chars(past[last - 1])) >= 0:
        last -= 1
    return [*past[:first], (_note(MIDDLE_LEFT_OUT, last - first),), *past[last:]]


def _note(sentence: str, count: int) -> SeedItem:
    return SeedItem(kind="message", role="system", text=sentence.format(count=count))


def _chars(told: Told) -> int:
    return sum(len(item.text) for item in told)
