"""Many calls at once, each an endless conversation, until time is up.

Why it exists: `proofs` and the command line share one meaning of "N calls for D seconds". Owns: the ramp and
the summary. Must not know: what the bridge is.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from simulators.twilio import measures
from simulators.twilio.caller.clip import Clip
from simulators.twilio.caller.plan import CALLED_NUMBER, CALLER_NUMBER, CallPlan, conversation
from simulators.twilio.knobs import Knobs
from simulators.twilio.record import CallRecord
from simulators.twilio.simulator import TwilioSimulator


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many calls, how long, how they talk."""

    calls: int
    seconds: float
    clips: Sequence[Clip]
    ramp_s: float = 2.0
    """The calls begin spread over this time."""
    barge_in_share: float = 0.0
    reply_limit_ms: float = 15_000
    seed: int = 1
    knobs: Knobs | None = None
    from_number: str = CALLER_NUMBER
    to_number: str = CALLED_NUMBER
    status_callback: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A load in figures; times in ms."""

    calls: int
    answered: int
    ended: Counter[str]
    codes: Counter[int]
    failures: int
    utterances: int
    answers: int
    response_p50_ms: float
    response_p95_ms: float
    barge_ins: int
    barge_in_p95_ms: float
    media_messages: int
    late_frames: int
    """Media that arrived after its time to play."""
    lateness_p99_ms: float
    gaps: int
    worst_gap_ms: float
    violations: int
    worst_tick_late_ms: float
    """The simulator's own worst delay: judge the rest by it."""


async def run_load(simulator: TwilioSimulator, load: Load) -> list[CallRecord]:
    """Makes the calls; returns their records in the order of their beginnings. Cancelled, those that have
    begun go on until the simulator is closed."""
    chance = random.Random(load.seed)
    starts_s = sorted(chance.uniform(0, load.ramp_s) for _ in range(load.calls))

    async def one(number: int, start_s: float) -> CallRecord:
        await asyncio.sleep(start_s)
        steps = conversation(
            load.clips,
            seed=load.seed * 100_003 + number,
            barge_in_share=load.barge_in_share,
            reply_limit_ms=load.reply_limit_ms,
        )
        plan = CallPlan(
            steps,
            hang_up_after_ms=load.seconds * 1000,
            stop_at_failure=False,
            from_number=load.from_number,
            to_number=load.to_number,
            status_callback=load.status_callback,
        )
        return await simulator.call(plan, load.knobs)

    return await asyncio.gather(*(one(n, at_s) for n, at_s in enumerate(starts_s)))


def summarise(records: Sequence[CallRecord]) -> Summary:
    """The figures of these calls together."""
    responses = [ms for r in records for ms in measures.response_times_ms(r)]
    answered = [ms for ms in responses if ms is not None]
    barge_ins = [b.silent_after_ms for r in records for b in measures.barge_ins(r)]
    lateness = [ms for r in records for ms in measures.lateness_ms(r)]
    gaps = [ms for r in records for ms in measures.gaps_ms(r)]
    return Summary(
        calls=len(records),
        answered=sum(record.answered_at_ms is not None for record in records),
        ended=Counter(record.end_reason for record in records),
        codes=Counter(code for record in records for code in record.codes),
        failures=sum(len(record.failures) for record in records),
        utterances=len(responses),
        answers=len(answered),
        response_p50_ms=measures.percentile(answered, 0.50),
        response_p95_ms=measures.percentile(answered, 0.95),
        barge_ins=len(barge_ins),
        barge_in_p95_ms=measures.percentile(barge_ins, 0.95),
        media_messages=sum(record.media_messages for record in records),
        late_frames=sum(ms > 0 for ms in lateness),
        lateness_p99_ms=measures.percentile(lateness, 0.99),
        gaps=len(gaps),
        worst_gap_ms=max(gaps, default=0.0),
        violations=sum(len(record.violations) for record in records),
        worst_tick_late_ms=max((r.worst_tick_late_ms for r in records), default=0.0),
    )
