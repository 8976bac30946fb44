"""Whose update a server has answered: by their order where it accepts, by an id where it refuses."""

from __future__ import annotations

import asyncio

import pytest

from brain.errors import EngineError
from brain.model.realtime.updates import MOST_UNANSWERED, Updates


async def test_an_echo_is_that_of_the_oldest() -> None:
    """One that nobody waits for is passed over first."""
    updates = Updates()
    updates.sent("silence")
    answered = updates.awaited("agent-1")

    updates.accepted()
    assert not answered.done()
    updates.accepted()

    await answered


async def test_a_refusal_is_that_of_its_id() -> None:
    """What was sent behind it is answered as it was sent; what passes is no fault of the agent's."""
    updates = Updates()
    first, second = updates.awaited("agent-1"), updates.awaited("agent-2")

    updates.refused("agent-1", "invalid_value")
    updates.accepted()

    with pytest.raises(EngineError) as caught:
        await first
    assert (caught.value.cause, caught.value.detail, caught.value.fatal) == (
        "session_refused", "invalid_value", True,
    )  # fmt: skip
    await second

    third = updates.awaited("agent-3")
    updates.refused("agent-3", "rate_limit_exceeded")
    with pytest.raises(EngineError) as caught:
        await third
    assert not caught.value.fatal


async def test_what_is_nobodys_does_no_harm() -> None:
    """An echo too many, an error about something else, an answer after the wait."""
    updates = Updates()
    updates.accepted()
    updates.refused("something", "invalid_value")
    answered = updates.awaited("agent-1")
    answered.cancel()
    await asyncio.sleep(0)
    updates.accepted()
    updates.accepted()

    later = updates.awaited("agent-2")
    updates.accepted()
    await later


async def test_a_session_that_is_over_answers_nothing_more() -> None:
    """Whoever waits is told."""
    updates = Updates()
    answered = updates.awaited("agent-1")

    updates.over(EngineError("closed"))

    with pytest.raises(EngineError, match="closed"):
        await answered


async def test_a_server_that_echoes_nothing_costs_no_memory() -> None:
    """The oldest is not waited for any more."""
    updates = Updates()
    for number in range(10 * MOST_UNANSWERED):
        updates.sent(f"silence-{number}")
    answered = updates.awaited("agent-1")
    for _ in range(MOST_UNANSWERED):
        updates.accepted()

    await answered
