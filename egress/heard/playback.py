"""The playback clock: what the caller's ear has come to, of what was sent.

Why it exists: audio that was made, queued or sent was not heard, and what has played Twilio says late. Owns:
the clock of one call, and how far the ear may be behind it. Pure. Must not know: marks, responses, bytes of
audio, schedules.

Frames play in real time, one behind the other, from when they were sent. The ear is later than that: by the
way of the frames to Twilio's socket, by the network, by a hole that we do not know of. How much later, the
first confirmation of a talk spurt bounds and each echo says again; what comes back took time to come, so that
the clock errs to less than was heard, never to more. Only what ingress has confirmed counts. An echo of a
current mark proves more. While ingress is silent or the media stream is gone, the clock stands.

What is cut off now is heard on until the clear arrives. Over a network the echo came late by the way back,
and the clear will by the way out: together a round trip, which ingress measures and which is given back then.
That is no longer certain to the frame, for both ways have their jitter; so only a cut asks for it, for which
less and more are equally wrong, and it goes by what echoes mostly say instead of by the last one.
(docs/design.md, Framer, pacer, ledger)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from egress.heard.accounts import PlayedItem
from shared.audio import FRAME_MS

ECHOES = 5
"""So many echoes of a talk spurt say together how late the ear is: one alone has the jitter of its way."""

JITTER_MS = 40.0
"""An echo that is later than the others by more than this is no jitter: the ear has fallen behind."""


@dataclass(slots=True)
class Playback:
    """The clock of one call. `now_ms` is monotonic and never goes back."""

    _plays_until_ms: float = field(init=False, default=0.0)
    """When all that was sent will have played."""
    _held_at_ms: float | None = field(init=False, default=None)
    """While the call has no working way to Twilio the clock stands."""
    _behind_ms: float = field(init=False, default=0.0)
    """How far the ear is behind the clock, at most."""
    _echo_behind_ms: float = field(init=False, default=0.0)
    """The same by the last echo alone: what a new talk spurt begins with."""
    _socket_late_ms: float = field(init=False, default=0.0)
    """How much later than the clock this talk spurt came to Twilio's socket, at most."""
    _echoes_ms: deque[float] = field(init=False, default_factory=lambda: deque(maxlen=ECHOES))
    """How far the ear was behind by each of the last echoes of this talk spurt; before them, by what those
    of the one before mostly said."""
    _way_ms: float = field(init=False, default=0.0)
    """To Twilio's socket and back; 0: not known."""

    # What is sent, and what comes back of it.

    def sent(self, item: PlayedItem, end_ms: int, now_ms: float, frames: int = 1) -> None:
        """So many frames of the item, one behind the other, were written; the last one ends at `end_ms`."""
        plays_until_ms = self._plays_until_ms
        if now_ms >= plays_until_ms:
            self._begin_spurt()
            plays_until_ms = now_ms
        item.plays_until_ms = self._plays_until_ms = plays_until_ms + frames * FRAME_MS
        item.cursor_ms = end_ms
        if end_ms > item.sent_ms:
            item.sent_ms = end_ms

    def skipped(self, item: PlayedItem, end_ms: int, now_ms: float, playing_ms: float) -> None:
        """The item up to `end_ms` was given to the socket before; `playing_ms` of it only now."""
        self.given(item, end_ms, max(self._plays_until_ms, now_ms) + playing_ms)

    def given(self, item: PlayedItem, end_ms: int, plays_until_ms: float) -> None:
        """The item up to `end_ms` was given to the socket before, and plays until then."""
        item.cursor_ms = item.confirmed_ms = end_ms
        item.sent_ms = max(item.sent_ms, end_ms)
        item.plays_until_ms = plays_until_ms
        self._plays_until_ms = max(self._plays_until_ms, plays_until_ms)

    def confirm(self, item: PlayedItem, end_ms: int, now_ms: float) -> None:
        """Ingress gave the socket the item up to the frame that ends at `end_ms`.

        None of these frames can have begun to play later than now, but by the clock some should have.
        """
        if end_ms > item.confirmed_ms:
            begins_ms = item.plays_until_ms - (item.cursor_ms - item.confirmed_ms)
            self._behind_ms = max(self._behind_ms, now_ms - begins_ms)
            self._socket_late_ms = max(self._socket_late_ms, now_ms - begins_ms)
            item.confirmed_ms = min(end_ms, item.cursor_ms)

    def echoed(self, plays_at_ms: float, now_ms: float) -> None:
        """What the clock plays at `plays_at_ms` has played by now."""
        self._behind_ms = self._echo_behind_ms = max(0.0, now_ms - plays_at_ms)
        self._echoes_ms.append(self._echo_behind_ms)

    # What was heard.

    def heard_ms(self, item: PlayedItem, now_ms: float) -> float:
        """What the caller has heard of the item: real audio, never less than was said before."""
        heard = item.proved_ms(self._standing_ms(now_ms) - self._behind_ms)
        heard = min(heard, item.received_ms)  # The last frame may be padded.
        item.highest_ms = max(item.highest_ms, heard)
        return item.highest_ms

    def heard_by_clear_ms(self, item: PlayedItem, now_ms: float) -> float:
        """What the caller will have heard of the item when a clear that leaves now arrives: as probably less
        as more, by the jitter of the network."""
        self.heard_ms(item, now_ms)
        if self._held_at_ms is None:
            echoed_ms = max(self._usual_behind_ms, self._echo_behind_ms - JITTER_MS)
            heard = item.proved_ms(now_ms - max(self._socket_late_ms, echoed_ms - self._way_ms))
            item.highest_ms = max(item.highest_ms, min(heard, item.received_ms))
        return item.highest_ms

    def stop(self, items: Iterable[PlayedItem], now_ms: float) -> None:
        """A stop leaves now, and what stands behind it will be sent again: notes what the caller will have
        heard when it arrives, rather less than more, since what is noted nobody hears again. It takes the way
        that the frames took: so that way itself is no part of how late the ear is."""
        if self._held_at_ms is not None:
            return
        echoed_ms = max((*self._echoes_ms, self._echo_behind_ms))
        late_ms = max(self._socket_late_ms, echoed_ms - self._way_ms)
        for item in items:
            heard = min(item.proved_ms(now_ms - late_ms), item.received_ms)
            item.highest_ms = max(item.highest_ms, heard)

    def settled_ms(self, item: PlayedItem, now_ms: float, unconfirmed_since_ms: float | None) -> float:
        """What of the item will never be needed again.

        From the moment from which ingress says nothing about our frames it may be dead, and the socket with
        it: the clock is not believed beyond it. This is "last frame forwarded minus lead".
        """
        standing_ms = self._standing_ms(now_ms)
        if unconfirmed_since_ms is not None:
            standing_ms = min(standing_ms, unconfirmed_since_ms)
        return max(0.0, min(item.proved_ms(standing_ms - self._behind_ms), item.sent_ms))

    @property
    def way_ms(self) -> float:
        """To Twilio's socket and back; 0: not known."""
        return self._way_ms

    @property
    def echo_behind_ms(self) -> float:
        """How far the ear is behind the clock, by the last echo."""
        return self._echo_behind_ms

    def is_over(self, at_ms: float) -> bool:
        """Whether all that was sent had played by then."""
        return self._held_at_ms is None and at_ms >= self._plays_until_ms + self._behind_ms

    # Stops, rewinds, fresh sockets.

    @property
    def is_held(self) -> bool:
        """Whether the clock stands."""
        return self._held_at_ms is not None

    def hold(self, items: Iterable[PlayedItem], at_ms: float) -> None:
        """Stops the clock: Twilio gets nothing, or there is no Twilio."""
        if self._held_at_ms is None:
            for item in items:
                self.heard_ms(item, at_ms)
            self._held_at_ms = at_ms

    def resume(
        self, items: Iterable[PlayedItem], now_ms: float, playing_ms: float
    ) -> list[tuple[PlayedItem, float]]:
        """Lets the clock run again; `playing_ms` of what was sent before are only now at Twilio.

        Returns by how many ms later each item plays that is not heard out.
        """
        self._held_at_ms = None
        plays_until_ms = now_ms + playing_ms
        # From here on the clock itself is where the ear was.
        moved_ms = self._behind_ms - self._echo_behind_ms
        self._behind_ms = self._echo_behind_ms
        self._plays_until_ms = max(self._plays_until_ms + moved_ms, plays_until_ms)
        later: list[tuple[PlayedItem, float]] = []
        for item in items:
            if item.cursor_ms > item.highest_ms:
                until_ms = max(item.plays_until_ms + moved_ms, plays_until_ms)
                later.append((item, until_ms - item.plays_until_ms))
                item.plays_until_ms = until_ms
        return later

    def rewind(self, item: PlayedItem, to_ms: int) -> None:
        """What follows `to_ms` of the item will be sent again."""
        again_ms = max(0, item.cursor_ms - to_ms)
        item.cursor_ms -= again_ms
        item.plays_until_ms -= again_ms
        self._plays_until_ms -= again_ms
        item.confirmed_ms = min(item.confirmed_ms, item.cursor_ms)

    def play_on(self) -> None:
        """The clock stood while Twilio went on with what it had: it has run all the time."""
        self._held_at_ms = None

    def play_from(self, items: Iterable[PlayedItem], now_ms: float) -> None:
        """Lets the clock run on a fresh socket: nothing of what was sent before plays any more."""
        self._held_at_ms = None
        self._plays_until_ms = now_ms
        for item in items:
            item.plays_until_ms = min(item.plays_until_ms, now_ms)

    def flush(self, now_ms: float) -> None:
        """What was sent is void."""
        self._plays_until_ms = now_ms

    def know_behind(self, behind_ms: float) -> None:
        """What echoes told an owner before us of this leg."""
        self._behind_ms = self._echo_behind_ms = behind_ms

    def know_way(self, way_ms: float) -> None:
        """What ingress has measured of this leg: to Twilio's socket and back."""
        self._way_ms = way_ms

    def forget_way(self) -> None:
        """A new leg: what was learnt of the old one says nothing of this one."""
        self._behind_ms = self._echo_behind_ms = self._way_ms = 0.0
        self._echoes_ms.clear()

    # Private.

    def _begin_spurt(self) -> None:
        usual_ms = self._usual_behind_ms
        self._echoes_ms.clear()
        if usual_ms:
            self._echoes_ms.append(usual_ms)
        self._behind_ms = self._echo_behind_ms
        self._socket_late_ms = 0.0

    @property
    def _usual_behind_ms(self) -> float:
        """How far the ear is behind the clock, by what echoes mostly say."""
        return median(self._echoes_ms) if self._echoes_ms else self._echo_behind_ms

    def _standing_ms(self, now_ms: float) -> float:
        return now_ms if self._held_at_ms is None else min(now_ms, self._held_at_ms)
