"""What happens in a run: callers who talk with the model, faults meanwhile, a judgement at the end.

Why it exists: callers, faults and promises know nothing of each other. Owns: what is done when, and when a
run is over. Must not know: how a fault is brought about, what is promised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from ingress.web.store_turns import PATIENT_MS
from proofs.prove.listening.spans import Span
from proofs.simulate import promises, trouble
from proofs.simulate.callers import Caller, Habits
from proofs.simulate.faults import Fault, What, drawn
from proofs.simulate.kept_seeds import Kept
from proofs.simulate.kernel.virtual import MONOTONIC_AT_START_S
from proofs.simulate.limits import SETTLED_S, Limits, limits_of, pauses_ms
from proofs.simulate.world import PUBLIC_URL, World
from simulators.twilio import CallRecord

OVER_AFTER_S = 60.0
"""A caller hangs up at the end of a run; a call that is there so long after is one that never ends."""

CALLS_AGAIN_S = 8.0
"""Who has less time left does not call again."""

FELT_AFTER_MS = 6_000.0
"""So long after its end an answer may still pause on account of a fault: it may have begun some steps later,
a death is seen two seconds after it."""

NO_REDIS = frozenset(
    {
        *(What.FREEZE, What.FULL, What.NO_DISK, What.NO_REPLICAS, What.READ_ONLY, What.BUSY, What.LOADING),
        *(What.CRASH, What.EMPTY, What.CUT, What.LOST),
    }
)

UNPLAYED = frozenset({What.STOP, What.LINE})
UNPLAYED_AFTER_MS = 500.0
"""Until what was held back arrives, and until a process has run the steps before it was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What one run is to be."""

    seed: int | str
    calls: int = 3
    """Callers at once."""
    seconds: float = 60.0
    habits: Habits = field(default_factory=Habits)
    faults: Sequence[Fault] = ()
    limits: Limits = field(default_factory=Limits)

    async def play(self, world: World) -> list[str]:
        """Runs it; returns the sentences of what was not kept. Never cancelled."""
        began_s = world.clock.now_s
        records: list[CallRecord] = []
        callers = [
            world.spawn("twilio", self._calls(world, Random(f"{self.seed}/caller/{number}"), records))
            for number in range(self.calls)
        ]
        await trouble.bring_about(world, self.faults)
        done, late = await asyncio.wait(callers, timeout=self.seconds + OVER_AFTER_S)
        for task in done:
            task.result()
        await self._tidied(world, [record.call_sid for record in records])
        return self._judge(world, records, len(late), began_s)

    # Private.

    async def _calls(self, world: World, chance: Random, records: list[CallRecord]) -> None:
        caller = Caller(
            chance=chance,
            habits=self.habits,
            now_s=lambda: world.clock.now_s,
            until_s=world.clock.now_s + self.seconds,
            status_url=f"{PUBLIC_URL}/call-status",
        )
        while not records or caller.left_s > CALLS_AGAIN_S:
            await asyncio.sleep(chance.uniform(0.0, 2.0))
            records.append(await world.twilio.call(caller.plan()))

    async def _tidied(self, world: World, sids: list[str]) -> None:
        """After the last call: what must be tidy is tidy by then."""
        await asyncio.sleep(SETTLED_S)
        waits_s = self.limits.tidy_within_s - SETTLED_S
        for _ in range(int(waits_s)):
            if not promises.broken_in_redis(world.redis.keys, sids):
                return
            await asyncio.sleep(1)

    def _judge(self, world: World, records: list[CallRecord], late: int, began_s: float) -> list[str]:
        known, sessions = promises.known(), world.model.sessions
        troubled = [_span(fault, began_s) for fault in self.faults]
        pauses = [
            (_span(fault, began_s, FELT_AFTER_MS), pauses_ms(fault, shares_pids=world.shares_pids))
            for fault in self.faults
        ]
        broken = [f"{late} calls never ended"] if late else []
        for record in sorted(records, key=lambda each: each.zero_ms):
            outcome = promises.outcome_of(world.history.lines, record.call_sid)
            unplayed = _unplayed(self.faults, _ingresses(world, record.call_sid), began_s)
            heard = promises.Heard(
                record,
                sessions,
                outcome,
                troubled,
                unplayed,
                came_in_vain=_came_in_vain(self.faults, world.history.lines, record.call_sid, began_s),
                pauses=pauses,
            )
            broken += promises.broken_by_call(heard, known, self.limits)
            world.history.note(
                "judge",
                f"{record.call_sid} {record.end_reason} {outcome} {len(record.heard_bytes)} heard",
            )
        sids = [record.call_sid for record in records]
        broken += promises.broken_in_redis(world.redis.keys, sids)
        broken += promises.broken_inside(world.made)
        broken += [f"ended unasked: {death}" for death in world.deaths]
        for sentence in broken:
            world.history.note("judge", f"broken: {sentence}")
        return broken


def story_of(history: Kept) -> Story:
    """The run of a history: its faults are drawn, and what a caller bears follows from them."""
    faults = drawn(
        history.seed,
        history.kinds,
        workers=history.workers,
        seconds=history.seconds,
        every_s=history.every_s,
    )
    return Story(
        seed=history.seed,
        calls=history.calls,
        seconds=history.seconds,
        faults=faults,
        limits=limits_of(faults),
    )


# Private.


def _ingresses(world: World, sid: str) -> set[str]:
    """The processes that had a socket of this call, by their own word."""
    mark = f"attached call={sid} "
    return {line.split()[1] for line in world.history.lines if mark in line}


def _unplayed(faults: Sequence[Fault], ingresses: set[str], began_s: float) -> list[Span]:
    """When none of these could have played anything."""
    felt = [fault for fault in faults if fault.what in UNPLAYED and fault.target in ingresses]
    return [_span(fault, began_s, UNPLAYED_AFTER_MS) for fault in felt]


def _came_in_vain(faults: Sequence[Fault], lines: Sequence[str], sid: str, began_s: float) -> bool:
    """Whether a webhook of this call found no Redis in an outage that is longer than it waits."""
    mark = f" webhook_without_redis call={sid} "
    told_s = [float(line.split()[0]) + MONOTONIC_AT_START_S for line in lines if mark in line]
    long = [
        _span(fault, began_s, UNPLAYED_AFTER_MS)
        for fault in faults
        if fault.what in NO_REDIS and fault.lasts_s * 1000 > PATIENT_MS
    ]
    return any(span.start_ms <= at_s * 1000 <= span.end_ms for at_s in told_s for span in long)


def _span(fault: Fault, began_s: float, felt_ms: float = 0.0) -> Span:
    """When a fault was there, on the clock of the world; felt for so much longer."""
    from_ms = (began_s + fault.at_s) * 1000
    return Span(from_ms, from_ms + fault.lasts_s * 1000 + felt_ms)
