"""Clean calls in waves of a minute: twenty at once, that talk and interrupt, judged at the ear.

Why it exists: what attacks do to callers is seen on callers, and on new ones all the time: each wave has its
webhooks, handshakes and sessions. Owns: a wave, what could be overheard of it, its figures. Must not know:
the attacks, what is promised.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from egress.pacing.pacer import LEAD_MS
from proofs.measure import load
from proofs.prove.hostile.scene import Overheard
from proofs.prove.hostile.stage import Stage
from simulators import clips
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallRecord, Clip
from simulators.twilio.caller.plan import CallPlan, conversation
from simulators.twilio.measures import behind_schedule_ms, percentile
from simulators.twilio.simulator import LiveCall

RAMP_S = 2.0
OPEN_WITHIN_S = 4.0
"""From the last call's beginning: by then each has its stream."""

LAST_SESSIONS_S = 2.0
BARGE_IN_SHARE = 0.25


@dataclass(slots=True)
class Figures:
    """Of one wave or of many. Times in ms."""

    calls: int = 0
    sessions: int = 0
    """The model's, of these calls."""
    behind_ms: array[float] = field(default_factory=lambda: array("d"))
    """Of each 20 ms that the pacer held back: how late it was."""
    frames: int = 0
    holes: int = 0
    turns: int = 0
    lost_turns: int = 0
    wrong: list[str] = field(default_factory=list)
    """Calls that failed, audio that was never or wrongly heard."""
    simulator_late_ms: float = 0.0
    """The callers' own worst delay."""

    @property
    def p99_ms(self) -> float:
        """Lateness of the one frame in a hundred."""
        return percentile(self.behind_ms, 0.99)

    def add(self, other: Figures) -> None:
        """The figures of both together."""
        self.calls += other.calls
        self.sessions += other.sessions
        self.behind_ms.extend(other.behind_ms)
        self.frames += other.frames
        self.holes += other.holes
        self.turns += other.turns
        self.lost_turns += other.lost_turns
        self.wrong += other.wrong
        self.simulator_late_ms = max(self.simulator_late_ms, other.simulator_late_ms)


@dataclass(slots=True)
class Wave:
    """Calls at once, from their beginning to their judgement."""

    stage: Stage
    calls: int
    seconds: float
    seed: int
    live: list[LiveCall] = field(default_factory=list)

    async def begin(self) -> None:
        """Makes the calls; returns when each should have its stream. Cancelling it leaves them to the
        stage."""
        chance = Random(self.seed)
        said = [Clip(clips.load(name), name) for name in load.CALLER_CLIPS]
        for number in range(self.calls):
            plan = CallPlan(
                conversation(said, seed=self.seed * 1_000 + number, barge_in_share=BARGE_IN_SHARE),
                hang_up_after_ms=self.seconds * 1000,
                stop_at_failure=False,
                status_callback=f"{self.stage.public_url}/call-status",
            )
            self.live.append(self.stage.twilio.start_call(plan))
            await asyncio.sleep(chance.uniform(0.5, 1.5) * RAMP_S / self.calls)
        await asyncio.sleep(OPEN_WITHIN_S)

    async def end(self) -> Figures:
        """Waits for the end of all calls and judges them. Cancelling it leaves them to the stage."""
        records = await asyncio.gather(*(call.finished() for call in self.live))
        await asyncio.sleep(LAST_SESSIONS_S)
        return judge(records, self.stage.sessions_of({record.call_sid for record in records}))

    def overheard(self, *, is_over: bool) -> list[Overheard]:
        """What could be overheard of each call until now."""
        found = (overheard(call.record, is_over=is_over) for call in self.live)
        return [each for each in found if each is not None]


def overheard(record: CallRecord, *, is_over: bool) -> Overheard | None:
    """A call's first webhook and its stream's token; None: it has not come so far."""
    voice = next((each for each in record.webhooks if each.purpose == "voice"), None)
    if voice is None or not record.streams:
        return None
    return Overheard(
        call_sid=record.call_sid,
        url=voice.url,
        params=voice.params,
        token=record.streams[0].parameters.get("token", ""),
        is_over=is_over,
    )


def judge(records: Sequence[CallRecord], sessions: Sequence[SessionRecord]) -> Figures:
    """The figures of calls that are over."""
    heard = load.judge(list(records), list(sessions), {})
    wrong = list(heard.failures)
    wrong += [f"never heard: {item}" for item in heard.unheard]
    wrong += [f"{heard.stale_frames} stale frames"] if heard.stale_frames else []
    wrong += [f"{heard.mixed_up} calls heard another's model"] if heard.mixed_up else []
    behind_ms = array("d")
    for record in records:
        behind_ms.extend(behind_schedule_ms(record, LEAD_MS))
    return Figures(
        calls=len(records),
        sessions=len(sessions),
        behind_ms=behind_ms,
        frames=heard.frames,
        holes=heard.gaps,
        turns=heard.utterances,
        lost_turns=heard.lost_turns,
        wrong=wrong,
        simulator_late_ms=heard.simulator_late_ms,
    )
