"""What goes wrong in a run, and when: drawn from the seed before the run begins.

Why it exists: a schedule that is data can be printed, cut down to the one fault that matters, and kept. Owns:
the kinds of faults, how they are drawn. Must not know: how a fault is brought about (`trouble.py`).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


class What(enum.StrEnum):
    """A kind of fault."""

    KILL = "kill"
    """SIGKILL; the process is started again."""
    STOP = "stop"
    """SIGSTOP, and SIGCONT after a while."""
    DRAIN = "drain"
    """SIGTERM; the process is started again."""
    CUT = "cut"
    """Nothing passes between a process and Redis."""
    RESET = "reset"
    """All connections between a process and Redis break; new ones are taken."""
    FREEZE = "freeze"
    """Redis answers nobody."""
    FULL = "full"
    """Redis takes no write that needs memory."""
    CRASH = "crash"
    """Redis is gone for a while, and comes back with what it had."""
    EMPTY = "empty"
    """Redis is gone for a while, and comes back empty."""
    FAIL_OVER = "fail-over"
    """A replica takes over that lacks the last writes."""
    MODEL = "model"
    """The model's sessions of a brain break."""
    CARRIER = "carrier"
    """The media sockets of an ingress break."""


OF_ROLES = frozenset({What.KILL, What.STOP, What.DRAIN, What.CUT, What.RESET})
MOMENTS = frozenset({What.KILL, What.DRAIN, What.RESET, What.MODEL, What.CARRIER})
"""Faults that last no time."""

LOSES_CALLS = frozenset({What.KILL, What.DRAIN})
"""Faults after which a call may end with the apology: one whose brain or egress is gone has no heir yet."""

LASTS_S = (0.1, 3.0)
CALM_S = 4.0
"""At the beginning, for the calls to begin; faults that last are over by the end."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One."""

    at_s: float
    """Since the first caller rang."""
    what: What
    target: str = ""
    """The process; empty: Redis."""
    lasts_s: float = 0.0

    def __str__(self) -> str:
        how_long = f" for {self.lasts_s:.2f} s" if self.lasts_s else ""
        return f"{self.at_s:6.2f} s {self.what} {self.target or 'redis'}{how_long}"


def drawn(
    seed: int | str, kinds: Sequence[What], *, workers: int, seconds: float, every_s: float
) -> list[Fault]:
    """A schedule: a fault every `every_s` on the average, never two that last at once."""
    chance = Random(f"{seed}/faults")
    found: list[Fault] = []
    at_s = CALM_S
    while kinds:
        at_s += chance.uniform(0.3, 1.7) * every_s
        what = chance.choice(kinds)
        lasts_s = 0.0 if what in MOMENTS else round(chance.uniform(*LASTS_S), 3)
        if at_s + lasts_s > seconds:
            break
        found.append(Fault(round(at_s, 3), what, _target(what, chance, workers), lasts_s))
        at_s += lasts_s
    return found


# Private.


def _target(what: What, chance: Random, workers: int) -> str:
    number = chance.randrange(workers)
    if what in OF_ROLES:
        return f"{chance.choice(('ingress', 'brain', 'egress'))}-{number}"
    return {What.MODEL: f"brain-{number}", What.CARRIER: f"ingress-{number}"}.get(what, "")
