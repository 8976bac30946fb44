"""Opening one session to see whether the model can be had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from brain.agents.agent import Agent, default_agent
from brain.model.probe import check_agents, check_session, make_client, refused_agents
from brain.tools.toolbox import Toolbox
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


def agents(settings: Settings, *said: dict[str, Any]) -> list[tuple[Agent, Toolbox]]:
    """One for each of these, with a name by its place."""
    default = default_agent(settings)
    made = [replace(default, name=f"a{number}", **each) for number, each in enumerate(said)]
    return [(agent, Toolbox.of((), 1.0)) for agent in made]


async def test_each_agent_is_tried_as_it_would_be_on_a_call() -> None:
    """With its headers and its texts; what nobody says of a caller is empty."""
    async with RealtimeSimulator() as model:
        settings = settings_for(model.base_url)
        tried = agents(settings, {"headers": {"X-Project": "p"}}, {"instructions": "Serve {{name}} well."})
        async with make_client(settings) as client:
            found = await check_agents(client, tried)

    assert [(each.agent, each.ok) for each in found] == [("a0", True), ("a1", True)]
    by_header = {record.headers.get("x-project", ""): record for record in model.sessions}
    ids = {record.headers["x-client-request-id"] for record in model.sessions}
    (update,) = by_header[""].received_of("session.update")
    assert update["session"]["instructions"] == "Serve  well."  # type: ignore[index]
    assert by_header["p"].closed_at_ms is not None
    assert len(ids) == 2
    assert all(each.startswith("trunkline-check") for each in ids)


async def test_what_is_refused_is_told_in_the_providers_words() -> None:
    """And whether it would say so again: a file is wrong then, or the provider is away."""
    async with RealtimeSimulator() as model:
        settings = settings_for(model.base_url)
        async with make_client(settings) as client:
            (refused,) = await refused_agents(client, "", agents(settings, {}, {"voice": "nobody"}))
    settings = settings_for("http://127.0.0.1:9/v1")
    async with make_client(settings) as client:
        (away,) = await refused_agents(client, "", agents(settings, {}))

    assert (refused.agent, refused.is_final, away.is_final) == ("a1", True, False)
    assert refused.reason.startswith("session_refused: invalid_value in session.audio.output.voice: ")
