"""The way out of a session."""

from __future__ import annotations

from random import Random

from simulators.realtime.session.ids import IdMinter
from simulators.realtime.session.outlet import Close, Outlet, Send, StopReading
from tests.support.record_samples import session


def outlet(**knobs: object) -> Outlet:
    record = session()
    for name, value in knobs.items():
        setattr(record.knobs, name, value)
    return Outlet(record, Random(1), IdMinter(Random(1)))


def test_every_event_is_recorded_with_an_id_of_its_own() -> None:
    """What the driver is told to send stands on the record, with its time."""
    out = outlet()
    out.emit(1.0, "response.created", response={})
    out.emit(2.0, "response.done")

    sent = [action.event for action in out.actions if isinstance(action, Send)]
    assert [timed.event for timed in out.record.sent] == sent
    assert [timed.at_ms for timed in out.record.sent] == [1.0, 2.0]
    assert sent[0]["event_id"] != sent[1]["event_id"]
    assert out.record.sent_count == 2


def test_nothing_leaves_after_a_close() -> None:
    """Neither an event nor another close; the record has the first code."""
    out = outlet()
    out.close(5.0, 1001, "over")
    out.emit(6.0, "response.done")
    out.close(7.0, 1011, "again")

    assert out.actions == [Close(1001, "over")]
    assert (out.record.close_code, out.record.closed_at_ms) == (1001, 5.0)
    assert out.record.sent_count == 0


def test_a_knob_closes_at_its_moment_or_some_time_later() -> None:
    """The n-th event of its type, whether it is sent or received."""
    at_once = outlet(close_on="ping", close_on_count=2)
    at_once.on_event(1.0, "ping")
    at_once.on_event(2.0, "pong")
    assert not at_once.closed
    at_once.emit(3.0, "ping")
    assert at_once.record.closed_at_ms == 3.0

    later = outlet(close_on="ping", close_after_ms=100.0)
    later.on_event(1.0, "ping")
    later.timers.fire(100.0)
    assert not later.closed
    later.timers.fire(101.0)
    assert later.record.closed_at_ms == 101.0


def test_a_knob_stops_the_reading_once() -> None:
    """Else a client that sends such an event often would never be read again."""
    out = outlet(stall_on="ping", stall_reader_ms=50.0)
    out.on_event(1.0, "ping")
    out.on_event(2.0, "ping")

    assert out.actions == [StopReading(50.0)]
