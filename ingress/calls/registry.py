"""Attach, detach, end: the rare steps of a call in Redis, asked with patience.

Why it exists: a failover or a restart of Redis must not cost a call, so each step is asked again until Redis
answers. Each is idempotent. Owns: the retries, the number of steps under way. Must not know: what follows
from an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ingress.calls import ending
from ingress.calls.ending import APOLOGY, EndLater
from ingress.counters import CallCounters
from shared.clock import now_ms
from shared.contract import writes
from shared.contract.card import Next, Plan, StreamEnd
from shared.contract.lua.scripts import Answer
from shared.contract.steps import Attached, Deadline, Due, GoneStream, Leg, NewStream
from shared.contract.streams.control import Dialled
from shared.contract.streams.hooks import Event
from shared.contract.writes import Speaker
from shared.ownership import steps
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

RETRY_S = 0.2
GIVE_UP_MS = 60_000.0
"""How long a detach or an end is asked while Redis is away; then the janitor's rule stands."""

UNKNOWN_ATTACH_MS = 30_000.0
"""How long an attach of unknown outcome is asked again after its socket has gone."""

STEPS_AT_ONCE = 24
"""A burst of calls must not use up the connections of the store."""

OTHERS_FIRST_S = 3.0
"""After Redis was away: longer than an end that waits for it needs to be asked again, and than an apology
that was planned meanwhile needs to stand on the card."""

APOLOGISED_MOST = 1000
"""Calls whose apology is remembered until Redis has been told of it."""

T = TypeVar("T")


def _deadline(end: EndLater) -> Deadline:
    return Deadline(round(end.after_s * 1000), end.outcome)


DEADLINES = {planned.value: _deadline(end) for planned, end in ending.AFTER.items()}


@dataclass(frozen=True, slots=True)
class Gone:
    """The stream is gone, and the call is ours to end. `planned` is None for a plan that only a newer version
    knows."""

    planned: Next | None
    waited_s: float = field(default=0.0, compare=False)
    """How long Redis could not be asked."""
    is_asked_for: bool = False
    """Another ingress took us for dead, and has asked the carrier for the call."""


