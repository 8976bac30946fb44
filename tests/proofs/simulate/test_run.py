"""Runs in processes of their own."""

from __future__ import annotations

import asyncio
import os
import time

from proofs.simulate.run import run_apart, run_many
from proofs.simulate.world import World, WorldOptions


async def _say_seed(world: World) -> list[str]:
    return [str(world.chance.random())]


async def _raise(world: World) -> list[str]:
    raise ValueError("a mistake of the play")


async def _die(world: World) -> list[str]:
    os._exit(3)


async def _leave_a_bug(world: World) -> list[str]:
    asyncio.get_running_loop().call_soon(lambda: 1 // 0)
    await asyncio.sleep(1)
    return []


def test_a_run_leaves_this_process_as_it_was() -> None:
    """Clocks are real again, and nothing of the world is here."""
    before = time.monotonic
    outcome = run_apart(WorldOptions(seed=1, workers=1), _say_seed)
    assert time.monotonic is before
    assert len(outcome.broken) == 1


def test_many_runs_come_in_their_order() -> None:
    """However many are under way at once."""
    jobs = [(WorldOptions(seed=seed, workers=1), _say_seed) for seed in (1, 2, 3, 1)]
    found = list(run_many(jobs, 3))
    assert [outcome.seed for outcome in found] == [1, 2, 3, 1]
    assert found[0].broken == found[3].broken != found[1].broken


def test_whatever_goes_wrong_is_of_its_seed() -> None:
    """An error of the play, one that nobody awaited, a run that ends without a word."""
    jobs = [(WorldOptions(seed=1, workers=1), play) for play in (_raise, _leave_a_bug, _die)]
    raised, unhandled, died = run_many(jobs, 1)
    assert "a mistake of the play" in raised.broken[0]
    assert "ZeroDivisionError" in unhandled.broken[0]
    assert died.broken == ["the run ended without a word"]
