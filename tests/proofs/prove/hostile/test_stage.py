"""What stands on a stage before a stack does: whose a session is, and how the model behaves in it."""

from __future__ import annotations

from typing import Any

from proofs.prove.hostile.stage import Stage, knobs_of
from simulators.realtime import Knobs, RealtimeSimulator, SessionRecord


def session(call_sid: str, number: int = 1) -> SessionRecord:
    """One of a call's."""
    headers = {"x-client-request-id": f"{call_sid}/{number}"} if call_sid else {}
    return SessionRecord(number, f"sess_{number}", "gpt", Knobs(), 0.0, headers)


def stage(*sessions: SessionRecord) -> Stage:
    """Without a stack."""
    model, nothing = RealtimeSimulator(), Any
    model.sessions += sessions
    return Stage(nothing, nothing, model, nothing, nothing, {"CA9"})


def test_sessions_of_nobody_we_know_are_foreign() -> None:
    """Clean calls, and those in which the model obeys, are known."""
    found = stage(session("CA1"), session("CA9"), session("CA5"), session(""))
    assert found.foreign_sessions({"CA1"}) == 2
    assert [each.number for each in found.sessions_of({"CA1"})] == [1]


def test_what_was_said_in_a_judged_call_is_not_kept() -> None:
    """That there was a session is."""
    one = session("CA1")
    one.items["i"] = one.responses["r"] = None  # type: ignore[assignment]
    found = stage(one, session("CA2"))
    found.forget({"CA1"})
    assert (one.items, one.responses) == ({}, {})
    assert len(found.model.sessions) == 2


def test_only_injected_calls_have_a_model_that_obeys() -> None:
    """All others have the usual one."""
    assert knobs_of({"x-client-request-id": "CA1/1"}, {"CA1"}, "obedient.toml", 7).script == "obedient.toml"
    healthy = knobs_of({"x-client-request-id": "CA2/1"}, {"CA1"}, "obedient.toml", 7)
    assert (healthy.script, healthy.seed) == ("", 7)
