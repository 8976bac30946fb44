"""Playback stands still while it is found out whether the caller interrupts: until when, and from where it
goes on.

Why it exists: a pause is no flush. Nothing of the reply is void; what Twilio holds and has not played is
forgotten there, and sent again by us from the frame in which the ear stood. Should nobody say that it is over
(the brain has died), it ends by itself.

Owns: the brain's word, how long it counts, whether it is carried out, the frame to go on with. Pure. Must not
know: why playback is paused, how Twilio is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from egress.heard.ledger import Ledger
from shared.audio import FRAME_MS
from shared.contract.streams.reply import ReplyEntry, ReplyKind

MOST_MS = 11_000.0
"""Whatever stands in an entry: an agent may wait ten seconds (`confirm.wait_ms`), and the
brain's own word comes within the second after it."""

WORDS = (ReplyKind.PAUSE, ReplyKind.RESUME)
"""Entries that speak of this; none of them holds audio."""


@dataclass(slots=True)
class Standstill:
    """Of one call."""

    is_still: bool = False
    """Nothing is sent."""
    _until_ms: float | None = None
    """By the brain's word; None: playback is to go on."""

    def told(self, entry: ReplyEntry, now_ms: float) -> None:
        """An entry of WORDS was read. It is carried out at the next tick: of a pause that is over by then,
        because both words were read at once, nobody hears."""
        is_pause = entry.kind is ReplyKind.PAUSE and entry.pause_ms > 0
        self._until_ms = now_ms + min(entry.pause_ms, MOST_MS) if is_pause else None

    def is_due(self, now_ms: float) -> bool:
        """Whether playback is to be stopped, or to go on, now."""
        return self._is_wanted(now_ms) != self.is_still

    def turn(self, now_ms: float) -> bool:
        """Carries that out; returns whether playback stands still from now on."""
        self.is_still = self._is_wanted(now_ms)
        if not self.is_still:
            self._until_ms = None
        return self.is_still

    @property
    def is_busy(self) -> bool:
        """Whether there is an end of it to be waited for."""
        return self.is_still or self._until_ms is not None

    def forget(self) -> None:
        """What stood still is void."""
        self.is_still, self._until_ms = False, None

    # Private.

    def _is_wanted(self, now_ms: float) -> bool:
        return self._until_ms is not None and now_ms < self._until_ms


def is_playing(ledger: Ledger, now_ms: float) -> bool:
    """Whether Twilio may hold something that was not heard."""
    return any(ledger.heard_ms(item, now_ms) < min(item.cursor_ms, item.received_ms) for item in ledger.items)


def stood_at_ms(ledger: Ledger) -> Callable[[str], float]:
    """Where the ear stood at a stop, by item: its end for one that was heard out, infinite for one that
    nobody knows any more."""

    def of(item_id: str) -> float:
        item = ledger.find(item_id)
        if item is None:
            return float("inf")
        if item.ended and item.highest_ms >= item.received_ms:
            return float(-(-item.received_ms // FRAME_MS) * FRAME_MS)  # The padding of its last frame too.
        return item.highest_ms

    return of
