"""More callers than places, over many lanes: who is let in, who is refused, and whether either was right.

Why it exists: that a limit holds shows only where it is reached. Owns: these callers, the two promises of
admission, by what Twilio knows of its own calls. Must not know: how the product counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from proofs.prove.listening.spans import Span
from proofs.simulate import promises, trouble
from proofs.simulate.faults import Fault
from proofs.simulate.limits import limits_of
from proofs.simulate.world import PUBLIC_URL, World
from simulators.twilio import CallPlan, HangUp, Pause
from simulators.twilio.record import CallRecord

OVER_AFTER_S = 40.0
STAYS_MS = (1_500.0, 6_000.0)
RINGS_AGAIN_S = (0.0, 1.5)

GIVEN_BACK_MS = 1_500.0
"""From the end of a call at Twilio to its place: the stop of its stream, or the callback, and two steps."""

FELT_AFTER_MS = 25_000.0
"""After a fault who holds the count may be another one, and what was lost is found with its next look."""


@dataclass(frozen=True, slots=True)
class Came:
    """One call, on the host's monotonic clock, ms."""

    rang_ms: float
    answered_ms: float
    """When it was told whether it is let in."""
    ended_ms: float
    is_let_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """One run."""

    seed: int | str
    places: int = 4
    lanes: int = 8
    callers: int = 10
    seconds: float = 40.0
    faults: Sequence[Fault] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """Of the world that it is played in."""
        return {"max_calls": self.places, "lanes": self.lanes}

    async def play(self, world: World) -> list[str]:
        """Runs it; returns the sentences of what was not kept. Never cancelled."""
        began_ms = world.clock.now_s * 1000
        records: list[CallRecord] = []
        callers = [
            world.spawn("twilio", self._calls(world, Random(f"{self.seed}/crowd/{number}"), records))
            for number in range(self.callers)
        ]
        await trouble.bring_about(world, self.faults)
        _, late = await asyncio.wait(callers, timeout=self.seconds + OVER_AFTER_S)
        broken = [f"{len(late)} callers are on the line for ever"] if late else []
        sids = [record.call_sid for record in records]
        for _ in range(int(limits_of(self.faults).tidy_within_s)):
            await asyncio.sleep(1)
            if not promises.broken_in_redis(world.redis.keys, sids, lanes=self.lanes):
                break
        came = [found for record in records if (found := came_of(record)) is not None]
        let_in = sum(each.is_let_in for each in came)
        world.history.note("judge", f"{let_in} let in, {len(came) - let_in} refused")
        troubled = [
            Span(began_ms + fault.at_s * 1000, began_ms + (fault.at_s + fault.lasts_s) * 1000)
            for fault in self.faults
        ]
        broken += broken_by_count(came, self.places, troubled)
        broken += promises.broken_in_redis(world.redis.keys, sids, lanes=self.lanes)
        broken += promises.broken_inside(world.made)
        broken += [f"ended unasked: {death}" for death in world.deaths]
        for sentence in broken:
            world.history.note("judge", f"broken: {sentence}")
        return broken

    # Private.

    async def _calls(self, world: World, chance: Random, records: list[CallRecord]) -> None:
        until_s = world.clock.now_s + self.seconds
        while world.clock.now_s < until_s:
            await asyncio.sleep(chance.uniform(*RINGS_AGAIN_S))
            plan = CallPlan(
                (Pause(chance.uniform(*STAYS_MS)), HangUp()),
                status_callback=f"{PUBLIC_URL}/call-status",
                stop_at_failure=False,
            )
            records.append(await world.twilio.call(plan))


def came_of(record: CallRecord) -> Came | None:
    """What a call met; None: it was never answered."""
    asked = [webhook for webhook in record.webhooks if webhook.purpose == "voice" and webhook.status == 200]
    if not asked or record.ended_at_ms is None:
        return None
    zero_ms = record.zero_ms
    return Came(
        rang_ms=zero_ms + asked[0].asked_at_ms,
        answered_ms=zero_ms + asked[-1].answered_at_ms,
        ended_ms=zero_ms + record.ended_at_ms,
        is_let_in=bool(record.streams),
    )


def broken_by_count(came: Sequence[Came], places: int, troubled: Sequence[Span]) -> list[str]:
    """Where more were on the line than there are places, or somebody was refused though fewer were; but for
    what faults excuse. A call has its place from its webhook on, and gives it back soon after its end."""
    inside = [each for each in came if each.is_let_in]
    found: list[str] = []
    for each in came:
        at_ms = each.answered_ms
        if any(span.start_ms <= at_ms <= span.end_ms + FELT_AFTER_MS for span in troubled):
            continue
        if each.is_let_in:
            others = sum(o.answered_ms <= at_ms < o.ended_ms for o in inside if o is not each)
            if others >= places:
                found.append(f"let in beside {others} others at {at_ms / 1000:.2f} s")
        else:
            may_have = sum(o.rang_ms <= at_ms and o.ended_ms + GIVEN_BACK_MS >= each.rang_ms for o in inside)
            if may_have < places:
                found.append(f"refused beside {may_have} others at {at_ms / 1000:.2f} s")
    return found
