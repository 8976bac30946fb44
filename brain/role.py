"""The brain's process: takes calls while it has room, rings their doorbells, keeps them tidy, drains.

Owns: the calls of this process. Must not know: what happens inside a call.
"""

from __future__ import annotations

import asyncio

from openai import AsyncOpenAI
from shared.ownership.control import SWEEP_S

from brain import trust_store
from brain.agents.book import AgentBook
from brain.call.call import BrainCall
from brain.call.parts import CallParts
from brain.counters import BrainCounters, BrainFigures
from brain.webhooks.courier import Courier
from brain.webhooks.events import Hooks
from shared.contract.entries import EntryError, Why, read_ring
from shared.ownership.owner import Claim
from shared.process.dispatch import Dispatch
from shared.process.role import Process
from shared.store.inbox import Entry

UPKEEP_S = 0.5
"""How often the callers' streams are trimmed."""

SWEEP_EVERY = round(SWEEP_S / UPKEEP_S)


class BrainRole:
    """See shared.process.role.Role."""

    starts_without_redis = False
    own_streams = ()

    def __init__(self, process: Process) -> None:
        settings = process.settings
        trust_store.for_sessions()  # Now, while no call could notice.
        self._process = process
        self.counters = BrainCounters()
        self.figures = BrainFigures()
        process.metrics.add("brain", self.counters)
        process.metrics.add("hop", self.figures.hops)
        process.metrics.add("sequencer", self.figures.sequencer)
        process.metrics.add("response", self.figures.times)
        self._parts = CallParts(
            book=AgentBook(settings, process.log),
            client=AsyncOpenAI(
                api_key=settings.openai_api_key.get_secret_value(),
                base_url=settings.openai_base_url,
                max_retries=0,
            ),
            counters=self.counters,
            figures=self.figures,
            hooks=Hooks(process),
        )
        self._courier = Courier(process)
        self._calls: dict[str, BrainCall] = {}
        self._none_left = asyncio.Event()
        self._none_left.set()

    async def start(self) -> None:
        """Listens to the doorbell of each lane and takes calls."""
        process = self._process
        for lane, inbox in enumerate(process.inboxes):
            inbox.watch(process.keys.wake(lane, process.name), "0", self._on_rings)
            dispatch = Dispatch(process, lane, has_slot=self._has_slot, on_call=self._on_call)
            process.spawn(dispatch.run(), f"dispatch-{lane}")
        process.spawn(self._upkeep(), "upkeep")
        self._courier.start()

    async def drain(self) -> None:
        """Takes no more calls (the process says so) and waits for the live ones."""
        await self._none_left.wait()

    async def stop(self) -> None:
        """What is left hears an apology and is released; its sessions are closed."""
        await asyncio.gather(*(call.stop() for call in list(self._calls.values())))
        # Bounded, since each call's own end is: a closing handshake, cancelled tasks.
        await self._none_left.wait()
        await self._courier.stop()
        await self._parts.client.close()

    def live_calls(self) -> int:
        return len(self._calls)

    def not_ready(self) -> str:
        return "" if self._has_slot() else f"full: {len(self._calls)} calls"

    # Private.

    def _has_slot(self) -> bool:
        return len(self._calls) < self._process.capacity and not self._process.draining

    def _on_call(self, call_sid: str, claim: Claim) -> None:
        held = self._calls.get(call_sid)
        if held is not None and held.epoch >= claim.epoch:
            return  # The claim was repeated after a lost answer: it is being served.
        if held is not None:
            # A higher epoch over a call that we have: Redis lost it and ingress wrote it anew.
            held.abandon()
        call = BrainCall(self._process, call_sid, claim, self._parts)
        self._calls[call_sid] = call
        self._none_left.clear()
        self._process.spawn(self._serve(call), f"call-{call_sid}")

    async def _serve(self, call: BrainCall) -> None:
        try:
            await call.run()
        finally:
            if self._calls.get(call.call_sid) is call:
                del self._calls[call.call_sid]
            if not self._calls:
                self._none_left.set()

    def _on_rings(self, entries: list[Entry]) -> None:
        for _, fields in entries:
            try:
                call_sid, why = read_ring(fields)
            except EntryError as error:
                self._process.log.warning("bad_ring", reason=str(error))
                continue
            call = self._calls.get(call_sid)
            if why == Why.DRAIN:
                self._process.begin_drain()
            elif call is not None:
                # Whatever it rings for is a control message too: `stream`, `ended`, a report.
                call.ring()

    async def _upkeep(self) -> None:
        beat = 0
        while True:
            await asyncio.sleep(UPKEEP_S)
            beat += 1
            sweep = beat % SWEEP_EVERY == 0
            for call in list(self._calls.values()):
                call.upkeep(sweep=sweep)