class Registry:
    """The steps of `shared.ownership.steps` that ingress takes."""

    def __init__(self, process: Process, counters: CallCounters) -> None:
        self._process = process
        self._counters = counters
        self._free = asyncio.Semaphore(STEPS_AT_ONCE)
        self._apologised: dict[str, str] = {}
        """Calls that a webhook had to give up by itself, and why: whoever ends one, that is how it ended."""

    async def attach(self, stream: NewStream, *, wanted: Callable[[], bool]) -> Attached | None:
        """None: unknown, and `wanted` has been false for UNKNOWN_ATTACH_MS. Cancelling it leaves it unknown
        too."""
        process = self._process
        return await self._ask(
            lambda: steps.attach(
                process.store, process.keys, stream, max_resumes=process.settings.max_resumes
            ),
            wanted=wanted,
            give_up_ms=UNKNOWN_ATTACH_MS,
        )

    async def detach(
        self, leg: Leg, cause: str, plan: Plan | None = None, stream_end: StreamEnd | None = None
    ) -> Gone | None:
        """What is planned next on the card; None when the stream is not ours to detach: the call has ended, a
        newer leg has it, Redis does not know it, or it did not answer. `plan`: ingress's own, written first:
        an apology that was planned while Redis was away. `stream_end`: how far it came, where that is known.
        Cancelling it leaves it unknown."""
        process, began_ms = self._process, now_ms()

        async def asked() -> tuple[float, GoneStream]:
            waited_ms = now_ms() - began_ms
            if plan is not None:
                await steps.run(process.store, writes.write_leg(process.keys, leg, plan))
            detached = await steps.detach(
                process.store,
                process.keys,
                leg,
                ingress=process.name,
                cause=cause[:80],
                deadlines=DEADLINES,
                stream_end=stream_end,
            )
            return waited_ms, detached

        found = await self._ask(asked)
        if found is None or found[1].answer is not Answer.OK:
            return None
        waited_ms, detached = found
        planned = self._read_plan(leg.call_sid, detached.planned)
        return Gone(planned, waited_ms / 1000, detached.is_asked_for)

    async def tell_dialled(self, call_sid: str, status: str, tries: int) -> None:
        """Tells the brain that nobody took a transferred call. Raises STORE_ERRORS: asked by a webhook, which
        Twilio repeats. `tries` makes a repetition the same message: cancelling is safe."""
        process = self._process
        letter = writes.append_control(
            process.keys,
            Speaker(call_sid),
            Dialled(status=status[:40]),
            sender="twilio",
            number=f"dialled-{tries}",
            wake="brain",
        )
        await steps.run(process.store, letter)

    async def end(self, call_sid: str, outcome: str) -> None:
        """Ends the call; the first comer's outcome stands. Cancelled, it may or may not have ended: the
        janitor's rule stands."""
        await self._end(call_sid, outcome)

    async def defer(self, leg: Leg, end: EndLater) -> None:
        """Has the call end after this time, unless it has another stream by then; whichever ingress lives
        then ends it. Cancelled, the deadline that was written with the end of its stream stands."""
        process = self._process
        await self._ask(lambda: steps.defer(process.store, process.keys, leg, _deadline(end)))

    async def end_due(self, due: Due) -> None:
        """Ends a call whose deadline has passed, if it still stands. Cancelled, it may or may not have ended:
        another ingress is told of it again."""
        await self._end(due.leg.call_sid, due.outcome, if_due=due.leg)

    async def end_by_status(self, call_sid: str, status: str) -> None:
        """Ends the call with the carrier's word. If Redis was away, whoever knows more goes first: a process
        that has apologised meanwhile, and the carrier calls that completed. Cancelling it is as for `end`."""
        if await self._end(call_sid, status, give_up_ms=0.0):
            return
        if await self._ask(self._ping) is not None:
            await asyncio.sleep(OTHERS_FIRST_S)
        await self._end(call_sid, status)

    async def apologised(self, call_sid: str, cause: str) -> None:
        """A webhook gave the call up by itself: ends it, as soon as Redis answers. Cancelled, it may or may
        not have ended, and whoever ends it next in this process says so."""
        if len(self._apologised) >= APOLOGISED_MOST:
            del self._apologised[next(iter(self._apologised))]
        self._apologised[call_sid] = cause
        await self.end(call_sid, APOLOGY)

    # Private.

    async def _end(
        self,
        call_sid: str,
        outcome: str,
        *,
        if_due: Leg | None = None,
        give_up_ms: float = GIVE_UP_MS,
    ) -> bool:
        """False if Redis has not answered."""
        process, cause = self._process, self._apologised.get(call_sid, "")
        if cause:
            outcome = APOLOGY
        found = await self._ask(
            lambda: steps.end(
                process.store,
                process.keys,
                call_sid,
                outcome=outcome,
                by=process.name,
                if_due=if_due,
                tell=Event.ENDED in process.settings.told_events,
                kept=process.settings.kept,
                cause=cause,
            ),
            give_up_ms=give_up_ms,
        )
        if found is None:
            if give_up_ms:
                process.log.error("end_unknown", call=call_sid, outcome=outcome)
            return False
        if found[0] is not Answer.FENCED:
            self._apologised.pop(call_sid, None)
        if found[1]:
            self._counters.ended += 1
            process.log.info("ended", call=call_sid, outcome=outcome)
        return True

    async def _ping(self) -> bool:
        await self._process.store.ping()
        return True

    def _read_plan(self, call_sid: str, word: str) -> Next | None:
        try:
            return Next(word)
        except ValueError:
            process = self._process
            process.ownership.contract_errors += 1
            process.log.error("contract_error", call=call_sid, record="card", field="next", reason=word[:40])
            return None

    async def _ask(
        self,
        ask: Callable[[], Awaitable[T]],
        *,
        wanted: Callable[[], bool] = lambda: False,
        give_up_ms: float = GIVE_UP_MS,
    ) -> T | None:
        """Asks until Redis answers; None after `give_up_ms` of failures, not counting the time in which the
        answer was `wanted`."""
        give_up_at_ms: float | None = None
        while True:
            try:
                async with self._free:
                    return await ask()
            except STORE_ERRORS as error:
                self._counters.store_errors += 1
                self._process.log.debug("redis_away", reason=type(error).__name__)
            now = now_ms()
            if give_up_at_ms is None or wanted():
                give_up_at_ms = now + give_up_ms
            if now >= give_up_at_ms:
                return None
            await asyncio.sleep(RETRY_S)
