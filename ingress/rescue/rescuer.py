"""The calls of dead ingresses, asked for: claimed in Redis, pointed at `/voice/resume`, let go of.

Why it exists: every ingress sees that another is dead, and one of them asks for each call. Owns: the loop,
the steps of one try and their order. Must not know: when a call is due (stranded.py), what Twilio's answers
look like (api.py), who judges the dead (shared/process/neighbours.py): it is told.

A try first takes the call's leg in Redis (RESCUE): that says in one step whether the call is still where its
ingress left it, and keeps the others from asking too. A claimant that dies loses it after LEASE_MS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ingress.counters import RescueCounters
from ingress.rescue.api import CallsApi, Told
from ingress.rescue.stranded import Outcome, StrandedCall, StrandedCalls
from shared.clock import now_ms
from shared.contract import record
from shared.contract.card import CallState
from shared.contract.errors import ContractError
from shared.contract.steps import Leg
from shared.contract.views import HolderView
from shared.ownership import steps
from shared.ownership.each_lane import each_lane
from shared.ownership.liveness import DEAD_AFTER_MS, How
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

LEASE_MS = 15_000
"""How long a call is one ingress's to ask for: longer than one try, Twilio's slowest answer included."""

LIST_AGAIN_S = 0.5
READ_AT_ONCE = 500

ListCalls = Callable[[str, int], Awaitable[list[StrandedCall]]]
"""The calls of a lane that a worker had. May raise STORE_ERRORS."""

LetGo = Callable[[Leg], Awaitable[None]]
"""A call and the leg whose stream is gone for certain: detached, and ended unless another stream comes."""


@dataclass(slots=True)
class Rescuer:
    """One a process: `run` it as a task."""

    process: Process
    api: CallsApi
    list_calls: ListCalls
    let_go: LetGo
    counters: RescueCounters
    _stranded: StrandedCalls = field(default_factory=StrandedCalls)
    _dead: set[str] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def on_dead(self, worker: str, how: How) -> None:
        """What neighbours tell. Never waits: Redis is asked until it answers."""
        self.ingress_died(worker, silent_ms=DEAD_AFTER_MS if how is How.SILENT else 0.0)

    def ingress_died(self, worker: str, *, silent_ms: float = 0.0) -> None:
        """Whoever judges says so, once or more often. `silent_ms`: for how long it has shown no life; 0 for
        one that was seen to end."""
        if worker in self._dead or worker == self.process.name:
            return
        self._dead.add(worker)
        self.process.log.warning("ingress_dead", ingress=worker)
        if not self.api.lacks:
            self.process.spawn(self._list(worker, now_ms() - silent_ms), f"stranded-{worker}")

    def ingress_alive(self, worker: str) -> None:
        """It was not dead, or beats again: what it still has it keeps."""
        self._dead.discard(worker)
        self._stranded.alive(worker)

    async def run(self) -> None:
        """Asks for what is due, for ever. Cancelling it is safe."""
        log = self.process.log
        lacks = self.api.lacks
        if lacks:
            log.warning(
                "rescue_off",
                setting=lacks,
                hint="calls of a host that vanishes are not asked for at Twilio: it gives them up by itself,"
                " after minutes maybe",
            )
            return
        await self.api.open()
        while True:
            now = now_ms()
            for call in self._stranded.given_up(now):
                self.counters.given_up += 1
                log.error("rescue_given_up", call=call.call_sid, leg=call.leg, ingress=call.ingress)
            while (due := self._stranded.due(now)) is not None:
                self.process.spawn_for(due.call_sid, self._try(due), "rescue")
            at_ms = self._stranded.next_at_ms()
            self._news.clear()
            try:
                async with asyncio.timeout(None if at_ms is None else max(0.0, at_ms - now_ms()) / 1000):
                    await self._news.wait()
            except TimeoutError:  # Something is due.
                continue

    # Private.

    async def _list(self, worker: str, lived_ms: float) -> None:
        """Asks which calls it had, until each lane has answered or it turns out to live. `lived_ms`: when it
        did. What one lane has waits for no other."""
        process, left = self.process, list(range(self.process.settings.lanes))

        async def look(lane: int) -> None:
            found = await self.list_calls(worker, lane)
            if worker in self._dead:
                now = now_ms()
                self.counters.found += self._stranded.found(found, now, silent_ms=now - lived_ms)
                self._news.set()

        while left and worker in self._dead:
            failed = await each_lane(process.store, left, look)
            left = sorted(failed)
            if left:
                reasons = sorted({type(error).__name__ for error in failed.values()})
                process.log.debug("redis_away", lanes=left, reasons=reasons)
                await asyncio.sleep(LIST_AGAIN_S)

    async def _try(self, call: StrandedCall) -> None:
        try:
            told = await self._ask(call)
        except Exception:  # A bug that one call meets is that call's alone
            self.process.log.exception("rescue_failed", call=call.call_sid)
            told = Told(Outcome.LATER)
        self._stranded.answered(call, told.outcome, now_ms(), after_ms=told.after_ms)
        self._news.set()
        if told.outcome in (Outcome.DONE, Outcome.GONE):
            await self.let_go(call.stream)

    async def _ask(self, call: StrandedCall) -> Told:
        process, counters = self.process, self.counters
        log = process.log.bind(call=call.call_sid, leg=call.leg, ingress=call.ingress)
        taken = await self._take(call)
        if taken.outcome is not Outcome.DONE:
            counters.returned += taken.outcome is Outcome.RETURNED
            return taken
        told = await self.api.send_to_resume(call.call_sid)
        counters.asked[told.outcome] += 1
        if told.outcome in (Outcome.DONE, Outcome.GONE):
            log.info("rescued", outcome=told.outcome, reason=told.why)
            await self._take(call, came=told.outcome)
        elif told.outcome is Outcome.REFUSED:
            log.error(
                "rescue_refused", reason=told.why, hint="is it the account and the token of these calls?"
            )
        else:
            log.warning("rescue_later", reason=told.why)
        return told

    async def _take(self, call: StrandedCall, came: str = "") -> Told:
        """Takes the leg (DONE: it is ours), or with `came` settles it, so that nobody asks for it again."""
        process = self.process
        try:
            taken = await steps.rescue(
                process.store,
                process.keys,
                call.stream,
                worker=process.name,
                lease_ms=LEASE_MS,
                came=came,
            )
        except STORE_ERRORS as error:
            return Told(Outcome.LATER, type(error).__name__)
        if taken.is_ours:
            return Told(Outcome.DONE)
        if taken.left_ms > 0:
            return Told(Outcome.TAKEN, after_ms=taken.left_ms)
        return Told(Outcome.SETTLED if taken.is_settled else Outcome.RETURNED)


async def calls_of(process: Process, ingress: str, lane: int) -> list[StrandedCall]:
    """The live calls of a lane whose card names that ingress. Raises STORE_ERRORS. Cancelling it is safe."""
    store, keys, found = process.store, process.keys, []
    call_sids = [member.decode() for member in await store.zrange(keys.live(lane), 0, -1)]
    for place in range(0, len(call_sids), READ_AT_ONCE):
        some = call_sids[place : place + READ_AT_ONCE]
        async with store.pipeline(transaction=False) as pipeline:
            for call_sid in some:
                pipeline.hmget(keys.card(call_sid), record.names(HolderView))
            cards = await pipeline.execute()
        for call_sid, values in zip(some, cards, strict=True):
            held = _read(process, call_sid, values)
            if held is not None and held.state is CallState.ATTACHED and held.ingress == ingress:
                found.append(
                    StrandedCall(call_sid, held.leg, ingress, held.stream_sid, held.token_expires_s or 0)
                )
    return found


# Private.


def _read(process: Process, call_sid: str, values: Sequence[bytes | None]) -> HolderView | None:
    if all(value is None for value in values):
        return None
    try:
        return record.read_values(HolderView, values)
    except ContractError as error:
        process.ownership.unread(error, process.log.bind(call=call_sid))
        return None
