"""Whether one more call may come to this process: how it stands, the rule, and what is held for late. Pure.

Why it exists: what closes the door under load must be readable by itself, and be asked of any state. Owns:
the rule, its order, the hysteresis. Must not know: how a figure is read, what the whole deployment has room
for (shared/contract/admission/), what a caller is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ingress.errors import WebhookReason

LATE_FOR_MS: Final = 1_000.0
"""A loop is mostly late for so long before new calls pay for it: a burst, or a process that starts beside it,
is over sooner."""

IN_TIME_FOR_MS: Final = 2_000.0
"""And in time for so long before they come again."""

IN_TIME_SHARE: Final = 0.5
"""Of the bound: a loop that is just below it would be late with the next call."""

ON_THE_WAY_MS: Final = 2_000.0
"""From a webhook to its stream Twilio needs 300 to 900 ms."""

FILES_SHARE: Final = 0.8
"""Of the descriptors that the process may have. Beyond it new calls are refused in words: a process without
any accepts nobody, hears of nothing, and burns its core on that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a process may carry; 0: no bound."""

    calls: int = 0
    late_ms: float = 0.0
    model_left: float = 0.0
    """Least share of the model account's rate, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How a process stands."""

    calls: int
    """Those that are here, and those that were just let in and are on their way."""
    is_late: bool
    files: int = 0
    """Descriptors in use, with those of calls on their way; 0: not known."""
    files_most: int = 0
    """0: no limit, or not known."""
    model_left: float | None = None
    """None: nobody has said."""


def judge(load: Load, bounds: Bounds) -> WebhookReason | None:
    """Why no call may come; None: one may."""
    if bounds.calls and load.calls >= bounds.calls:
        return WebhookReason.PROCESS
    if load.is_late:
        return WebhookReason.LATE
    if load.files_most and load.files >= load.files_most * FILES_SHARE:
        return WebhookReason.FILES
    if load.model_left is not None and load.model_left < bounds.model_left:
        return WebhookReason.MODEL
    return None


@dataclass(slots=True)
class LateGate:
    """Whether an event loop counts as late. `most_ms`: the bound on how late it mostly is; 0: never."""

    most_ms: float
    is_late: bool = False
    _since_ms: float | None = None
    """Since when it has been on the other side of the bound."""

    def look(self, mostly_ms: float, now_ms: float) -> bool:
        """To be told often how late the loop mostly is. Returns whether it counts as late."""
        if not self.most_ms:
            return False
        is_over = mostly_ms >= self.most_ms
        is_under = mostly_ms < self.most_ms * IN_TIME_SHARE
        if not (is_under if self.is_late else is_over):
            self._since_ms = None
            return self.is_late
        if self._since_ms is None:
            self._since_ms = now_ms
        if now_ms - self._since_ms >= (IN_TIME_FOR_MS if self.is_late else LATE_FOR_MS):
            self.is_late, self._since_ms = not self.is_late, None
        return self.is_late


class OnTheWay:
    """Calls that were let in here, and are not here yet. Their streams may open in another process: each
    counts for a while only."""

    __slots__ = ("_for_ms", "_since_ms")

    def __init__(self, for_ms: float = ON_THE_WAY_MS) -> None:
        self._for_ms = for_ms
        self._since_ms: dict[str, float] = {}

    def let_in(self, call_sid: str, now_ms: float) -> None:
        """It gets a stream from us, if nobody else refuses it."""
        self._since_ms.setdefault(call_sid, now_ms)

    def leave(self, call_sid: str) -> None:
        """It was refused after all."""
        self._since_ms.pop(call_sid, None)

    def has(self, call_sid: str) -> bool:
        """Whether it was let in lately."""
        return call_sid in self._since_ms

    def count(self, now_ms: float, is_here: Callable[[str], bool]) -> int:
        """How many there are. `is_here`: whether a call has come."""
        for call_sid, since_ms in list(self._since_ms.items()):
            if now_ms - since_ms >= self._for_ms or is_here(call_sid):
                del self._since_ms[call_sid]
        return len(self._since_ms)
