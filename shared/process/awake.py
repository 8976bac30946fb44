"""Time in which this process ran. Pure.

Why it exists: a process that was stopped (SIGSTOP), starved of CPU or asleep with its host wakes up to clocks
that have gone on, and would hold its own lateness against others: callers whose media waits in the kernel,
rivals whose beats it has not read. Owns: which stretch of time counts. Must not know: who ticks it
(shared/process/lag.py), what is judged by it.

A stretch between two ticks counts up to `most_ms`; what is longer, nobody was there to see. It is for
patience only: sound that is owed to a caller is measured in real time (ingress/calls/owed.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

STEP_MOST_MS = 150.0
"""Three ticks of a loop. One that is later than that was not late for its work, but away."""


@dataclass(slots=True)
class AwakeClock:
    """Milliseconds since it was made in which the process ran. It never goes back."""

    ticked_at_ms: float
    """Of the monotonic clock, at the last tick; at first when it was made."""
    most_ms: float = STEP_MOST_MS
    asleep_ms: float = 0.0
    """What was not counted."""
    _counted_ms: float = field(default=0.0, init=False)

    def tick(self, now_ms: float) -> None:
        """The process runs."""
        passed_ms = max(0.0, now_ms - self.ticked_at_ms)
        self._counted_ms += min(passed_ms, self.most_ms)
        self.asleep_ms += max(0.0, passed_ms - self.most_ms)
        self.ticked_at_ms = now_ms

    def at(self, now_ms: float) -> float:
        """What it shows between two ticks."""
        return self._counted_ms + min(max(0.0, now_ms - self.ticked_at_ms), self.most_ms)


@dataclass(slots=True)
class AwakeSilence:
    """How long a sign of life that is stamped by the monotonic clock has been missed, on the awake clock.

    Whoever stamps it need not read a second clock: it is looked at four times a second.
    """

    _sign_at_ms: float
    _looked_awake_ms: float
    _since_awake_ms: float = field(init=False)

    def __post_init__(self) -> None:
        self._since_awake_ms = self._looked_awake_ms

    def look(self, sign_at_ms: float, now_ms: float, awake_ms: float) -> float:
        """Awake milliseconds since the sign. `sign_at_ms`: when the last one came."""
        if sign_at_ms != self._sign_at_ms:
            self._sign_at_ms = sign_at_ms
            # It came after the last look: no more of it can have been awake than passed since then.
            since_look_ms = awake_ms - self._looked_awake_ms
            self._since_awake_ms = awake_ms - min(max(0.0, now_ms - sign_at_ms), since_look_ms)
        self._looked_awake_ms = awake_ms
        return awake_ms - self._since_awake_ms
