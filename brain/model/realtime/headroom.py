"""How much of the model account's rate is left, as the model's server tells after each response: to ingress.

Why it exists: who is let in when the rate is used up hears an apology; ingress, which lets callers in, knows
no model. Owns: reading what the server says, how often it is passed on. Must not know: what follows. All
sessions of the deployment share the account, so the last word is right whoever heard it.
"""

from __future__ import annotations

from collections.abc import Callable

from brain.json_fields import Json
from shared.clock import now_ms
from shared.contract.admission.model import COUNTS_MOST_MS, model_commands
from shared.contract.command import Command

AGAIN_MS = 1_000.0
"""It is passed on at most so often: a hundred calls have some ten responses in a second."""

RATE_UPDATED = "rate_limits.updated"


class Headroom:
    """One object a process. Never awaited."""

    __slots__ = ("_clock", "_send", "_told_at_ms")

    def __init__(self, send: Callable[[Command], None], clock: Callable[[], float] = now_ms) -> None:
        """`send`: the outbox's."""
        self._send = send
        self._clock = clock
        self._told_at_ms = -AGAIN_MS

    def heard(self, event: Json) -> None:
        """An event of the name RATE_UPDATED, of any shape."""
        now = self._clock()
        found = read_left(event)
        if found is None or now - self._told_at_ms < AGAIN_MS:
            return
        self._told_at_ms = now
        left, reset_ms = found
        for command in model_commands(left, reset_ms):
            self._send(command)


def read_left(event: Json) -> tuple[float, int] | None:
    """The share that is left of the limit that is nearest to its end, and in how many ms that is whole again;
    None: the event says nothing of it."""
    found: tuple[float, int] | None = None
    limits = event.get("rate_limits")
    for each in limits if isinstance(limits, list) else []:
        if not isinstance(each, dict):
            continue
        most, left, reset_s = (_number(each.get(name)) for name in ("limit", "remaining", "reset_seconds"))
        if most is None or left is None or most <= 0:
            continue
        share = min(1.0, max(0.0, left / most))
        if found is None or share < found[0]:
            found = share, COUNTS_MOST_MS if reset_s is None else round(min(reset_s, 60.0) * 1000)
    return found


# Private.


def _number(value: object) -> float | None:
    """None for what is none, and for infinities: the server's JSON may hold anything."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -1e15 < value < 1e15 else None
