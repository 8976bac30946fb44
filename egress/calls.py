"""The calls of a process: how they come and how they go.

Why it exists: a call is taken from the dispatcher or from a sibling, and goes by its end, to a newer owner,
to a sibling, or through a bug of ours; whichever it is, nothing of it may stay behind.

Owns: the table of calls, their windows, the metronome that they share, what is added up over them. Must not
know: pacing, what was heard, what others write to this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from egress.call import EgressCall
from egress.counters import EgressHops, RoleCounters, Totals, Windows
from egress.delivery import Delivery
from egress.handover import choose
from egress.metronome import Metronome, OutBatch, Ticking
from egress.positions import read_start
from egress.window import CallWindow
from shared.clock import now_ms, wall_ms
from shared.contract import record
from shared.contract.card import CallState, EgressView, Owners
from shared.contract.entry import FIRST
from shared.contract.errors import ContractError
from shared.contract.scripts import Answer
from shared.contract.steps import Claim, release
from shared.contract.streams.control import Detached, Ended, Letter, Stream
from shared.contract.streams.pairs import Pair, out_command
from shared.figures.hops import Hop
from shared.ownership import steps
from shared.ownership.control_feed import ControlFeed
from shared.ownership.owner import Owner
from shared.ownership.workers import read_workers
from shared.process.dispatch import claim_free
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

TAKE_OVER_AGAIN_S = 0.2
REST_AFTER_BUG_S = 1.0
"""A call that met a bug rests this long before it is claimed again: a bug that comes again must not spin."""


class Calls:
    """The calls that this process owns."""

    def __init__(self, process: Process, counters: RoleCounters, hops: EgressHops) -> None:
        self._process = process
        self._counters = counters
        self._hops = hops
        self._model_to_egress = Hop(hops.model_to_egress_ms, process.worker.host)
        self._table: dict[str, EgressCall] = {}
        self._windows: dict[str, CallWindow] = {}
        self._batch = OutBatch(self._write_out)
        self.metronome = Metronome(self._batch, self._on_bug)
        self.totals = Totals()
        self.windows = Windows()

    def __len__(self) -> int:
        return len(self._table)

    def all(self) -> list[EgressCall]:
        """Those that are here now."""
        return list(self._table.values())

    def find(self, call_sid: str) -> EgressCall | None:
        """The call, if it is ours."""
        return self._table.get(call_sid)

    def has_slot(self) -> bool:
        """Whether another call may come."""
        return len(self._table) < self._process.capacity and not self._process.draining

    # How they come.

    def take(self, call_sid: str, claim: Claim) -> None:
        """A call is ours. Reads its reply from the first entry there is."""
        old = self._table.get(call_sid)
        if old is not None:
            if old.owner.epoch >= claim.epoch:
                return  # Claimed twice, by a repeated script: it is at work already.
            # Redis lost the call and ingress wrote it again, with a higher epoch: what we hold is fenced.
            self._forget(old)
        try:
            card = record.read(EgressView, claim.card)
        except ContractError as error:
            self._unreadable(call_sid, error)
            return
        process, now = self._process, now_ms()
        call = self._make(call_sid, claim.epoch, card, now)
        self._table[call_sid] = call
        log = process.log.bind(call=call_sid)
        self._windows[call_sid] = CallWindow(process, call, log, began_ms=now, windows=self.windows)
        self._counters.calls_taken += 1
        process.log.info("call_taken", call=call_sid, epoch=claim.epoch, leg=card.leg, frame_n=card.frame_n)
        call.begin()

    async def take_over(self, call_sid: str) -> None:
        """A rival has let go of a call and rang, or ingress has written it again in our name: takes it, if
        nobody else has. Cancelling it leaves unknown whether the call was claimed; the next ring tells."""
        process = self._process
        try:
            owners = await steps.read_view(process.store, process.keys, call_sid, Owners)
            if owners is None or owners.state is CallState.ENDED:
                return
            if owners.egress != process.name and (owners.egress or not self.has_slot()):
                return
            claim = await claim_free(process, call_sid)
        except ContractError as error:
            self._unreadable(call_sid, error)
            return
        except STORE_ERRORS as error:
            self._counters.store_errors += 1
            process.log.warning("take_over_failed", call=call_sid, reason=str(error))
            # Nobody rings again: a call whose ring was lost on a broken connection would stay without us.
            process.spawn(self._take_over_again(call_sid), f"take-over-{call_sid}")
            return
        if claim is not None:
            self.take(call_sid, claim)

    # Once a second.

    def keep_up(self, served: Sequence[EgressCall], now: float) -> None:
        """What each of them has to do once a second; and at once for a call whose socket may be stuck."""
        for call in served:
            call.save()
            self._windows[call.call_sid].check(now)
            call.rest()
        for window in list(self._windows.values()):
            if window.is_stuck(now):
                window.check(now)

    def check_window(self, call: EgressCall) -> None:
        """Something was seen that is no matter for the next second."""
        self._windows[call.call_sid].check(now_ms())

    def add_up(self) -> None:
        """Makes the sums over all calls again."""
        self.totals.add_up(call.delivery for call in self._table.values())

    # How they go.

    def end(self, call: EgressCall) -> None:
        """The call is over."""
        call.end()
        self._counters.calls_ended += 1
        frames = call.delivery.counters.frames_sent
        self._process.log.info("call_ended", call=call.call_sid, frames=frames)
        self._forget(call)

    def release(self, call: EgressCall, rival: str) -> None:
        """Notes where we are, then empties the owner's field: in this order, on one connection. `rival` is
        rung; '' for nobody."""
        call.save()
        self._give_back(call, rival)
        self._counters.calls_released += 1
        self._process.ownership.releases += 1
        self._process.log.info("call_released", call=call.call_sid, rival=rival)
        self._forget(call)

    async def find_rival(self) -> str | None:
        """The sibling that calls may go to; None if there is none. Cancelling is safe."""
        process = self._process
        try:
            workers = await read_workers(process.store, process.keys)
        except STORE_ERRORS:
            self._counters.store_errors += 1
            return None
        return choose(workers, own=process.name, role=process.worker.role, wall_ms=wall_ms())

    # Private.

    async def _take_over_again(self, call_sid: str) -> None:
        await asyncio.sleep(TAKE_OVER_AGAIN_S)
        await self.take_over(call_sid)

    def _make(self, call_sid: str, epoch: int, card: EgressView, now: float) -> EgressCall:
        process = self._process
        lane = process.keys.lane(call_sid)
        owner = Owner(
            process.outbox,
            process.keys,
            call_sid,
            process.worker.role,
            epoch,
            lambda answer: self._on_fenced(call_sid, epoch, answer),
            process.name,
        )
        control = ControlFeed(
            process.store,
            process.outbox,
            process.keys,
            call_sid,
            process.spawn,
            lambda letter: self._on_letter(call_sid, letter),
            process.ownership,
            process.log.bind(call=call_sid),
            position=card.control_pos or FIRST,
        )
        return EgressCall(
            call_sid=call_sid,
            lane=lane,
            delivery=Delivery(read_start(card, epoch), now, float(process.settings.lead_ms)),
            owner=owner,
            control=control,
            outbox=process.outbox,
            inbox=process.inboxes[lane],
            nudge=partial(process.nudge, lane),
            journal=process.journal,
            batch=self._batch,
            metronome=self.metronome,
            counters=self._counters,
            hops=self._hops,
            model_to_egress=self._model_to_egress,
        )

    def _on_letter(self, call_sid: str, letter: Letter) -> None:
        call = self._table.get(call_sid)
        if call is None:
            return
        match letter.message:
            case Stream(leg=leg, ingress=ingress):
                call.follow_stream(leg, ingress)
            case Detached(leg=leg):
                call.detach(leg)
            case Ended():
                self.end(call)
            case _:
                pass  # For the brain, which also answers what nobody understands.

    def _on_fenced(self, call_sid: str, epoch: int, answer: Answer) -> None:
        """A fenced write was refused: another owner speaks, or the call is over or forgotten."""
        call = self._table.get(call_sid)
        if call is None or call.owner.epoch != epoch:
            return
        self._counters.calls_lost += 1
        self._process.ownership.lost(answer)
        self._process.log.warning("call_lost", call=call_sid, epoch=epoch, answer=answer.value)
        self._forget(call)

    def _on_bug(self, call: Ticking, bug: Exception) -> None:
        """A call's core raised: it is given up here and claimed again, by a sibling if there is one."""
        if not isinstance(call, EgressCall) or call.is_over:
            return
        self._counters.calls_failed += 1
        self._process.log.error("call_failed", call=call.call_sid, exc_info=bug)
        self._forget(call)
        self._process.spawn(self._claim_again(call), f"again-{call.call_sid}")

    async def _claim_again(self, call: EgressCall) -> None:
        await asyncio.sleep(REST_AFTER_BUG_S)
        self._give_back(call, await self.find_rival() or self._process.name)

    def _give_back(self, call: EgressCall, rival: str) -> None:
        process = self._process
        step = release(
            process.keys,
            call.call_sid,
            role=process.worker.role,
            worker=process.name,
            epoch=call.owner.epoch,
            wall_ms=wall_ms(),
            rival=rival,
        )
        process.outbox.send(step.command(), urgent=True)

    def _forget(self, call: EgressCall) -> None:
        if self._table.pop(call.call_sid, None) is None:
            return
        self._windows.pop(call.call_sid).end()
        call.let_go()
        self.totals.finish(call.delivery)

    def _unreadable(self, call_sid: str, error: ContractError) -> None:
        """A card says less, or something else, than it must."""
        self._process.ownership.contract_errors += 1
        self._process.log.error(
            "contract_error", call=call_sid, record=error.record, field=error.field, reason=str(error)
        )

    def _write_out(self, ingress: str, pairs: list[Pair], urgent: bool) -> None:
        process = self._process
        self._counters.out_entries += 1
        command = out_command(process.keys, ingress, process.name.encode(), now_ms(), pairs)
        process.outbox.send(command, urgent=urgent)
