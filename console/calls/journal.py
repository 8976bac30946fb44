"""A line of a call's journal for people. Pure.

Owns: which of its fields are shown, and how; who had the call before. Must not know: Redis, how wide a line
is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from shared.contract.streams.journal import JournalEntry, Kind, LineField


def details(entry: JournalEntry) -> str:
    """Who wrote it, without host and boot, and the fields that say something, as `name=value`."""
    writer = entry.writer.partition("@")[0]
    shown = [f"{name}={value}" for name, value in entry.fields.items() if value]
    return "  ".join([*([writer] if writer else []), *shown])


def agents_before(journal: Iterable[JournalEntry]) -> list[str]:
    """Who had the call before another agent went on with it, by name, in their order."""
    return [each.told(LineField.WAS) for each in journal if each.kind == Kind.AGENT_CHANGED]


def date(at_ms: int) -> str:
    """Day and time of day, UTC: 2026-01-31 01:40:09."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock(at_ms: int) -> str:
    """The time of day, UTC: 01:40:09.123."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
