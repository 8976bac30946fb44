"""What happens in a run: callers who talk with the model, faults meanwhile, a judgement at the end.

Why it exists: a fault shows only to somebody who is talking. Owns: the callers' habits, when a run is over.
Must not know: how a fault is brought about, what is promised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from proofs.simulate import promises, trouble
from proofs.simulate.faults import Fault
from proofs.simulate.promises import Limits
from proofs.simulate.world import PUBLIC_URL, World
from simulators import clips
from simulators.twilio import (
    CallPlan,
    CallRecord,
    Clip,
    HangUp,
    InterruptAfter,
    Pause,
    Speak,
    Step,
    WaitForSilence,
    WaitForSpeech,
)

SETTLED_S = 8.0
"""After the last call: what must be tidy is tidy by then."""

OVER_AFTER_S = 60.0
"""A caller hangs up at the end of a run; a call that is there so long after is one that never ends."""

SAID = ("en_caller_ask", "en_caller_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What one run is to be."""

    seed: int | str
    calls: int = 3
    seconds: float = 60.0
    interrupts: float = 0.2
    """How often a caller speaks into the reply."""
    faults: Sequence[Fault] = ()
    limits: Limits = field(default_factory=Limits)

    async def play(self, world: World) -> list[str]:
        """Runs it; returns the sentences of what was not kept. Never cancelled."""
        callers = [
            world.spawn("twilio", self._call(world, Random(f"{self.seed}/caller/{number}")))
            for number in range(self.calls)
        ]
        await trouble.bring_about(world, self.faults)
        done, late = await asyncio.wait(callers, timeout=self.seconds + OVER_AFTER_S)
        records = [task.result() for task in callers if task in done]
        await asyncio.sleep(SETTLED_S)
        return self._judge(world, records, len(late))

    # Private.

    async def _call(self, world: World, chance: Random) -> CallRecord:
        await asyncio.sleep(chance.uniform(0.0, 2.0))
        plan = CallPlan(
            self._steps(chance, world),
            status_callback=f"{PUBLIC_URL}/call-status",
            hang_up_after_ms=(self.seconds + 5) * 1000,
            stop_at_failure=False,
        )
        return await world.twilio.call(plan)

    def _steps(self, chance: Random, world: World) -> Iterator[Step]:
        until_s = world.clock.now_s + self.seconds
        yield WaitForSpeech()
        yield WaitForSilence(400)
        while world.clock.now_s < until_s:
            yield Speak(_clip(chance.choice(SAID)))
            if chance.random() < self.interrupts:
                yield InterruptAfter(chance.uniform(300, 1500), _clip("en_caller_interrupt"))
            yield WaitForSpeech()
            yield WaitForSilence(chance.uniform(500, 900))
            yield Pause(chance.uniform(100, 1500))
        yield HangUp()

    def _judge(self, world: World, records: list[CallRecord], late: int) -> list[str]:
        known, sessions = promises.known(), world.model.sessions
        broken = [f"{late} calls never ended"] if late else []
        for record in records:
            broken += promises.broken_by_call(record, sessions, known, self.limits)
            world.history.note(
                "judge", f"{record.call_sid} {record.end_reason} {len(record.heard_bytes)} heard"
            )
        broken += promises.broken_in_redis(world.redis.keys, [record.call_sid for record in records])
        broken += [f"ended unasked: {death}" for death in world.deaths]
        for sentence in broken:
            world.history.note("judge", f"broken: {sentence}")
        return broken


def _clip(name: str) -> Clip:
    return Clip(clips.load(name), name)
