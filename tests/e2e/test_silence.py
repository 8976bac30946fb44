"""Nobody is left in silence: the short form of `make prove-silence`, judged at the caller's ear.

A caller hears something of ours within 4.5 s of silence, an answer or the apology within 13 s, and an answer
when the fault has passed within 8 s.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proofs.prove.silence.director import Director
from proofs.prove.silence.limits import Result
from proofs.prove.silence.rows import chosen
from proofs.prove.silence.stage import Stage, stage_on
from tests.e2e.conftest import Bridge

pytestmark = pytest.mark.timeout(120)

TOGETHER = (
    "failed_for_good_greeting",
    "no_output_turn",
    "unanswered_turn",
    "failed_tool",
    "half_open_waiting",
    "hello_every_three_seconds",
)
"""A model that fails, says nothing, does not answer, is half open; and a caller who does not let go."""

ALONE = "egress_stopped_waiting"


async def play(stage: Stage, name: str) -> Result:
    """One row, on this stage."""
    (row,) = [row for row in chosen([name]) if row.name == name]
    return (await Director(stage, row, seed=1).play()).result


def broken(results: list[Result]) -> dict[str, list[str]]:
    """What was not kept, by row."""
    return {result.row.name: result.broken for result in results if result.broken}


async def test_a_model_that_does_not_speak_is_answered_for(bridge: Bridge, tmp_path: Path) -> None:
    """In time and in words, whatever is wrong with it."""
    bridge.provoked.add("caller_heard_nothing")
    async with stage_on(bridge.stack, bridge.realtime_port, tmp_path) as stage:
        results = await asyncio.gather(*(play(stage, name) for name in TOGETHER))
        for result in results:
            await bridge.until_ended(result.call_sid)
    assert broken(results) == {}


async def test_an_egress_that_stands_still_is_answered_for(bridge: Bridge, tmp_path: Path) -> None:
    """For five seconds: the caller hears something meanwhile, and the answer then."""
    async with stage_on(bridge.stack, bridge.realtime_port, tmp_path) as stage:
        result = await play(stage, ALONE)
        await bridge.until_ended(result.call_sid)
    assert broken([result]) == {}
