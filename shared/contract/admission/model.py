"""`tl:model`: how much of the model account's rate is left, by its server's last word.

Why it exists: all sessions of a deployment share one account, and a call that is let in when its rate is used
up hears an apology instead of a greeting. Owns: the one field, both ways, and until when it counts. Pure.
Must not know: how a model tells of it, what follows.
"""

from __future__ import annotations

from shared.contract.command import Command
from shared.contract.keys import MODEL

LEFT = "left"
"""The share that is left, 0 to 1, of that which is nearest to its end."""

COUNTS_MOST_MS = 60_000
"""A word that is older says nothing: rates are by the minute."""


def model_commands(left: float, counts_ms: int) -> tuple[Command, Command]:
    """What is left, and for how long that is worth knowing: then it is whole again."""
    key = MODEL.encode()
    return (
        Command(key, (b"HSET", key, LEFT.encode(), b"%.3f" % left)),
        Command(key, (b"PEXPIRE", key, b"%d" % min(max(counts_ms, 1), COUNTS_MOST_MS))),
    )


def read_model(found: bytes | None) -> float | None:
    """None: nobody has said, or it cannot be read."""
    try:
        left = None if found is None else float(found)
    except ValueError:
        return None
    return left if left is not None and 0 <= left <= 1 else None
