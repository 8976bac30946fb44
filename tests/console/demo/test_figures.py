"""The figures of the demo's call, from the record of the simulated caller."""

from __future__ import annotations

from console.demo.figures import figures
from simulators.twilio.record import CallRecord
from tests.console.demo.test_verdict import good_call


def test_figures_of_the_call() -> None:
    """Response times, barge-in and frames are those of the record."""
    found = figures(good_call())
    assert [turn.name for turn in found.turns] == ["ask", "interrupt", "goodbye"]
    assert [turn.response_ms for turn in found.turns] == [1000, 1560, 1000]
    assert found.barge_in_silent_ms == [60]
    assert (found.frames_late, found.frames_lost) == (0, 0)


def test_a_call_without_a_word() -> None:
    """Nothing is divided by nothing."""
    found = figures(CallRecord(call_sid="CA", from_number="", to_number="", zero_ms=0.0))
    assert (found.turns, found.barge_in_silent_ms, found.frames_to_caller) == ([], [], 0)
    assert found.worst_late_ms == 0.0
