"""Nothing flows before the server has confirmed µ-law both ways."""

from __future__ import annotations

import pytest

from brain.json_fields import Json
from brain.model.realtime.gate import GateStep, SessionGate


def updated(heard: str = "audio/pcmu", spoken: str = "audio/pcmu") -> Json:
    return {
        "type": "session.updated",
        "session": {"audio": {"input": {"format": {"type": heard}}, "output": {"format": {"type": spoken}}}},
    }


def test_created_then_update_then_open() -> None:
    """The way it goes when all is well."""
    gate = SessionGate(update_id="u")

    created: Json = {"type": "session.created", "session": {"id": "s", "expires_at": 1_900_000_000}}
    steps = [gate.handle(created), gate.handle({"type": "rate_limits.updated"}), gate.handle(updated())]

    assert steps == [GateStep.SEND_UPDATE, GateStep.WAIT, GateStep.OPEN]
    assert (gate.session_id, gate.expires_at_s) == ("s", 1_900_000_000)


@pytest.mark.parametrize(
    ("heard", "spoken"), [("audio/pcm", "audio/pcmu"), ("audio/pcmu", "audio/pcm"), ("", "")]
)
def test_another_format_is_refused(heard: str, spoken: str) -> None:
    """A server that ignored our format would be heard as static."""
    gate = SessionGate(update_id="u")

    assert gate.handle(updated(heard, spoken)) is GateStep.REFUSED
    assert "audio/pcmu" in gate.reason


def test_a_refused_update_does_not_go_live() -> None:
    """All or nothing: the old configuration, PCM, stays."""
    gate = SessionGate(update_id="u")
    error: Json = {"type": "error", "error": {"code": "unknown_parameter", "event_id": "u"}}

    assert gate.handle(error) is GateStep.REFUSED
    assert (gate.reason, gate.is_fatal) == ("unknown_parameter", True)


def test_what_is_refused_is_named() -> None:
    """A voice that there is not, a tool's schema: the code alone would not say which."""
    gate = SessionGate(update_id="u")
    param = "session.audio.output.voice"
    error: Json = {"type": "error", "error": {"code": "invalid_value", "param": param, "event_id": "u"}}

    assert gate.handle(error) is GateStep.REFUSED
    assert gate.reason == f"invalid_value in {param}"


@pytest.mark.parametrize(
    "error",
    [{"type": "server_error"}, {"type": "server_error", "code": "rate_limit_exceeded", "event_id": "u"}],
)
def test_trouble_of_the_provider_is_no_last_word(error: Json) -> None:
    """A call that begins just then is tried again, not sent away."""
    gate = SessionGate(update_id="u")

    assert gate.handle({"type": "error", "error": error}) is GateStep.REFUSED
    assert not gate.is_fatal


def test_an_update_without_a_session_is_refused() -> None:
    """A missing echo confirms nothing."""
    assert SessionGate(update_id="u").handle({"type": "session.updated"}) is GateStep.REFUSED
