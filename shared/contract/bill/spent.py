"""`tl:{spent}:<day>`: what all calls of a day have cost, for the budget of a day and for people.

Why it exists: calls of a day are served by many processes, and a budget is for all of them together. Owns:
the field, the commands, the day of a moment. Pure. Must not know: what a budget is, when something is added.

The day is UTC's. A sum may be a little too large: a write whose answer was lost is sent again, and counts
twice.
"""

from __future__ import annotations

from datetime import UTC, datetime

from shared.contract.command import Command
from shared.contract.keys import SPENT_TTL_MS, Keys

_FIELD = b"spent_micros"


def day_of(wall_ms: int) -> str:
    """2026-11-28."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC).strftime("%Y-%m-%d")


def spent_commands(keys: Keys, day: str, micros: int) -> tuple[Command, Command]:
    """Adds so many millionths to a day. The answer to the first is the day's sum."""
    key = keys.spent(day).encode()
    return (
        Command(key, (b"HINCRBY", key, _FIELD, b"%d" % micros)),
        Command(key, (b"PEXPIRE", key, b"%d" % SPENT_TTL_MS)),
    )
