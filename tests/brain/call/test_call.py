"""What a brain says of a call every three seconds, for the verdict: all along, and only what is true."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.figures import rolling
from shared.store.client import Store
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from tests.brain.stage import Line, brain, line
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def _short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "WINDOW_MS", 400.0)


async def windows(here: Line, count: int) -> list[dict[str, Any]]:
    """The next windows that are written."""
    found: list[dict[str, Any]] = []

    async def came() -> bool:
        window = json.loads((await here.card()).get("w_brain", "{}"))
        if window and (not found or window["at"] != found[-1]["at"]):
            found.append(window)
        return len(found) > count

    await wait_until(came, f"{count} more windows are on the card")
    return found[1:]  # The first one stood there before.


async def test_a_call_on_its_way_out_goes_on_saying_how_its_process_fares(
    store: Store, redis_url: str
) -> None:
    """Egress would blame a process that says nothing; and a model that is let go of owes nothing."""
    async with (
        RealtimeSimulator(knobs=Knobs(connect_status=401)) as sim,
        brain(redis_url, sim) as (process, _),
        line(store, redis_url) as here,
    ):
        await here.card_says("next", "apology")

        found = await windows(here, 2)
        assert [window["quiet"] for window in found] == [0, 0]
        assert {window["worker"] for window in found} == {process.name}
        await here.end()


async def test_a_model_owes_nothing_while_the_caller_is_away(store: Store, redis_url: str) -> None:
    """Nobody waits for it then."""
    slow = Knobs(response=ResponseKnobs(first_audio_ms=60_000))
    async with (
        RealtimeSimulator(knobs=slow) as sim,
        brain(redis_url, sim),
        line(store, redis_url) as here,
    ):
        await sim.wait_for(lambda: bool(sim.sessions and sim.sessions[0].received_of("response.create")))
        assert (await windows(here, 2))[-1]["quiet"] > 0
        await here.tell("detached", leg="1", cause="lost")

        async def is_calm() -> bool:
            return (await windows(here, 1))[-1]["quiet"] == 0

        await wait_until(is_calm, "the model is not waited for")
        await here.end()
