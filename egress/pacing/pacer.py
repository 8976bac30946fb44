"""When the next frames of one call are due.

Why it exists: Twilio plays what it has; a frame that comes late is heard as a gap, and frames that come
too early cannot be taken back at a barge-in. So frames leave a fixed lead ahead of the moment they are
played at, on absolute deadlines (docs/design.md, Framer, pacer, ledger).

Owns: the schedule of a talk spurt and the rule that stops it. Pure. Must not know: audio, items, marks.

Frame n of a spurt is played at `anchor + n x 20 ms` and due `lead` before. A spurt's anchor is one frame
after its start, so the lead's worth of frames is due at once. With a frame that is due go those behind it
that are due within AHEAD_MS, if they are there: so a call that has audio in hand is served every 60 ms, and
no frame ever waits for others. What is late by less than the lead is caught up, for Twilio still had audio.
Later than that, Twilio has run dry: the schedule is anchored again, which again sends the lead's worth. It
never slides: a due time is computed from the anchor, not from the last frame. Silence builds no debt: a
spurt that had nothing to send until after its play time is a new spurt.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from shared.audio import FRAME_MS
from shared.contract.streams.pairs import GROUP_FRAMES

EARLY_MS = 2.0
"""A frame may leave so much before its time. Timers fire up to a millisecond early, and the frame that a tick
finds not quite due would wait for the next tick, 20 ms."""

ROUNDING_MS = 1e-6
"""Times are sums: a frame that is due now must not look as if it were due a hair later."""

LEAD_MS = 300.0
"""Sending just in time gaps audibly; 100 to 250 ms ahead does not."""

AHEAD_FRAMES = GROUP_FRAMES - 1
AHEAD_MS = AHEAD_FRAMES * FRAME_MS
"""Frames that may leave before they are due, with one that is: Twilio holds the lead and so much at most."""

LATE_MOST_MS = 30.0
"""How long after it was due a frame may leave: a slot of the metronome and what a healthy loop needs."""

LEAST_LEAD_MS = LEAD_MS - FRAME_MS - LATE_MOST_MS
"""So Twilio holds 250 ms at the least when the next frame comes, as long as there is audio in hand: what a
sibling has in which to take up the call of an egress that died."""

WOKEN_MS = 200.0
"""An ingress that stood still has read by then what waited in its sockets."""

LEAST_PATIENCE_MS = 160.0
"""Ingress confirms every 100 ms at most: with a shorter lead, silence of the lead would mean nothing."""


@dataclass(slots=True)
class PacerCounters:
    spurts: int = 0
    """Schedules begun after silence."""
    underruns: int = 0
    """Schedules begun again because we were late with audio in hand."""
    stops: int = 0
    """Times that ingress said nothing about our frames for longer than the lead."""


@dataclass(slots=True)
class Pacer:
    """The schedule of one call. Times are monotonic ms, given by the caller."""

    lead_ms: float = LEAD_MS
    counters: PacerCounters = field(default_factory=PacerCounters)
    stopped: bool = field(init=False, default=False)
    _anchor_ms: float | None = field(init=False, default=None)
    _count: int = field(init=False, default=0)
    """Frames of this spurt that were released."""
    _woken_at_ms: float = field(init=False, default=-WOKEN_MS)
    """When ingress was last there again."""
    _waiting: bool = field(init=False, default=False)
    """Whether audio was left over at the last release: if so, being late is our fault."""
    _unconfirmed: deque[tuple[int, float]] = field(init=False, default_factory=deque)
    """(frame number, sent at) of what ingress has not confirmed, one pair a release, oldest first."""

    @property
    def next_due_ms(self) -> float | None:
        """When the next frame should leave; None in silence and while stopped."""
        if self._anchor_ms is None or self.stopped:
            return None
        return self._anchor_ms + self._count * FRAME_MS - self.lead_ms

    @property
    def unconfirmed_since_ms(self) -> float | None:
        """When the oldest frame that ingress has not confirmed was sent."""
        return self._unconfirmed[0][1] if self._unconfirmed else None

    def release_count(self, now_ms: float, available: int, patience_ms: float = 0.0) -> int:
        """How many of the `available` frames leave now: at most the lead's worth and AHEAD_FRAMES. None, if
        the first of them has been due for less than `patience_ms`: there will be a better moment.

        The caller sends them and says so with `sent`.
        """
        if self.stopped or available <= 0:
            self._waiting = False
            return 0
        if self._anchor_ms is None or now_ms + EARLY_MS >= self._anchor_ms + self._count * FRAME_MS:
            if self._waiting:
                self.counters.underruns += 1
            else:
                self.counters.spurts += 1
            self._anchor_ms, self._count = now_ms + FRAME_MS, 0
        late_ms = now_ms - (self._anchor_ms + self._count * FRAME_MS - self.lead_ms)
        count = 0
        if late_ms >= patience_ms - EARLY_MS:
            count = min(int((late_ms + ROUNDING_MS) / FRAME_MS) + GROUP_FRAMES, available)
        self._count += count
        self._waiting = count < available
        return count

    def sent(self, last_n: int, now_ms: float) -> None:
        """Frames up to number `last_n` were written."""
        self._unconfirmed.append((last_n, now_ms))

    def confirm(self, n: int) -> None:
        """Ingress has given the socket all frames up to `n`."""
        while self._unconfirmed and self._unconfirmed[0][0] <= n:
            self._unconfirmed.popleft()

    def is_overdue(self, now_ms: float) -> bool:
        """Whether the oldest unconfirmed frame is older than the lead: Twilio runs dry, so stop."""
        patience_ms = max(self.lead_ms, LEAST_PATIENCE_MS)
        return bool(self._unconfirmed) and now_ms - self._unconfirmed[0][1] > patience_ms

    def is_waking(self, now_ms: float) -> bool:
        """Whether ingress is silent, or was until a moment ago: what it tells now may be as old."""
        return self.stopped or now_ms - self._woken_at_ms < WOKEN_MS

    def stop(self) -> None:
        """Ingress is silent: sends nothing more until `resume` or `restart`."""
        if not self.stopped:
            self.stopped = True
            self.counters.stops += 1

    def pause(self) -> None:
        """The same, by our own decision."""
        self.stopped = True

    def resume(self, now_ms: float, rewound: int, playing_ms: float) -> None:
        """Ingress is there again: goes on behind the last frame forwarded.

        `rewound` frames were released and will be again; `playing_ms` of audio reached Twilio only now.
        If Twilio has not run dry (the confirmation was late, nothing else) the schedule stands; else the
        next frame is anchored behind what plays now. Neither owes anything.
        """
        self.stopped = False
        self._woken_at_ms = now_ms
        self._unconfirmed.clear()
        self._waiting = False
        self._count -= rewound
        if self._anchor_ms is not None and now_ms >= self._anchor_ms + self._count * FRAME_MS:
            self._anchor_ms, self._count = now_ms + playing_ms + FRAME_MS, 0

    def rest(self) -> None:
        """No frame is to leave for a while: what is late then is nobody's fault, and the next ones are the
        first of a spurt. What ingress has not confirmed it still owes."""
        self._anchor_ms, self._waiting = None, False

    def follow(self, now_ms: float, playing_ms: float) -> None:
        """What an owner before us has sent plays for so long: the next frame is anchored behind it."""
        self._anchor_ms, self._count, self._waiting = now_ms + playing_ms + FRAME_MS, 0, False

    def restart(self) -> None:
        """Forgets the schedule: the next frames are the first of a spurt, whatever was before.

        For a flush and a new leg: Twilio has nothing of ours.
        """
        self.stopped = False
        self._anchor_ms, self._waiting = None, False
        self._unconfirmed.clear()
