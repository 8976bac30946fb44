"""What sound is owed for, in the words of those who say it: the brain, or ingress where no brain does.

Why it exists: a silence is named on the card, in a verdict, in metrics and as the cause of an end. Owns: the
words. Pure. Must not know: when a debt is raised (brain/sequencer/debts.py), when it is paid
(ingress/calls/owed.py).
"""

from __future__ import annotations

import enum


class DebtCause(enum.StrEnum):
    """What sound is owed for."""

    GREETING = "greeting"
    TURN = "turn"
    """The caller has said something."""
    KEYS = "keys"
    TOOL = "tool"
    """The model was heard to say that it will look something up, or a tool has its result."""
    OPERATOR = "operator"
    RESUME = "resume"
    """The caller is back, or another brain has the call."""
    FAREWELL = "farewell"


class NoWord(enum.StrEnum):
    """What sound is owed for when no brain says it."""

    PICK_UP = "pick_up"
    """Nobody has spoken for this call yet."""
    NO_BRAIN = "no_brain"
    """No brain has said a word for 2 s."""
    NO_REDIS = "no_redis"
    """The same, and Redis is away."""
    REDIS_REFUSES = "redis_refuses"
    """The same, and Redis is there and refuses writes."""
    NO_SESSION = "no_session"
    """The caller has said something to a brain that has no session with the model."""
    BROKEN_OFF = "broken_off"
    """An answer stopped in the middle."""


CAUSES = (*DebtCause, *NoWord)
"""All that sound may be owed for."""
