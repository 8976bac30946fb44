"""Plays one row: a call, its fault at the right moment, and an ear on what comes of it.

Why it exists: "while the caller waits" must mean the same for every fault. Owns: the moments, the caller's
patience, the end of the row. Must not know: how a fault is brought about, or what is promised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from random import Random

from proofs.prove.judge import sessions_of
from proofs.prove.listening.ear import Kind
from proofs.prove.listening.spans import Span
from proofs.prove.silence.cast import Cast
from proofs.prove.silence.faults import At, Row, Stopped
from proofs.prove.silence.limits import NOT_BEGUN, Result
from proofs.prove.silence.recording import Listener
from proofs.prove.silence.stage import NUMBERS, Stage
from proofs.prove.silence.story import known, steps
from proofs.prove.silence.trouble import Trouble
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallPlan, CallRecord, LiveCall
from simulators.twilio.phone_call import new_sid
from simulators.twilio.record import Utterance

POLL_S = 0.01
LISTEN_S = 0.1
PATIENCE_MS = 15_000.0
"""After so long without an answer the caller gives up: two seconds more than is allowed."""

LONGEST_MS = 90_000.0
SPEAKING_MS, REPLY_MS, IDLE_MS, STOPPED_SPEAKING_MS = 700.0, 1_000.0, 500.0, 60.0


@dataclass(slots=True)
class Played:
    """A row that was played."""

    result: Result
    record: CallRecord
    sessions: list[SessionRecord]


@dataclass(slots=True)
class Director:
    """Of one row on one stage; `play` it once."""

    stage: Stage
    row: Row
    seed: int
    call_sid: str = field(default_factory=lambda: new_sid("CA"))
    _cast: Cast = field(init=False)
    _call: LiveCall = field(init=False)
    _listener: Listener = field(init=False)
    _fault: Span | None = None
    _settled_since_ms: float | None = None
    """Since when nothing is owed and nothing plays; None: something is, or does."""

    async def play(self) -> Played:
        """Makes the call. Cancelling it hangs up and takes the fault away."""
        self._cast = Cast(
            self.stage.script(self.row.story), Random(f"{self.seed}/{self.row.name}"), self._live
        )
        self.stage.casts[self.call_sid] = self._cast
        async with AsyncExitStack() as fault:
            if self._is_before_the_call:
                await fault.enter_async_context(self._trouble())
            self._call = self.stage.twilio.start_call(self._plan(), call_sid=self.call_sid)
            self._listener = Listener(self._call.record, known(self.row.story))
            helpers = [asyncio.create_task(self._watch()), asyncio.create_task(self._run_fault(fault))]
            try:
                record = await self._call.finished()
            finally:
                self._call.hang_up()
                for helper in helpers:
                    helper.cancel()
                outcomes = await asyncio.gather(*helpers, return_exceptions=True)
        problems = [f"{type(each).__name__}: {each}" for each in outcomes if isinstance(each, Exception)]
        hearing = self._listener.hearing(self._call.now_ms(), self._stopped())
        result = Result(
            row=self.row,
            hearing=hearing,
            call_sid=self.call_sid,
            ended=record.end_reason,
            problem="; ".join(problems) or ("" if self._fault is not None else NOT_BEGUN),
            late_ms=record.worst_tick_late_ms,
        )
        return Played(result, record, sessions_of(record, self.stage.model.sessions))

    # Private.

    def _plan(self) -> CallPlan:
        return CallPlan(
            steps(self.row.story, self.row.at, self._is_settled),
            to_number=NUMBERS[self.row.agent],
            status_callback=f"{self.stage.stack.public_url}/call-status",
            hang_up_after_ms=LONGEST_MS,
            stop_at_failure=False,
        )

    def _live(self) -> list[SessionRecord]:
        return [
            session
            for session in self.stage.model.sessions
            if session.closed_at_ms is None
            and session.headers.get("x-client-request-id", "").startswith(f"{self.call_sid}/")
        ]

    # The caller's patience.

    def _is_settled(self) -> bool:
        """Asked at each frame of the caller: nothing is computed here."""
        return self._settled_since_ms is not None

    async def _watch(self) -> None:
        """Keeps `_settled_since_ms`, and hangs up for a caller who has waited too long."""
        while True:
            now_ms = self._call.now_ms()
            hearing = self._listener.hearing(now_ms, self._stopped())
            debt = hearing.open_debt
            if debt is not None and debt.age_ms > PATIENCE_MS:
                self._call.hang_up()
            # Whoever was apologised to waits for the end.
            is_paid = bool(hearing.debts) and debt is None and not hearing.count(Kind.APOLOGY)
            is_settled = is_paid and not self._call.record.playout.playing and not self._speaks(now_ms)
            if not is_settled:
                self._settled_since_ms = None
            elif self._settled_since_ms is None:
                self._settled_since_ms = now_ms
            await asyncio.sleep(LISTEN_S)

    def _speaks(self, now_ms: float) -> bool:
        words = self._call.record.utterances
        return bool(words) and now_ms < words[-1].voice_ended_at_ms + 2 * LISTEN_S * 1000

    # The fault.

    @property
    def _is_before_the_call(self) -> bool:
        return self.row.at is At.GREETING and not self.row.needs_owners

    def _trouble(self) -> AbstractAsyncContextManager[None]:
        return Trouble(self.stage, self._cast, self.call_sid).of(self.row.fault, self.row.lasts_s)

    async def _run_fault(self, fault: AsyncExitStack) -> None:
        """Begins it at its moment, ends it after its time, which counts from where the caller begins to wait;
        one for good ends with the row."""
        if not self._is_before_the_call:
            await self._moment()
            await fault.enter_async_context(self._trouble())
        self._fault = Span(self._call.now_ms(), LONGEST_MS)
        if self.row.lasts_s is not None:
            if self.row.at is At.TURN:
                await self._until(self._has_spoken)
            await asyncio.sleep(self.row.lasts_s)
            await fault.aclose()
            self._fault = Span(self._fault.start_ms, self._call.now_ms())

    def _stopped(self) -> list[Span]:
        """When the ingress that has the call stood still: until it went on, or until another socket came."""
        fault = self._fault
        if fault is None or self.row.fault != Stopped("ingress"):
            return []
        streams = self._call.record.streams
        opened = [s.open_at_ms for s in streams if s.open_at_ms is not None and s.open_at_ms > fault.start_ms]
        return [Span(fault.start_ms, min([fault.end_ms, *opened]))]

    async def _moment(self) -> None:
        match self.row.at:
            case At.GREETING:
                await self._until_owned()
            case At.IDLE:
                await self._until(self._is_idle)
            case At.TURN | At.SPEAKING:
                after_ms = SPEAKING_MS if self.row.at is At.SPEAKING else 0.0
                await self._until(lambda: self._spoke(lambda word: word.voice_started_at_ms + after_ms))
            case At.WAITING:
                await self._until(self._has_spoken)
            case At.REPLY:
                await self._until(self._is_answered)
            case At.TOOL | At.FAREWELL:
                await self._until(lambda: any(len(session.responses) >= 2 for session in self._live()))

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110 - two simulators' records, which tell nobody of a change
            await asyncio.sleep(POLL_S)

    async def _until_owned(self) -> None:
        trouble = Trouble(self.stage, self._cast, self.call_sid)
        while not (self._call.record.streams and await trouble.has_owners()):  # noqa: ASYNC110 - Redis is asked
            await asyncio.sleep(POLL_S)

    def _is_idle(self) -> bool:
        since_ms = self._settled_since_ms
        return since_ms is not None and self._call.now_ms() - since_ms >= IDLE_MS

    def _spoke(self, moment_ms: Callable[[Utterance], float]) -> bool:
        words = self._call.record.utterances
        return bool(words) and self._call.now_ms() >= moment_ms(words[0])

    def _has_spoken(self) -> bool:
        return self._spoke(lambda word: word.voice_ended_at_ms + STOPPED_SPEAKING_MS)

    def _is_answered(self) -> bool:
        record = self._call.record
        if not record.utterances or not record.playbacks:
            return False
        is_later = record.playbacks[-1].started_at_ms > record.utterances[0].voice_ended_at_ms
        playout = record.playout
        return is_later and playout.playing and playout.reply_played_ms(self._call.now_ms()) >= REPLY_MS
