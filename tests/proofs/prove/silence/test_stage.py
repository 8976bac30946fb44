"""What stands on a stage before a stack does."""

from __future__ import annotations

from random import Random

from brain.agents.file import parse
from proofs.prove.silence.cast import Cast
from proofs.prove.silence.stage import AGENTS, NUMBERS, knobs_of


def test_a_session_gets_the_knobs_of_its_call() -> None:
    """One of a call that nobody plays any more is healthy."""
    casts = {"CA1": Cast("story.toml", Random(1), list)}
    assert knobs_of(casts, {"x-client-request-id": "CA1/2"}).script == "story.toml"
    assert knobs_of(casts, {"x-client-request-id": "CA2/1"}).script == ""
    assert knobs_of(casts, {}).opening_ms == 0.0


def test_each_agent_that_a_row_names_is_there() -> None:
    """By its number; the caller of the default agent dials none of them."""
    agents = parse(AGENTS, ("check_order", "end_call")).agents
    assert {name: table.numbers for name, table in agents.items()} == {
        name: [number] for name, number in NUMBERS.items() if name != "default"
    }
