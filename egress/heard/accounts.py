"""The records of the ledger: items, responses, their transitions, what is counted.

Why it exists: playback clock, marks and ledger change the same records. Owns: what is noted of an item and a
response, and what the brain is told of a transition. Pure. Must not know: the rules that change the records;
they are in egress/heard/playback.py, egress/heard/marks.py and egress/heard/ledger.py.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from shared.contract.streams.control import Audible, FlushedItem, Heard, Silent, SilentCause


class Echo(enum.Enum):
    """What an echo was worth."""

    PLAYED = enum.auto()
    DUPLICATED = enum.auto()
    """It proves what was proved already."""
    STALE = enum.auto()
    """Of another leg or cut, of an item that is finished or unknown, or of audio that was not sent, or that
    Twilio was told to forget."""


class ChangeKind(enum.Enum):
    """What became of a response."""

    AUDIBLE = enum.auto()
    HEARD = enum.auto()
    SILENT = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A transition of a response: it became audible, one of its items was heard, it fell silent."""

    kind: ChangeKind
    response_id: str
    item_id: str
    heard_ms: int
    cause: SilentCause | None = None
    """Why it fell silent; None for the other two."""

    def message(self, cut: int, frames_waiting: int) -> Audible | Heard | Silent:
        """What the brain is told. `frames_waiting`: 20 ms frames that are here and not yet sent; the brain's
        log tells it at each create."""
        if self.cause is not None:
            return Silent(
                cut=cut,
                response_id=self.response_id,
                item_id=self.item_id,
                heard_ms=self.heard_ms,
                frames_waiting=frames_waiting,
                cause=self.cause,
            )
        message = Heard if self.kind is ChangeKind.HEARD else Audible
        return message(
            cut=cut,
            response_id=self.response_id,
            item_id=self.item_id,
            heard_ms=self.heard_ms,
            frames_waiting=frames_waiting,
        )


@dataclass(slots=True)
class PlayedItem:
    """The account of one item. Positions are ms in the item, sent ones on the frame grid."""

    item_id: str
    response: PlayedResponse
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
    """Position of the last mark that came back."""
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

    def flushed(self, heard_ms: float) -> FlushedItem:
        """What the brain is told of it at a flush."""
        return FlushedItem(
            item_id=self.item_id,
            response_id=self.response.response_id,
            received_ms=self.received_ms,
            sent_ms=self.sent_ms,
            heard_ms=int(heard_ms),
        )


@dataclass(slots=True)
class PlayedResponse:
    """What is known of a response: an item is one of its parts."""

    response_id: str
    debt: int = 0
    """It answers all debts up to this one."""
    ended: bool = False
    audible: bool = False
    open_items: int = 0
    """Items not yet wholly heard."""
    last_entry_at_ms: float = 0.0
    last_item_id: str = ""
    last_heard_ms: int = 0


@dataclass(slots=True)
class LedgerCounters:
    """Marks and their echoes, since this process has the call."""

    marks_sent: int = 0
    marks_lost: int = 0
    """Passed over by a later echo, or past their deadline."""
    echoes: int = 0
    echoes_duplicated: int = 0
    echoes_stale: int = 0


@dataclass(slots=True)
class DeliveryCounters:
    """What happened to one call's reply, since this process has it."""

    frames_sent: int = 0
    frames_late: int = 0
    """More than 30 ms behind their due time: Twilio held less than LEAST_LEAD_MS."""
    frames_flushed: int = 0
    """Dropped unsent at a flush."""
    frames_skipped: int = 0
    """Not sent because ingress had them already."""
    flushes: int = 0
    starved: int = 0
    """Talk spurts begun inside an item: the model did not keep up."""
