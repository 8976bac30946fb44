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
    """SIGKILL between any two steps of a process, which is started again."""
    VANISH = "vanish"
    """The same, and nobody hears of it: no connection is closed until its host is back."""
    STOP = "stop"
    """SIGSTOP between any two steps, and SIGCONT after a while."""
    DRAIN = "drain"
    """SIGTERM; the process is started again."""
    CUT = "cut"
    """Nothing passes between a process and Redis."""
    LOST = "lost"
    """Redis hears a process and carries out what it asks for; its answers are lost, then the connections."""
    RESET = "reset"
    """All connections between a process and Redis break; new ones are taken."""
    FREEZE = "freeze"
    """Redis answers nobody."""
    SLOW = "slow"
    """Each word to and from Redis takes 40 to 250 ms."""
    FULL = "full"
    """Redis takes no write that needs memory."""
    NO_DISK = "no-disk"
    """Redis takes no write: its snapshot could not be written (MISCONF)."""
    NO_REPLICAS = "no-replicas"
    """Redis takes no write: it has too few replicas (NOREPLICAS)."""
    READ_ONLY = "read-only"
    """Redis takes no write: it is a replica all at once (READONLY)."""
    BUSY = "busy"
    """Redis carries nothing out: somebody's script runs (BUSY)."""
    LOADING = "loading"
    """Redis is gone for a moment, and reads for a while what it had (LOADING)."""
    CRASH = "crash"
    """Redis is gone for a while, and comes back with what it had."""
    EMPTY = "empty"
    """Redis is gone for a while, and comes back empty."""
    FAIL_OVER = "fail-over"
    """A replica takes over that lacks the last writes."""
    BEHIND = "behind"
    """The same, and the clock of the replica is as far behind."""
    MODEL = "model"
    """The model's sessions of a brain break."""
    STALL = "stall"
    """Nothing passes between a brain and the model."""
    DEAF = "deaf"
    """The model leaves what it is asked unanswered."""
    CARRIER = "carrier"
    """The media sockets of an ingress break."""
    LINE = "line"
    """Nothing passes between an ingress and the carrier."""


OF_ROLES = frozenset({What.KILL, What.VANISH, What.STOP, What.DRAIN, What.CUT, What.LOST, What.RESET})
OF_BRAINS = frozenset({What.MODEL, What.STALL})
OF_INGRESS = frozenset({What.CARRIER, What.LINE})

MOMENTS = frozenset({What.KILL, What.VANISH, What.DRAIN, What.RESET, What.MODEL, What.CARRIER})
"""Faults that last no time."""

AT_ANY_STEP = frozenset({What.KILL, What.VANISH, What.STOP})
"""Faults that come after so many more callbacks of their process: by the clock alone they would always meet
one that has nothing to do."""

FAIL_OVER_S = 0.8
"""From the death of a primary to a replica that serves."""

GONE_S = 0.2
"""From the death of a server to its next boot, which then reads what it had."""

LASTS_S = (0.1, 3.0)
STEPS_MOST = 400
CALM_S = 4.0
"""At the beginning, for the calls to begin; faults that last are over by the end."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One."""

    at_s: float
    """Since the first caller rang."""
    what: What
    target: str = ""
    """The process; empty: Redis, or the model."""
    lasts_s: float = 0.0
    after_steps: int = 0
    """Callbacks of its process that still run before it comes."""

    def __str__(self) -> str:
        how_long = f" for {self.lasts_s:.2f} s" if self.lasts_s else ""
        when = f" after {self.after_steps} steps" if self.after_steps else ""
        return f"{self.at_s:6.2f} s {self.what} {self.target or 'redis'}{how_long}{when}"


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
        steps = chance.randrange(1, STEPS_MOST) if what in AT_ANY_STEP else 0
        found.append(Fault(round(at_s, 3), what, _target(what, chance, workers), lasts_s, steps))
        at_s += lasts_s
    return found


# Private.


def _target(what: What, chance: Random, workers: int) -> str:
    number = chance.randrange(workers)
    if what in OF_ROLES:
        return f"{chance.choice(('ingress', 'brain', 'egress'))}-{number}"
    if what in OF_BRAINS:
        return f"brain-{number}"
    return f"ingress-{number}" if what in OF_INGRESS else ""
