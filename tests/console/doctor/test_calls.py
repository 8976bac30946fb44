"""Calls in trouble, as the doctor tells them first."""

from __future__ import annotations

from console.doctor.calls import MAX_CALLS, Troubled, judge_calls
from console.doctor.findings import Level

SID = "CA" + "1" * 26 + "2c1040"


def test_a_call_in_trouble_fails_with_what_to_do() -> None:
    """By the end of its SID, in words; the whole SID stands in the commands."""
    (found,) = judge_calls(3, [Troubled(SID, "egress-0 shows no beat")])
    assert (found.level, found.what, found.found) == (Level.FAIL, "call …2c1040", "egress-0 shows no beat")
    assert f"trunkline show {SID}" in found.do
    assert f"trunkline hangup {SID}" in found.do


def test_many_are_counted() -> None:
    """Eight are named, the rest is a number."""
    found = judge_calls(20, [Troubled(SID, "x")] * (MAX_CALLS + 3))
    assert len(found) == MAX_CALLS + 1
    assert found[-1].found == "3 more in trouble"


def test_calm_calls_are_one_line() -> None:
    """With how many there are."""
    assert [each.found for each in judge_calls(2, [])] == ["2 live, none in trouble"]
