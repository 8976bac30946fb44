"""Which calls of a dead ingress the carrier is asked to send to us, and when.

Why it exists: most calls come back by themselves, since a kernel that lives closes the sockets of a process
that died; the others must be asked for, and asking twice would cut the stream that the first time brought.
Owns: the wait for a call that comes back by itself, the rate, the pauses between two tries, giving up. Pure.
Must not know: who found the ingress dead, how the carrier is asked, what is in Redis.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.contract.steps import Leg

WAIT_MS = 1_500.0
"""From the last sign of life of its ingress: a call that comes back by itself has done so by then."""

SPACING_MS = 50.0
"""Between two calls that are asked for: twenty a second, as many as `/voice/resume` answers with ease."""

AT_ONCE = 16
"""Requests under way."""

PAUSE_MS, LONGEST_PAUSE_MS = 1_000.0, 8_000.0
"""Before a call is tried again, where the carrier names no time: doubled each time."""

GIVE_UP_MS = 60_000.0
"""After its ingress was found dead: the caller has hung up by then, or whoever ends lost calls ends it."""

HOLD_MS = 30_000.0
"""Nobody is asked for so long after the carrier has refused us: the next call would be refused like this
one."""


class Outcome(enum.StrEnum):
    """What came of one try."""

    RETURNED = "returned"
    """The call has a newer stream, has lost this one in an orderly way, or has ended: nothing is to be
    done."""
    TAKEN = "taken"
    """Another ingress asks for it; if it dies too, the call is ours after a while."""
    SETTLED = "settled"
    """This leg was asked for, by whomever: never again."""
    DONE = "done"
    """The carrier has left the dead stream and asks `/voice/resume`."""
    GONE = "gone"
    """The carrier has no such call any more."""
    LATER = "later"
    """It could not be asked, or could not answer."""
    REFUSED = "refused"
    """It does not take our word: a wrong account or token, or a request that it does not understand."""


FINAL = frozenset({Outcome.RETURNED, Outcome.SETTLED, Outcome.DONE, Outcome.GONE})


@dataclass(frozen=True, slots=True)
class StrandedCall:
    """A call and the leg that a dead ingress had of it."""

    call_sid: str
    leg: int
    ingress: str
    stream_sid: str = ""
    token_expires_s: int = 0

    @property
    def stream(self) -> Leg:
        """The leg, by number and by name."""
        return Leg(self.call_sid, self.leg, self.stream_sid, self.token_expires_s)


@dataclass(slots=True)
class _Wait:
    due_ms: float
    give_up_ms: float
    pause_ms: float = PAUSE_MS
    is_asked: bool = False
    """It is under way."""


@dataclass(slots=True)
class StrandedCalls:
    """All calls of dead ingresses that have not come back yet, as far as this process knows."""

    _waiting: dict[StrandedCall, _Wait] = field(default_factory=dict)
    _under_way: int = 0
    _free_at_ms: float = float("-inf")
    """When the next call may be asked for."""

    def __len__(self) -> int:
        return len(self._waiting)

    def found(self, calls: Iterable[StrandedCall], now_ms: float, *, silent_ms: float = 0.0) -> int:
        """An ingress is dead, and had these; it has shown no life for `silent_ms`. Returns how many of them
        are new."""
        before = len(self._waiting)
        due_ms = now_ms + max(0.0, WAIT_MS - silent_ms)
        for call in calls:
            self._waiting.setdefault(call, _Wait(due_ms, now_ms + GIVE_UP_MS))
        return len(self._waiting) - before

    def alive(self, ingress: str) -> None:
        """It was not dead: its calls are its own. What is under way is finished."""
        for call in [o for o, wait in self._waiting.items() if o.ingress == ingress and not wait.is_asked]:
            del self._waiting[call]

    def given_up(self, now_ms: float) -> list[StrandedCall]:
        """Those that have waited for too long: they are forgotten."""
        over = [o for o, wait in self._waiting.items() if not wait.is_asked and now_ms >= wait.give_up_ms]
        for call in over:
            del self._waiting[call]
        return over

    def due(self, now_ms: float) -> StrandedCall | None:
        """The next call to be asked for now, if one is; `answered` must follow."""
        if now_ms < self._free_at_ms or self._under_way >= AT_ONCE:
            return None
        found = self._first()
        if found is None or found[1].due_ms > now_ms:
            return None
        call, wait = found
        wait.is_asked = True
        self._under_way += 1
        self._free_at_ms = now_ms + SPACING_MS
        return call

    def answered(self, call: StrandedCall, outcome: Outcome, now_ms: float, *, after_ms: float = 0.0) -> None:
        """What came of it. `after_ms`: when to try again, if somebody named a time."""
        self._under_way -= 1
        if outcome in FINAL:
            del self._waiting[call]
            return
        wait = self._waiting[call]
        wait.is_asked = False
        if outcome is Outcome.REFUSED:
            self._free_at_ms = max(self._free_at_ms, now_ms + HOLD_MS)
            wait.due_ms = now_ms + HOLD_MS
        elif after_ms > 0:
            wait.due_ms = now_ms + after_ms
        else:
            wait.due_ms = now_ms + wait.pause_ms
            wait.pause_ms = min(wait.pause_ms * 2, LONGEST_PAUSE_MS)

    def next_at_ms(self) -> float | None:
        """When `due` or `given_up` may have something; None: not before an answer or another death."""
        waits = [wait for wait in self._waiting.values() if not wait.is_asked]
        if not waits:
            return None
        over_ms = min(wait.give_up_ms for wait in waits)
        if self._under_way >= AT_ONCE:
            return over_ms
        return min(over_ms, max(self._free_at_ms, min(wait.due_ms for wait in waits)))

    # Private.

    def _first(self) -> tuple[StrandedCall, _Wait] | None:
        waiting = [(o, wait) for o, wait in self._waiting.items() if not wait.is_asked]
        return min(waiting, key=lambda each: each[1].due_ms, default=None)
