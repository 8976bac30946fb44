"""Verdicts for CI."""

from __future__ import annotations

from xml.etree import ElementTree

from console.trial.judge import Verdict
from console.trial.junit import Suite, junit

MET = Verdict(line=5, expected="stock() within 4 s", met=True, got="stock({})", at_ms=2000.0)
NOT_MET = Verdict(line=7, expected="the words “<three>”", met=False, got="“x & \x07y”", at_ms=5500.0)
WHOLE = Verdict(line=0, expected="every step", met=False, got="line 3")


def test_a_suite_a_scenario_and_a_case_a_verdict() -> None:
    """Counted, timed, with the line; a failure has its message."""
    text = junit([
        Suite(name="a.toml", agent="sales", seconds=12.3456, verdicts=[MET, NOT_MET, WHOLE]),
        Suite(name="b.toml", agent="default", seconds=1.0, verdicts=[]),
    ])  # fmt: skip
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>')
    first, second = ElementTree.fromstring(text.encode())
    assert (first.get("name"), first.get("tests"), first.get("failures"), first.get("time")) == (
        "a.toml", "3", "2", "12.346",
    )  # fmt: skip
    assert (second.get("tests"), second.get("failures")) == ("0", "0")
    met, not_met, whole = first
    assert (met.get("name"), met.get("classname")) == ("line 5: stock() within 4 s", "sales.a.toml")
    assert list(met) == []
    assert whole.get("name") == "every step"
    (failure,) = not_met
    expected = "expected the words “<three>”, got “x & \ufffdy” (at 5.50 s of the call)"
    assert (failure.get("message"), failure.text) == (expected, expected)
    (failure,) = whole
    assert failure.text == "expected every step, got line 3"
