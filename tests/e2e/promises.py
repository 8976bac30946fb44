"""What every call is promised, as assertions over simulators/comparison.py."""

from __future__ import annotations

from typing import Any, cast

from simulators.comparison import stale_frames, unheard_items
from simulators.realtime import SessionRecord
from simulators.twilio import CallRecord


def assert_whole_items_heard(call: CallRecord, session: SessionRecord) -> None:
    """Every item that nobody interrupted was heard to the byte."""
    assert unheard_items(call, session) == []


def assert_nothing_stale(call: CallRecord, session: SessionRecord) -> None:
    """After a clear, no frame of an item that was interrupted is heard."""
    assert stale_frames(call, session) == 0


def created_events(session: SessionRecord) -> list[dict[str, Any]]:
    """`response.create` events of the bridge."""
    return cast("list[dict[str, Any]]", session.received_of("response.create"))


def assert_protocol_kept(call: CallRecord, session: SessionRecord) -> None:
    """Neither side had anything to complain about."""
    assert call.violations == []
    assert session.violations == []
    assert call.failures == []


def heard_items(call: CallRecord) -> set[str]:
    """Items that were played to the caller, by their marks."""
    return {mark.name.split(".")[2] for mark in call.marks if not mark.cleared}
