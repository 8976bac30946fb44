"""A line of a call's journal for people. Pure.

Owns: which of its fields are shown, and how. Must not know: Redis, how wide a line is.
"""

from __future__ import annotations

from datetime import UTC, datetime

from shared.contract.streams.journal import JournalEntry


def details(entry: JournalEntry) -> str:
    """Who wrote it, without host and boot, and the fields that say something, as `name=value`."""
    writer = entry.writer.partition("@")[0]
    shown = [f"{name}={value}" for name, value in entry.fields.items() if value]
    return "  ".join([*([writer] if writer else []), *shown])


def date(at_ms: int) -> str:
    """Day and time of day, UTC: 2026-01-31 01:40:09."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock(at_ms: int) -> str:
    """The time of day, UTC: 01:40:09.123."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
