"""How a media stream becomes a call's, and what becomes of the call when it is gone.

Why it exists: attaching, detaching and ending a call wait for Redis, while a socket's loop never may. Here
the waiting is done, in named tasks. Owns: the order of these steps. Must not know: what a call plays, when a
stream is to be closed, the rule of the end (ending.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from math import ceil
from typing import Any

from ingress.calls import ending
from ingress.calls.ending import EndLater, EndNow
from ingress.calls.registry import Registry
from ingress.calls.table import CallTable, leg_of
from ingress.counters import CallCounters
from ingress.errors import StartReason, StartRefused, TokenError, TokenReason
from ingress.media.gate import LOST, CloseCode
from ingress.media.parameters import read_parameters
from ingress.media.stream import MediaStream
from ingress.media.wire import StreamStart
from shared.clock import now_ms
from shared.contract.card import StreamEnd
from shared.contract.steps import Attached, Leg, NewStream
from shared.logs.log import mask_number

Judge = Callable[[StreamStart], tuple[str, int]]
"""Judges a start; returns of its token the nonce, that ATTACH spends, and when it expires, s. Raises
StartRefused."""

SpawnFor = Callable[[str, Coroutine[Any, Any, None], str], object]
"""Runs a task of one call (`Process.spawn_for`)."""

Wait = Callable[[float], Awaitable[None]]
"""Waits for so many seconds in which this process runs: while it stood still, a new leg could not come to
it."""


@dataclass(slots=True)
class Attaching:
    """Every stream of the process, at its start and at its end: a `Host` of streams."""

    worker: str
    masks_numbers: bool
    """Whether the caller's number stands on the card in part only."""
    judge: Judge
    registry: Registry
    table: CallTable
    counters: CallCounters
    spawn_for: SpawnFor
    wait: Wait

    def start(self, stream: MediaStream, start: StreamStart) -> None:
        """A stream wants to be attached."""
        try:
            nonce, expires_s = self.judge(start)
        except StartRefused as refusal:
            stream.refuse(refusal)
            return
        said = read_parameters(start.parameters)
        caller, called = said.caller, said.called
        if self.masks_numbers:
            caller, called = mask_number(caller), mask_number(called)
        told = NewStream(
            call_sid=start.call_sid,
            stream_sid=start.stream_sid,
            ingress=self.worker,
            nonce=nonce,
            caller_number=caller,
            called_number=called,
            agent=said.agent,
            called_line=said.called,
            caller_line=said.caller,
            token_expires_s=expires_s,
        )
        self.spawn_for(start.call_sid, self._attach(stream, told), "attach")

    def gone(self, stream: MediaStream) -> None:
        """A stream is over, attached or not."""
        cause = stream.cause or LOST
        stream.log.info("socket_gone", cause=cause, leg=stream.leg, frames=stream.caller_frames)
        self.table.stream_gone(stream, detaching=stream.leg > 0)
        call = self.table.calls.get(stream.call_sid)
        if call is not None and call.stream is stream:
            call.taper.stream_gone(now_ms())
        if stream.leg:
            self.spawn_for(stream.call_sid, self._detach(stream, self._end_of(stream)), "detach")

    async def lost(self, leg: Leg) -> None:
        """The stream of an ingress that died is gone for certain: as a lost one of ours. Cancelling it is as
        for `Registry.end`."""
        gone = await self.registry.detach(leg, LOST)
        if gone is not None:
            await self._end_or_wait(leg, ending.decide(LOST, gone.planned, gone.waited_s))

    # Private.

    async def _attach(self, stream: MediaStream, told: NewStream) -> None:
        answer = await self.registry.attach(told, wanted=lambda: not stream.has_ended)
        if answer is None:
            stream.log.error("attach_unknown", hint="Redis did not answer; the janitor ends the call")
        elif answer.refused == "used":
            stream.refuse(TokenError(TokenReason.SPENT))
        elif answer.refused:
            stream.refuse(StartRefused(f"call_{answer.refused}"))
        else:
            self._attached(stream, told, answer)

    def _attached(self, stream: MediaStream, told: NewStream, answer: Attached) -> None:
        now, leg, is_new = now_ms(), answer.leg, answer.is_new
        call = self.table.call_of(told.call_sid, now)
        if leg <= call.fence.leg:
            # A newer stream of the call was attached while this one waited.
            stream.refuse(StartRefused(StartReason.OLDER_LEG))
            return
        older = call.stream
        call.connect(stream, told, answer, now)
        if is_new:
            self.counters.attached += 1
        else:
            self.counters.resumed += 1
        if older is not None and not older.has_ended:
            self.counters.superseded += 1
            older.close(CloseCode.POLICY, "newer stream")
        is_open = stream.attached(leg, call.listener)
        stream.log.info("attached", is_new=is_new)
        if not is_open:
            # It went while it waited, and its host was told before it had a leg.
            self.gone(stream)

    def _end_of(self, stream: MediaStream) -> StreamEnd | None:
        """How far it came. None: nothing was given to it, so that the word of the stream before it stands.

        It has played until the carrier spoke last: a line that is dead is noticed late."""
        call = self.table.calls.get(stream.call_sid)
        if call is None or call.stream is not stream or not call.owed.playing_ms(0.0):
            return None
        return StreamEnd(
            leg=stream.leg,
            n=call.forwarded,
            playing_ms=ceil(call.owed.playing_ms(stream.socket.last_data_at_ms)),
            way_ms=ceil(stream.trip.ms or 0.0),
            cut=call.fence.cut,
        )

    async def _detach(self, stream: MediaStream, stream_end: StreamEnd | None) -> None:
        """Says on the card that the stream is gone, then ends the call or waits."""
        plan = self.table.take_plan(stream.call_sid)
        try:
            gone = await self.registry.detach(leg_of(stream), stream.cause or LOST, plan, stream_end)
        finally:
            self.table.detached()
        call = self.table.calls.get(stream.call_sid)
        if call is not None and call.stream is stream:
            call.stream = None
        if gone is not None:
            self.counters.detached += 1
            stream.log.info("detached", cause=stream.cause, planned=gone.planned)
            # What our own request has stopped the caller has not ended.
            cause = LOST if gone.is_asked_for else stream.cause
            decision = ending.decide(cause, gone.planned, gone.waited_s)
            await self._end_or_wait(leg_of(stream), decision)
        self.table.forget(stream.call_sid)

    async def _end_or_wait(self, leg: Leg, decision: EndNow | EndLater) -> None:
        match decision:
            case EndNow(outcome):
                await self.registry.end(leg.call_sid, outcome)
            case EndLater(after_s, _):
                # In Redis: this process may be gone by then. Meanwhile the call is remembered here: its next
                # stream may come here.
                await self.registry.defer(leg, decision)
                await self.wait(after_s)
