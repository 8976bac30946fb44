"""The doctor's rules about agents and the model: what the provider named is what is to be corrected."""

from __future__ import annotations

import pytest

from console.doctor import brain as rules
from console.doctor.findings import Level

URL = "https://gateway.example.com/v2"


def refused(cause: str, detail: str, *, fatal: bool = True, agent: str = "default") -> dict[str, object]:
    """What the check says of a session that was not opened."""
    return {"agent": agent, "ok": False, "model": "m", "voice": "v", "took_ms": 9, "cause": cause,
            "detail": detail, "fatal": fatal}  # fmt: skip


def opened(agent: str, took_ms: int) -> dict[str, object]:
    """What it says of one that was."""
    return {"agent": agent, "ok": True, "model": "m", "voice": "v", "took_ms": took_ms}


def test_agents() -> None:
    """Names, problems, or a check that broke."""
    assert rules.judge_agents("", ["default", "orders"], [])[0].found == "2 agents: default, orders"
    assert [each.level for each in rules.judge_agents("code 3", [], ["a", "b"])] == [Level.FAIL, Level.FAIL]
    (broken,) = rules.judge_agents("no answer within 20 s", [], [])
    assert (broken.level, broken.found) == (Level.FAIL, "no answer within 20 s")


@pytest.mark.parametrize(
    ("cause", "detail", "fatal", "said"),
    [
        ("connect_refused", "HTTP 401", True, "OPENAI_API_KEY"),
        ("connect_refused", "HTTP 404", True, "OPENAI_BASE_URL=https://gateway.example.com/v2: its path"),
        ("connect_refused", "HTTP 429", False, "quota"),
        ("connect_failed", "TimeoutError", False, "OPENAI_BASE_URL=https://gateway.example.com/v2 right"),
        ("session_refused", "model_not_found", True, "TRUNKLINE_MODEL"),
        ("session_refused", "invalid_value in session.audio.output.voice", True, "TRUNKLINE_VOICE"),
        ("session_refused", "invalid_value in session.audio.input.transcription.language", True,
         "TRUNKLINE_LANGUAGE"),
        ("session_refused", "invalid_value in session.tools[0].parameters", True, "a tool"),
        ("session_refused", "unheard_of", True, "Waiting does not help"),
        ("connect_refused", "HTTP 503", False, "again"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_reached(cause: str, detail: str, fatal: bool, said: str) -> None:
    """The remedy names what the provider has named."""
    (found,) = rules.judge_sessions([refused(cause, detail, fatal=fatal)], "", URL)
    assert found.level is Level.FAIL
    assert said in found.do


def test_each_agent_has_a_session_of_its_own() -> None:
    """One that is refused is named, the others are one line; a base URL's password is not shown."""
    answers = [
        opened("default", 80),
        refused("session_refused", "invalid_value in session.audio.output.voice", agent="sales"),
        opened("night", 120),
    ]
    bad, good = rules.judge_sessions(answers, "", "https://me:hidden@x.example/v1")
    assert (bad.what, bad.level) == ("model session, agent sales", Level.FAIL)
    assert "that of [agents.sales]" in bad.do
    assert good.found == "2 of 3 agents: m: µ-law confirmed both ways in 120 ms, closed again"
    (lost,) = rules.judge_sessions(
        [refused("connect_refused", "HTTP 404")], "", "https://me:hidden@x.example"
    )
    assert "hidden" not in lost.do


def test_a_check_that_said_nothing() -> None:
    """With the reason, and how to ask by hand."""
    (found,) = rules.judge_sessions([], "no answer within 60 s", URL)
    assert (found.level, found.found) == (Level.FAIL, "no answer within 60 s")
