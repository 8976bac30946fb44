"""An entry of a call's journal as a line for people. Pure.

Owns: which of its fields are shown, and how. Must not know: Redis, how wide a line is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One entry."""

    at_ms: int
    kind: str
    text: str
    """The other fields that say something, as `name=value`."""


def journal_line(entry_id: str, fields: Mapping[str, str]) -> JournalLine:
    """An entry for people; who wrote it and when stand in `from` and in its id."""
    rest = [
        f"{name}={value}"
        for name, value in fields.items()
        if value and name not in ("kind", "from", "t", "v")
    ]
    writer = fields.get("from", "").partition("@")[0]
    return JournalLine(
        at_ms=int(entry_id.partition("-")[0]),
        kind=fields.get("kind", "?"),
        text="  ".join([*([writer] if writer else []), *rest]),
    )


def clock(at_ms: int) -> str:
    """The time of day, UTC: 01:40:09.123."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
