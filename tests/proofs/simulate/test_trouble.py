"""Faults, brought about in a world."""

from __future__ import annotations

import asyncio

import pytest

from proofs.simulate import trouble
from proofs.simulate.faults import AT_ANY_STEP, MOMENTS, Fault, What
from proofs.simulate.kernel.machine import State
from proofs.simulate.run import run_apart
from proofs.simulate.world import World, WorldOptions
from simulators.twilio import CallPlan, Pause, WaitForSpeech


class _Watched:
    """A world under one fault, looked at in its middle and after its end."""

    def __init__(self, fault: Fault, looks: str) -> None:
        self.fault, self.looks = fault, looks

    async def play(self, world: World) -> list[str]:
        doing = asyncio.create_task(trouble.bring_about(world, [self.fault]))
        await asyncio.sleep(self.fault.at_s + 0.5)  # An idle process takes its steps one after another.
        during = self._look(world)
        await doing
        await asyncio.sleep(5)
        return [during, self._look(world)]

    def _look(self, world: World) -> str:
        match self.looks:
            case "state":
                return world.machines[self.fault.target or "redis"].state.name
            case "full":
                return str(world.redis.is_full)
            case "refusal":
                return world.redis.refusal.partition(" ")[0]
            case "closed":
                return world.redis.closed.partition(" ")[0]
            case "muted":
                return str(world.network.is_cut("redis", self.fault.target))
            case "slow":
                return str("redis" in world.network.delays)
            case peer:
                return str(world.network.is_cut(self.fault.target, peer))


@pytest.mark.parametrize(
    ("what", "target", "looks", "during", "after"),
    [
        (What.KILL, "brain-0", "state", State.DEAD.name, State.RUNNING.name),
        (What.STOP, "egress-0", "state", State.STOPPED.name, State.RUNNING.name),
        (What.DRAIN, "brain-0", "state", None, State.RUNNING.name),
        (What.FREEZE, "", "state", State.STOPPED.name, State.RUNNING.name),
        (What.CRASH, "", "state", State.DEAD.name, State.RUNNING.name),
        (What.VANISH, "egress-0", "state", State.DEAD.name, State.RUNNING.name),
        (What.CUT, "egress-0", "redis", "True", "False"),
        (What.LOST, "egress-0", "muted", "True", "False"),
        (What.STALL, "brain-0", "model", "True", "False"),
        (What.LINE, "ingress-0", "twilio", "True", "False"),
        (What.SLOW, "", "slow", "True", "False"),
        (What.FULL, "", "full", "True", "False"),
        (What.NO_DISK, "", "refusal", "MISCONF", ""),
        (What.NO_REPLICAS, "", "refusal", "NOREPLICAS", ""),
        (What.READ_ONLY, "", "refusal", "READONLY", ""),
        (What.BUSY, "", "closed", "BUSY", ""),
        (What.LOADING, "", "closed", "LOADING", ""),
    ],
)
def test_a_fault_is_there_and_then_over(
    what: What, target: str, looks: str, during: str | None, after: str
) -> None:
    """In its time, and not longer."""
    lasts_s = 0.0 if what in MOMENTS else 1.0
    steps = 5 if what in AT_ANY_STEP else 0
    played = _Watched(Fault(1.0, what, target, lasts_s, steps), looks).play
    found = run_apart(WorldOptions(seed=1, workers=1), played).broken
    assert found[1] == after
    assert during in (None, found[0])


@pytest.mark.parametrize(("what", "stays"), [(What.CRASH, True), (What.LOADING, True), (What.EMPTY, False)])
def test_what_redis_has_after_a_crash(what: What, stays: bool) -> None:
    """All, or nothing."""

    async def play(world: World) -> list[str]:
        world.redis.run([b"HSET", b"mark", b"a", b"1"])
        await trouble.bring_about(world, [Fault(1.0, what, "", 0.5)])
        return [str(world.redis.keys.there_is(b"mark"))]

    assert run_apart(WorldOptions(seed=1, workers=1), play).broken == [str(stays)]


@pytest.mark.parametrize("what", [What.FAIL_OVER, What.BEHIND])
def test_a_failover_loses_the_last_writes(what: What) -> None:
    """What was written before them is there. The clock may be as far behind."""

    async def play(world: World) -> list[str]:
        world.redis.run([b"HSET", b"early", b"a", b"1"])
        doing = asyncio.create_task(trouble.bring_about(world, [Fault(1.0, what, "", 0.5)]))
        await asyncio.sleep(0.7)
        world.redis.run([b"HSET", b"late", b"a", b"1"])
        await doing
        there = [str(world.redis.keys.there_is(key)) for key in (b"early", b"late")]
        return [*there, str(world.redis_skew_s)]

    skew = "0.0" if what is What.FAIL_OVER else "-0.5"
    assert run_apart(WorldOptions(seed=1, workers=1), play).broken == ["True", "False", skew]


def test_a_deaf_model() -> None:
    """What it is asked leads to nothing for a while, then it answers."""

    async def play(world: World) -> list[str]:
        call = world.spawn("twilio", world.twilio.call(CallPlan([WaitForSpeech(), Pause(3_000)])))
        await asyncio.sleep(1.5)
        doing = asyncio.create_task(trouble.bring_about(world, [Fault(0.1, What.DEAF, "", 1.0)]))
        found = []
        for _ in range(2):
            await asyncio.sleep(0.5)
            found += [str(session.knobs.response.unanswered) for session in world.model.sessions]
            await doing
        await call
        return found

    assert run_apart(WorldOptions(seed=1, workers=1), play).broken == ["True", "False"]
