"""Figures of clean calls, and what could be overheard of one."""

from __future__ import annotations

from array import array

from proofs.prove.hostile.clean import Figures, judge, overheard
from simulators.twilio.record import CallRecord, MediaStream, Webhook


def record() -> CallRecord:
    """A call whose voice webhook was asked."""
    found = CallRecord("CA1", "+15550001111", "+15550002222", 0.0)
    voice = Webhook("voice", "https://demo.test/voice", 1, 0.0)
    voice.params = {"CallSid": "CA1"}
    found.webhooks += [Webhook("call_status", "https://demo.test/call-status", 1, 0.0), voice]
    return found


def test_what_is_overheard_is_the_first_webhook_and_the_token() -> None:
    """Nothing of a call that has no stream yet."""
    call = record()
    assert overheard(call, is_over=False) is None
    call.streams.append(MediaStream(1, "MZ1", "wss://demo.test/media", {"token": "t"}, 0.0))
    found = overheard(call, is_over=True)
    assert found is not None
    assert (found.url, found.params, found.token) == ("https://demo.test/voice", {"CallSid": "CA1"}, "t")
    assert found.is_over


def test_waves_are_added_up() -> None:
    """The lateness of all frames together, the worst delay of the callers."""
    both = Figures(calls=1, behind_ms=array("d", [1.0] * 99), wrong=["a"], simulator_late_ms=3.0)
    both.add(Figures(calls=2, behind_ms=array("d", [9.0] * 99), wrong=["b"], simulator_late_ms=2.0, holes=4))
    assert (both.calls, both.wrong, both.simulator_late_ms, both.holes) == (3, ["a", "b"], 3.0, 4)
    assert len(both.behind_ms) == 198
    assert both.p99_ms == 9.0
    assert Figures().p99_ms == 0.0


def test_a_call_that_heard_nothing_went_wrong() -> None:
    """It is one of the calls all the same."""
    found = judge([record()], [])
    assert found.calls == 1
    assert len(found.wrong) == 1
