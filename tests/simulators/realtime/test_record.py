"""What a session's record can be asked."""

from __future__ import annotations

from simulators.realtime.record import MAX_EVENTS
from tests.support.record_samples import receives, sends, session


def test_events_are_found_by_type_and_direction() -> None:
    """In the order in which they passed."""
    record = session()
    sends(record, "response.created", number=1)
    sends(record, "response.done")
    sends(record, "response.created", number=2)
    receives(record, "response.create")

    assert [event["number"] for event in record.sent_of("response.created")] == [1, 2]
    assert record.sent_of("response.create") == []
    assert record.received_of("response.create") == [{"type": "response.create"}]


def test_a_long_session_keeps_its_latest_events() -> None:
    """The oldest go first, so that a night of calls fits into memory."""
    record = session()
    for number in range(MAX_EVENTS + 1):
        sends(record, "ping", number=number)

    assert len(record.sent) == MAX_EVENTS
    assert record.sent[0].event["number"] == 1
