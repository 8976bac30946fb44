"""The records of the ledger: items, responses, what is reported of them, and the names of marks.

Owns: what is noted of an item and a response, and the playback clock of one item. Pure data: the rules
that change it are in egress/ledger.py.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


def mark_name(leg: int, cut: int, item_id: str, ms: int) -> str:
    """`leg.cut.item.ms`: a mark that proves, when it comes back, that `ms` of the item were played."""
    return f"{leg}.{cut}.{item_id}.{ms}"


def read_mark(name: str) -> tuple[int, int, str, int] | None:
    """(leg, cut, item, ms) of a mark's name, or None if it is none of ours."""
    try:
        leg, cut, rest = name.split(".", 2)
        item_id, ms = rest.rsplit(".", 1)
        return int(leg), int(cut), item_id, int(ms)
    except ValueError:
        return None


class Cause(enum.StrEnum):
    """Why a response fell silent."""

    PLAYED = "played"
    FLUSHED = "flushed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A transition of a response: it became audible, one of its items was heard, it fell silent."""

    kind: str
    response_id: str
    item_id: str
    heard_ms: int
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReport:
    """The figures of one item when it was flushed."""

    item_id: str
    response_id: str
    received_ms: int
    sent_ms: int
    heard_ms: int


@dataclass(slots=True)
class Item:
    """The account of one item. Positions are ms in the item, sent ones on the frame grid."""

    item_id: str
    response: Response
    received_ms: int = 0
    ended: bool = False
    """Its whole length is known: item_end came, or what followed closed it."""
    sent_ms: int = 0
    """End of the furthest frame that was ever sent."""
    cursor_ms: int = 0
    """End of the last frame sent; below `sent_ms` after a rewind."""
    plays_until_ms: float = 0.0
    """When the playback clock will have played up to the cursor."""
    confirmed_ms: int = 0
    """End of the last frame that ingress gave to the socket."""
    acknowledged_ms: int = 0
    marked_ms: int = -1
    """Position of the last mark that was sent."""
    end_mark_lost: bool = False
    highest_ms: float = 0.0
    """What was once said to be heard is never taken back."""

    def proved_ms(self, at_ms: float) -> float:
        """Heard by the playback clock at `at_ms` of what ingress has confirmed, or by what echoes proved if
        that is more."""
        clock_ms = self.cursor_ms - max(0.0, self.plays_until_ms - at_ms)
        return max(self.acknowledged_ms, min(clock_ms, self.confirmed_ms))


@dataclass(slots=True)
class Response:
    """What is known of a response: an item is one of its parts."""

    response_id: str
    ended: bool = False
    audible: bool = False
    open_items: int = 0
    """Items not yet wholly heard."""
    last_entry_at_ms: float = 0.0
    last_item_id: str = ""
    last_heard_ms: int = 0
