"""A guard for what needs one and is not about it: counts what it catches, writes to a Redis that is not
there."""

from __future__ import annotations

from shared.contract.keys import Keys
from shared.logs.log import get_log
from shared.ownership.counters import OwnershipCounters
from shared.ownership.guard import CallGuard
from shared.ownership.journal import JournalPen
from shared.store.writing.outbox import Outbox
from tests.support.ways import way_to


def a_guard(outbox: Outbox | None = None) -> CallGuard:
    """`counters.bugs` says what it has caught."""
    outbox = outbox or Outbox(way_to("redis://127.0.0.1:1/0"), name="test", commit_ms=3.0)
    return CallGuard(JournalPen(outbox, Keys(1), b"brain-0@h#1"), OwnershipCounters(), get_log())
