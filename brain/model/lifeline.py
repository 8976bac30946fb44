"""When a call's next session is tried, and when nothing helps any more.

Why it exists: a lost session must not end a call, and a session that is refused must not be asked for
without end: the caller would wait in silence, and the bill would grow.

Owns: the bounds, and when a session is old enough to be replaced. Pure. Must not know: sockets, the
sequencer.

- fatal (key, quota, model): give up at once;
- an attempt that is not answered is not waited for: the next one begins beside it;
- no session for 15 s: give up. That a caller has waited long enough is decided where sound is owed, at 12 s;
  until then a fault that passes must end in a session;
- 5 losses without a spoken response between them: give up, every new one would end like that;
- 100 sessions: give up.
"""

from __future__ import annotations

from dataclasses import dataclass

OUTAGE_MS = 15_000.0
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 250.0, 1_500.0

BESIDE_AFTER_MS = 2_000.0
"""An attempt that is not opened by then, or so long after that has not taken the past, gets a second one
beside it. Healthy openings take 400 to 1,500 ms."""

BESIDE_AGAIN_MS = 1_500.0
"""From the second on they begin at this interval, so that a fault is over at most this long before the
next."""

MAX_ATTEMPTS = 4
"""Side by side."""
MAX_LOSSES = 5
MAX_SESSIONS = 100

ROLL_BEFORE_MS, ROLL_SHARE = 300_000.0, 0.4
"""A rollover is due this long before the end, but in a short life not before 60 % of it."""

SETTLE_SHARE = 0.3
"""After this share of the wait for a quiet moment, one in which only playback goes on will do."""

FORCE_BEFORE_MS, FORCE_SHARE = 20_000.0, 0.1
"""Without any such moment it comes this long before the end, or at 90 % of a short life."""


@dataclass(frozen=True, slots=True)
class Again:
    """Open another session after this pause."""

    after_ms: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There will be no session. `cause` is a short word for journal and log."""

    cause: str


@dataclass(frozen=True, slots=True)
class Rollover:
    """When a session is to be replaced, monotonic."""

    due_at_ms: float
    settle_at_ms: float
    """From then on audio that still plays is no reason to wait."""
    force_at_ms: float


@dataclass(slots=True)
class Lifeline:
    """The bounds of one call. `now_ms` is monotonic."""

    sessions: int = 0
    rollover: Rollover | None = None
    """Of the present session; None where its life is not known."""
    _losses: int = 0
    """Since the last response that was spoken to its end."""
    _out_since_ms: float | None = None
    _pause_ms: float = FIRST_PAUSE_MS

    def begin(self, now_ms: float) -> None:
        """No session serves; one is being opened."""
        if self._out_since_ms is None:
            self._out_since_ms = now_ms

    @property
    def give_up_at_ms(self) -> float | None:
        """When an outage has lasted long enough; None where there is none."""
        return None if self._out_since_ms is None else self._out_since_ms + OUTAGE_MS

    def confirmed(self, now_ms: float, life_ms: float) -> None:
        """A session is there, for `life_ms`; 0: nobody said how long."""
        self.sessions += 1
        self._out_since_ms = None
        self._pause_ms = FIRST_PAUSE_MS
        self.rollover = None
        if life_ms > 0:
            due_ms = now_ms + life_ms - min(ROLL_BEFORE_MS, ROLL_SHARE * life_ms)
            force_ms = now_ms + life_ms - min(FORCE_BEFORE_MS, FORCE_SHARE * life_ms)
            self.rollover = Rollover(due_ms, due_ms + SETTLE_SHARE * (force_ms - due_ms), force_ms)

    def response_completed(self) -> None:
        """The model said something to its end: this session works."""
        self._losses = 0

    def lost(self, cause: str, fatal: bool, now_ms: float) -> Again | GiveUp:
        """A session that was confirmed is gone."""
        self._losses += 1
        self.rollover = None
        self._out_since_ms = now_ms
        if fatal:
            return GiveUp(cause)
        if self._losses >= MAX_LOSSES:
            return GiveUp("session_unstable")
        if self.sessions >= MAX_SESSIONS:
            return GiveUp("too_many_sessions")
        # The first loss in a while is most likely a single cut connection: no pause.
        return Again(0.0) if self._losses == 1 else self._after_pause()

    def refused(self, cause: str, fatal: bool, now_ms: float) -> Again | GiveUp:
        """An attempt did not end in a session."""
        self.begin(now_ms)
        if fatal:
            return GiveUp(cause)
        give_up_at_ms = self.give_up_at_ms
        if give_up_at_ms is not None and now_ms + self._pause_ms >= give_up_at_ms:
            return GiveUp(cause)
        return self._after_pause()

    # Private.

    def _after_pause(self) -> Again:
        pause_ms = self._pause_ms
        self._pause_ms = min(pause_ms * 2, LONGEST_PAUSE_MS)
        return Again(pause_ms)
