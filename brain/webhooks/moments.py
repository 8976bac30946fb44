"""Moments as the bodies of webhooks have them: ISO 8601, UTC, milliseconds. Pure.

Why it exists: what is told comes from streams that are open to hands, and no figure in them may stop a
courier. Owns: that form, and what is no moment at all. Must not know: what happened then.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

LATEST_MS: Final = 253_402_300_799_999
"""The end of the year 9999: what no clock can say is no moment."""


def iso(ms: object) -> str | None:
    """A moment, by the clock on the wall; None for what is none."""
    if not isinstance(ms, int) or not 0 < ms <= LATEST_MS:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
