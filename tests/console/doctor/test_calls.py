"""Live calls as findings: whoever is left alone is a fault, whatever egress said last."""

from __future__ import annotations

from console.calls.trouble import Crew
from console.doctor import calls as rules
from console.doctor.findings import Level
from tests.support.top_samples import PROBLEM, call, crew, seen, unreadable_call


def test_calls_that_are_well() -> None:
    """One line; a slow model leaves nobody alone."""
    (found,) = rules.judge([call(1), call(2, verdict="model_slow")])
    assert (found.level, found.what, found.found) == (Level.OK, "live calls", "2, nobody is left alone")
    assert rules.judge([])[0].level is Level.OK


def test_a_caller_who_hears_nothing() -> None:
    """By its end, with the whole name of the process that is gone."""
    (found,) = rules.judge([call(7, crew=crew(egress_0=27_000)), call(1)])
    assert (found.level, found.what) == (Level.FAIL, "call …000007")
    assert found.found == "egress-0 is gone: caller hears nothing (egress-0@box#c3)"
    assert f"`trunkline hangup CA{7:032x}`" in found.do


def test_sound_that_is_owed() -> None:
    """What happened last is in its journal."""
    (found,) = rules.judge([call(7, owed_ms=5_200, owed_cause="turn")])
    assert found.found == "owed sound for 5.2 s: turn"
    assert found.do.startswith(f"`trunkline show CA{7:032x}`")


def test_when_no_process_shows_a_beat_no_call_is_blamed() -> None:
    """All have ended, or Redis takes no writes: one finding, whose cause stands elsewhere."""
    silent = crew(ingress_0=9_000, brain_1=9_000, egress_0=9_000)
    (found,) = rules.judge([call(7, crew=silent), call(8, crew=silent), unreadable_call(9)])
    assert (found.level, found.what) == (Level.FAIL, "live calls")
    assert found.found == "3: no process shows a beat: all ended, or Redis takes no writes"
    assert found.do == "See the findings on Redis and workers."


def test_a_ghost_and_a_card_that_cannot_be_read() -> None:
    """Each can be ended."""
    gone = {**crew(ingress_0=9_000, brain_1=9_000, egress_0=9_000).seen, "brain-7@box#n1": seen()}
    ghost, unreadable = rules.judge([call(7, crew=Crew(seen=gone)), unreadable_call(9)])
    assert ghost.found == "a ghost: nobody has this call any more"
    assert "takes it off the list and frees its slot" in ghost.do
    assert (unreadable.found, unreadable.level) == (PROBLEM, Level.FAIL)


def test_a_fault_that_takes_many_calls_is_not_a_page_of_findings() -> None:
    """The rest is counted."""
    found = rules.judge([call(number, crew=crew(egress_0=27_000)) for number in range(1, 12)])
    assert len(found) == rules.MOST + 1
    assert found[-1].found == "5 more in trouble"
