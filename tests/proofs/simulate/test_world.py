"""Whole worlds: roles as they run, on virtual time."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from proofs.simulate.faults import Fault, What
from proofs.simulate.play import Story
from proofs.simulate.run import Outcome, run_apart
from proofs.simulate.world import World, WorldOptions

pytestmark = pytest.mark.timeout(120)


def play(story: Story, *, workers: int = 1) -> Outcome:
    """One run."""
    return run_apart(WorldOptions(seed=story.seed, workers=workers), story.play)


def test_a_calm_call_keeps_every_promise_and_is_the_same_again() -> None:
    """From the ring to the end, byte by byte."""
    story = Story(seed=7, calls=1, seconds=12.0)
    one, other = play(story), play(story)
    assert one.broken == []
    assert one.lines == other.lines
    assert one.digest == other.digest
    assert one.virtual_s > 20


def test_another_seed_is_another_history() -> None:
    """What is drawn differs, so what passes does."""
    one, other = play(Story(seed=1, calls=1, seconds=5.0)), play(Story(seed=2, calls=1, seconds=5.0))
    assert one.digest != other.digest


def test_a_history_is_the_same_in_another_process() -> None:
    """Nothing of the interpreter's own chance is in it."""
    words = ["--seed", "3", "--calls", "2", "--seconds", "8", "--faults", "", "--jobs", "1"]
    found = [
        subprocess.run(
            [sys.executable, "-m", "proofs.simulate", *words], capture_output=True, text=True, check=False
        ).stdout
        for _ in range(2)
    ]
    digests = [text.partition("history ")[2].partition(",")[0] for text in found]
    assert digests[0]
    assert digests[0] == digests[1]


def test_a_killed_process_is_started_again() -> None:
    """Another boot under the same name, whose predecessor has written nothing after its death."""

    async def kill(world: World) -> list[str]:
        before = [key for key in world.redis.keys.keys() if key.startswith(b"tl:worker:egress-0")]
        world.kill("egress-0")
        await asyncio.sleep(3)
        after = [key for key in world.redis.keys.keys() if key.startswith(b"tl:worker:egress-0")]
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


@pytest.mark.parametrize("what", [What.RESET, What.CUT, What.FREEZE, What.CRASH, What.EMPTY])
def test_a_fault_of_redis_passes_at_the_ear(what: What) -> None:
    """A second of it in the middle of a call breaks no promise."""
    lasts_s = 0.0 if what is What.RESET else 1.0
    target = "egress-0" if what in (What.RESET, What.CUT) else ""
    story = Story(seed=5, calls=1, seconds=20.0, faults=[Fault(6.0, what, target, lasts_s)])
    outcome = play(story)
    assert any(f"fault   6.00 s {what}" in line for line in outcome.lines)
    assert outcome.broken == []
