"""Whole worlds: roles as they run, on virtual time."""

from __future__ import annotations

import asyncio

import pytest

from proofs.simulate.run import run_apart
from proofs.simulate.world import World, WorldOptions

pytestmark = pytest.mark.timeout(120)


def test_a_killed_process_is_started_again() -> None:
    """Another boot under the same name, whose predecessor has written nothing after its death."""

    async def kill(world: World) -> list[str]:
        before = [key for key in world.redis.keys.names() if key.startswith(b"tl:worker:egress-0")]
        world.kill("egress-0")
        await asyncio.sleep(3)
        after = [key for key in world.redis.keys.names() if key.startswith(b"tl:worker:egress-0")]
        pid = world.machines["egress-0"].pid
        return [f"{len(before)} then {len(set(after) - set(before))}", str(pid > 100)]

    outcome = run_apart(WorldOptions(seed=1, workers=1), kill)
    assert outcome.broken == ["1 then 1", "True"]


def test_a_drained_process_ends_in_order() -> None:
    """SIGTERM reaches its handler, and it is started again."""

    async def drain(world: World) -> list[str]:
        world.terminate("brain-0", 15)
        await asyncio.sleep(5)
        return list(world.deaths)

    outcome = run_apart(WorldOptions(seed=1, workers=1), drain)
    assert outcome.broken == []
    assert any("brain-0 ended: exit 0" in line for line in outcome.lines)
