"""One load on a whole stack: N calls at once for a while, judged by both simulators, with its CPU cost.

Why it exists: the same load must mean the same for Trunkline and for what it is compared with. Owns: the run
and its figures. Must not know: which figures are promised. Both simulators live in this process, so that
their records can be compared to the byte; the bridge's processes run under supervisord as in production.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from console.stack.launcher import Stack
from console.stack.plan import StackOptions
from egress.pacing.pacer import LEAD_MS
from proofs.measure.cpu import cpu_ms, spent_ms
from simulators import clips
from simulators.comparison import session_of, stale_frames, unheard_items
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallRecord, Clip, TwilioSimulator
from simulators.twilio.load import Load, run_load
from simulators.twilio.measures import (
    barge_ins,
    behind_schedule_ms,
    gaps_ms,
    lateness_ms,
    percentile,
    response_times_ms,
)

CALLER_CLIPS = ("en_caller_ask", "en_caller_number", "en_caller_interrupt")


@dataclass(slots=True)
class LoadFigures:
    """The figures of a load. Times in ms."""

    calls: int
    call_seconds: float
    utterances: int = 0
    answered: int = 0
    lost_turns: int = 0
    items: int = 0
    unheard: list[str] = field(default_factory=list)
    stale_frames: int = 0
    barge_ins: int = 0
    mixed_up: int = 0
    frames: int = 0
    late_frames: int = 0
    lateness_p50_ms: float = 0.0
    lateness_p99_ms: float = 0.0
    lateness_max_ms: float = 0.0
    schedule_p99_ms: float = 0.0
    gaps: int = 0
    response_p50_ms: float = 0.0
    response_p95_ms: float = 0.0
    barge_in_p50_ms: float = 0.0
    barge_in_p95_ms: float = 0.0
    twilio_violations: int = 0
    model_violations: int = 0
    model_errors: Counter[str] = field(default_factory=Counter)
    truncations_refused: int = 0
    failures: list[str] = field(default_factory=list)
    simulator_late_ms: float = 0.0
    cpu_ms: dict[str, float] = field(default_factory=dict)

    @property
    def cpu_per_call_second_ms(self) -> float:
        """CPU of all processes for one second of one call."""
        return sum(self.cpu_ms.values()) / self.call_seconds


def options(name: str, model_port: int, **environment: str) -> StackOptions:
    """A stack to be loaded: it takes whatever calls are made, logs little, and looks for its model at this
    port."""
    return StackOptions(
        name=name,
        model_base_url=f"http://127.0.0.1:{model_port}/v1",
        environment={"TRUNKLINE_LOG_LEVEL": "warning", "TRUNKLINE_MAX_CALLS": "1000", **environment},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """What carries the calls: where it is, and the processes whose CPU is counted."""

    public_url: str
    public_port: int
    auth_token: str
    pids: dict[str, int]


async def bridge_of(stack: Stack) -> Bridge:
    """Trunkline itself, all processes but supervisord. Cancelling it only ends the look."""
    pids = await stack.pids()
    pids.pop("supervisord", None)
    return Bridge(
        public_url=stack.public_url,
        public_port=stack.public_port,
        auth_token=stack.auth_token,
        pids=pids,
    )


def carrier(bridge: Bridge | Stack, seed: int, *, path: str = "/voice", by_port: int = 0) -> TwilioSimulator:
    """A Twilio whose number leads to the bridge; `by_port`: by way of what listens there."""
    return TwilioSimulator(
        voice_url=f"{bridge.public_url}{path}",
        auth_token=bridge.auth_token,
        dial=f"127.0.0.1:{by_port or bridge.public_port}",
        seed=seed,
    )


async def run(
    bridge: Bridge, realtime_port: int, *, calls: int, seconds: float, barge_in_share: float, seed: int
) -> LoadFigures:
    """Makes the calls and judges them. The bridge looks for the model at this port.

    Cancelling it ends the calls.
    """
    said = [Clip(clips.load(name), name) for name in CALLER_CLIPS]
    async with (
        RealtimeSimulator(port=realtime_port, knobs=Knobs(seed=seed)) as model,
        carrier(bridge, seed) as twilio,
    ):
        load = Load(
            calls=calls,
            seconds=seconds,
            clips=said,
            barge_in_share=barge_in_share,
            seed=seed,
            status_callback=f"{bridge.public_url}/call-status",
        )
        before = cpu_ms(bridge.pids)
        records = await run_load(twilio, load)
        used = spent_ms(before, cpu_ms(bridge.pids))
        await asyncio.sleep(1.0)  # The last sessions close; nothing waits for this in a test.
        return judge(records, list(model.sessions), used)


def judge(records: list[CallRecord], sessions: list[SessionRecord], used: dict[str, float]) -> LoadFigures:
    """All figures of a finished load."""
    figures = LoadFigures(
        calls=len(records),
        call_seconds=sum(_length_s(record) for record in records),
        cpu_ms=used,
    )
    lateness: list[float] = []
    behind: list[float] = []
    responses: list[float] = []
    barge_in_times: list[float] = []
    for record in records:
        _judge_call(figures, record, sessions)
        lateness += lateness_ms(record)
        # Against the pacer's own schedule, which runs one lead ahead of the ear.
        behind += behind_schedule_ms(record, LEAD_MS)
        responses += [time for time in response_times_ms(record) if time is not None]
        barge_in_times += [item.silent_after_ms for item in barge_ins(record)]
    figures.frames = len(lateness)
    figures.late_frames = sum(value > 0 for value in lateness)
    figures.lateness_p50_ms = percentile(lateness, 0.5)
    figures.lateness_p99_ms = percentile(lateness, 0.99)
    figures.lateness_max_ms = max(lateness, default=0.0)
    figures.schedule_p99_ms = percentile(behind, 0.99)
    figures.response_p50_ms, figures.response_p95_ms = percentile(responses, 0.5), percentile(responses, 0.95)
    figures.barge_ins = len(barge_in_times)
    figures.barge_in_p50_ms = percentile(barge_in_times, 0.5)
    figures.barge_in_p95_ms = percentile(barge_in_times, 0.95)
    return figures


def _judge_call(figures: LoadFigures, record: CallRecord, sessions: list[SessionRecord]) -> None:
    figures.twilio_violations += len(record.violations)
    figures.simulator_late_ms = max(figures.simulator_late_ms, record.worst_tick_late_ms)
    figures.failures += record.failures
    figures.gaps += len(gaps_ms(record))
    try:
        session = session_of(record, sessions)
    except ValueError:
        figures.mixed_up += 1
        return
    if session is None:
        figures.failures.append(f"{record.call_sid} heard nothing")
        return
    # What the hang-up ended is nobody's loss: items that were still being played then.
    ended_ms = record.ended_at_ms or 0.0
    ended_early = record.playbacks[-1].end == "stream_ended" if record.playbacks else False
    missing = unheard_items(record, session)
    figures.unheard += missing[:-1] if missing and ended_early else missing
    figures.stale_frames += stale_frames(record, session)
    figures.items += sum(item.generated_ms > 0 for item in session.items.values())
    figures.model_violations += len(session.violations)
    figures.model_errors.update(str(error["code"]) for error in session.errors)
    figures.truncations_refused += sum(bool(item.error) for item in session.truncations)
    finished = [
        item
        for item in record.utterances
        if item.ended_at_ms is not None and item.ended_at_ms < ended_ms - 3000
    ]
    figures.utterances += len(finished)
    heard_turns = sum(item.role == "user" for item in session.items.values())
    figures.answered += min(heard_turns, len(finished))
    figures.lost_turns += max(0, len(finished) - heard_turns)


def _length_s(record: CallRecord) -> float:
    if record.answered_at_ms is None or record.ended_at_ms is None:
        return 0.0
    return (record.ended_at_ms - record.answered_at_ms) / 1000
