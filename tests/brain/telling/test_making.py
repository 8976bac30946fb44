"""What a call's teller begins with, and that it follows the agent that answers."""

from __future__ import annotations

from dataclasses import replace

from brain.agents.agent import TurnDetection, default_agent
from brain.telling import making
from shared.settings import load
from tests.brain.call.test_parts import CARD, made
from tests.brain.telling.test_teller import Desk

AGENT = default_agent(load(env_file=None))


async def test_a_bill_that_cannot_be_read_begins_anew() -> None:
    """No call ends by it; what the last answer took is known all the same."""
    call = await made(replace(CARD, usage="nonsense", response_ms=900))
    teller = call._parts.watch.teller

    assert teller.meter.usages == ()
    assert teller.response_ms == 900


async def test_another_agent_is_billed_and_heard_as_it_is() -> None:
    """By its name, and by what its own detector adds to a voice."""
    teller = Desk().teller()
    by_meaning = replace(AGENT, name="support", turn_detection=TurnDetection(kind="semantic_vad"))

    making.follow(teller, AGENT)
    assert (teller.voice.before_ms, teller.voice.behind_ms) == (300.0, 500.0)
    making.follow(teller, by_meaning)

    assert teller.meter.agent == "support"
    assert (teller.voice.before_ms, teller.voice.behind_ms) == (0.0, 0.0)
