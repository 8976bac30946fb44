"""Opening one session to see whether the model can be had."""

from __future__ import annotations

import pytest

from brain.model.probe import check_session
from shared.settings import Settings, load
from simulators.realtime import Knobs, RealtimeSimulator


def settings_for(base_url: str) -> Settings:
    return load(env_file=None, openai_api_key="sk-test", openai_base_url=base_url)


async def test_a_model_that_can_be_had() -> None:
    """The gate is passed, nothing is said, the session is closed."""
    async with RealtimeSimulator() as model:
        found = await check_session(settings_for(model.base_url))
    assert found.ok
    assert "µ-law confirmed both ways" in str(found)
    session = model.sessions[0]
    assert [event.type for event in session.received] == ["session.update"]
    assert session.responses == {}
    assert session.appends == 0
    assert session.closed_at_ms is not None


@pytest.mark.parametrize(("status", "fatal"), [(401, True), (503, False)])
async def test_a_refusal(status: int, fatal: bool) -> None:
    """Its cause, and whether waiting helps; no key in it."""
    async with RealtimeSimulator(knobs=Knobs(connect_status=status)) as model:
        found = await check_session(settings_for(model.base_url))
    assert (found.ok, found.cause, found.detail, found.fatal) == (
        False,
        "connect_refused",
        f"HTTP {status}",
        fatal,
    )
    assert "sk-test" not in str(found)


async def test_nobody_there() -> None:
    """Said as such."""
    found = await check_session(settings_for("http://127.0.0.1:9/v1"))
    assert (found.ok, found.cause, found.fatal) == (False, "connect_failed", False)
    assert found.as_dict()["ok"] is False
