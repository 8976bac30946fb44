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

from egress.calls.call import EgressCall
from egress.calls.out_post import OutPost
from egress.calls.window import CallWindow
from egress.counters import EgressHops, RoleCounters, Totals, Windows
from egress.delivery import Delivery
from egress.pacing.metronome import Metronome, OutBatch, Ticking
from egress.takeover.handover import Heirs, find_heirs
from egress.takeover.positions import read_start
from shared.clock import now_ms, wall_ms
from shared.contract import record
from shared.contract.card import CallState
from shared.contract.claiming import Claim
from shared.contract.entry import FIRST, written_ms
from shared.contract.errors import ContractError
from shared.contract.lua.scripts import Answer, Refusal
from shared.contract.streams.calls import Orphaned
from shared.contract.streams.control import Detached, Ended, Letter, Stream
from shared.contract.views import EgressView, Owners
from shared.figures.hops import Hop
from shared.ownership import steps
from shared.ownership.control_feed import ControlFeed
from shared.ownership.counters import Where
from shared.ownership.owner import Owner
from shared.ownership.workers import read_workers
from shared.process.dispatch import claim_free, room_for_orphans
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

CLAIM_TRIES, CLAIM_PAUSE_S = 20, 0.5
"""As long as Redis does not answer: nobody rings a second time."""

ABSENT_MS = 5000.0
"""How long a call of ours may be without a card. Ingress writes it again within a second of the moment at
which Redis is there again; if it does not, the call is over."""

WAITED_MOST_MS = 500.0
"""A word that waited longer for us, by two clocks, was written by a clock that is wrong."""

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
        self._claiming: set[str] = set()
        """Calls that are being claimed again."""
        self._failing: dict[str, int] = {}
        """Calls that met a bug and rest, and the epoch under which they did: that one is over."""
        out = OutPost(process.outbox, process.keys, process.name.encode(), counters)
        self._batch = OutBatch(out.write)
        self.metronome = Metronome(self._batch, self._on_tick_bug)
        process.guard.on_bug = self._failed
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

    def knows(self, call_sid: str) -> bool:
        """Whether the call is here, or about to be."""
        here = (self._table, self._claiming, self._failing, self._process.turning_away)
        return any(call_sid in each for each in here)

    def has_room(self) -> bool:
        """Whether a call may come that has lost its owner."""
        process = self._process
        return len(self._table) < room_for_orphans(process.capacity) and not process.draining

    # How they come.

    def take(self, call_sid: str, claim: Claim) -> None:
        """A call is ours. Reads its reply from the first entry there is."""
        process, now = self._process, now_ms()
        old = self._table.get(call_sid)
        if old is not None and old.owner.epoch >= claim.epoch:
            return  # Claimed twice, by a repeated script: it is at work already.
        if self._failing.get(call_sid) == claim.epoch:
            return  # The same, and it has failed meanwhile.
        try:
            card = record.read(EgressView, claim.card)
        except ContractError as error:
            if old is not None:
                self._forget(old)
            self._unreadable(call_sid, error)
            return
        if old is not None and card.claims <= old.claims + 1:
            # Redis had lost the call, or our claim of it, and nobody else has had it.
            process.log.info("call_claimed_again", call=call_sid, epoch=claim.epoch)
            old.go_on(claim.epoch, card)
            return
        if old is not None:
            self._forget(old)
        call = self._make(call_sid, claim.epoch, card, now)
        self._table[call_sid] = call
        log = process.log.bind(call=call_sid)
        self._windows[call_sid] = CallWindow(process, call, log, began_ms=now, windows=self.windows)
        self._counters.calls_taken += 1
        process.log.info("call_taken", call=call_sid, epoch=claim.epoch, leg=card.leg, frame_n=card.frame_n)
        call.begin()

    async def take_over(self, call_sid: str) -> None:
        """A rival has let go of a call and rang: takes it, if nobody else has. Cancelling it leaves unknown
        whether the call was claimed; it waits in `orphans` too."""
        process = self._process
        try:
            owners = await steps.read_view(process.store, process.keys, call_sid, Owners)
            if owners is None or owners.state is CallState.ENDED:
                return
            if owners.egress != process.name and (owners.egress or not self.has_room()):
                return
            claim = await claim_free(process, call_sid)
        except ContractError as error:
            self._unreadable(call_sid, error)
            return
        except STORE_ERRORS as error:
            self._counters.store_errors += 1
            process.log.warning("take_over_failed", call=call_sid, reason=str(error))
            return
        if claim is not None:
            self.take(call_sid, claim)

    def claim_again(self, call_sid: str, seen: int) -> None:
        """Redis, or ingress, knows less or more of a call of ours than we do. `seen`: the epoch that the next
        one must be above; where it is above that already, the word came late."""
        held = self._table.get(call_sid)
        if call_sid not in self._claiming and (held is None or held.owner.epoch <= seen):
            self._claiming.add(call_sid)
            self._process.spawn_for(call_sid, self._claim(call_sid, seen), "again")

    # Once a second.

    def keep_up(self, served: Sequence[EgressCall], now: float) -> None:
        """What each of them has to do once a second; and at once for a call whose socket may be stuck."""
        run = self._process.guard.run
        for call in served:
            run(Where.LOOK, call.call_sid, self._keep_up, call, now)
        for sid, window in list(self._windows.items()):
            run(Where.LOOK, sid, self._check_stuck, window, now)

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

    def release(self, call: EgressCall, heir: str) -> None:
        """Notes where we are, then empties the owner's field: in this order, on one connection. `heir` is
        rung; '': whoever comes first takes the call."""
        call.save()
        call.owner.give_back(heir=heir)
        self._counters.calls_released += 1
        self._process.ownership.releases += 1
        self._process.log.info("call_released", call=call.call_sid, heir=heir)
        self._forget(call)

    def hand_over(self, heirs: Heirs, most: int) -> None:
        """Gives calls to siblings, as far as they have room. Between two turns of the loop each call is
        between two frames: the heir goes on with the next one."""
        for call in self.all()[:most]:
            heir = heirs.take()
            if heir is None:
                return
            self.release(call, heir)

    async def find_heirs(self) -> Heirs | None:
        """The siblings that calls may go to; None: Redis does not say. Cancelling is safe."""
        process = self._process
        try:
            workers = await read_workers(process.store, process.keys)
        except STORE_ERRORS:
            self._counters.store_errors += 1
            return None
        return find_heirs(
            workers, process.neighbours.silences(), own=process.name, role=process.worker.role,
            room=room_for_orphans,
        )  # fmt: skip

    # Private.

    def _keep_up(self, call: EgressCall, now: float) -> None:
        if call.is_over:
            return
        call.save()
        call.second_passed()
        self._windows[call.call_sid].check(now)
        call.rest()
        if call.absent_since_ms is not None:
            self._keep_absent(call, now)

    def _check_stuck(self, window: CallWindow, now: float) -> None:
        if window.is_stuck(now):
            window.check(now)

    def _make(self, call_sid: str, epoch: int, card: EgressView, now: float) -> EgressCall:
        process = self._process
        lane = process.keys.lane(call_sid)
        owner = Owner(
            process.outbox,
            process.keys,
            call_sid,
            process.worker.role,
            epoch,
            lambda refusal: self._on_fenced(call_sid, owner, refusal),
            process.name,
            partial(self.claim_again, call_sid),
            process.guard,
        )
        control = ControlFeed(
            process.store,
            process.outbox,
            process.keys,
            call_sid,
            partial(process.spawn_for, call_sid),
            process.guard.wrap(Where.LETTER, call_sid, partial(self._on_letter, call_sid)),
            process.ownership,
            process.log.bind(call=call_sid),
            position=card.control_pos or FIRST,
        )
        return EgressCall(
            call_sid=call_sid,
            lane=lane,
            delivery=Delivery(read_start(card), now, float(process.settings.lead_ms)),
            owner=owner,
            control=control,
            outbox=process.outbox,
            inbox=process.inboxes[lane],
            nudge=partial(process.nudge, lane),
            journal=process.journal,
            guard=process.guard,
            batch=self._batch,
            metronome=self.metronome,
            claims=card.claims,
            counters=self._counters,
            hops=self._hops,
            model_to_egress=self._model_to_egress,
        )

    def _on_letter(self, call_sid: str, letter: Letter) -> None:
        call = self._table.get(call_sid)
        if call is None:
            return
        match letter.message:
            case Stream(leg=leg, ingress=ingress, rescued=rescued):
                # The carrier was asked for it: it ended the old stream itself, to open this one.
                call.follow_stream(leg, ingress, was_open=rescued is True)
            case Detached(leg=leg) as detached:
                # By the server's clock: the word may have waited for us.
                ago_ms = min(max(0.0, wall_ms() - written_ms(letter.entry_id)), WAITED_MOST_MS)
                call.detach(leg, word_ago_ms=ago_ms if detached.was_open else None)
            case Ended():
                self.end(call)
            case _:
                pass  # For the brain, which also answers what nobody understands.

    def _on_fenced(self, call_sid: str, owner: Owner, refusal: Refusal) -> None:
        """A fenced write was refused: another owner speaks, or the call is over or forgotten."""
        call = self._table.get(call_sid)
        if call is None or call.owner is not owner:
            return
        if refusal.is_end:
            self.end(call)
        elif refusal.answer is Answer.ABSENT:
            # What it has to say it has here. Ingress writes the card again, and rings.
            call.absent_since_ms = now_ms() if call.absent_since_ms is None else call.absent_since_ms
        else:
            self._lose(call, refusal)

    def _keep_absent(self, call: EgressCall, now: float) -> None:
        """A call without a card: asks whether it has one again, should nobody ring."""
        if call.absent_since_ms is not None and now - call.absent_since_ms >= ABSENT_MS:
            self._lose(call, Refusal(Answer.ABSENT))
        else:
            self.claim_again(call.call_sid, call.owner.epoch)

    def _lose(self, call: EgressCall, refusal: Refusal) -> None:
        self._counters.calls_lost += 1
        self._process.ownership.lost(refusal)
        self._process.log.warning(
            "call_lost", call=call.call_sid, epoch=call.owner.epoch, answer=refusal.answer.value,
            owner=refusal.owner,
        )  # fmt: skip
        self._forget(call)

    def _on_tick_bug(self, call: Ticking, bug: Exception) -> None:
        if isinstance(call, EgressCall) and not call.is_over:
            self._process.guard.caught(Where.TICK, call.call_sid, bug)

    def _failed(self, call_sid: str) -> None:
        """A bug was met in a call: it is given up here and claimed again, by a sibling if there is one."""
        call = self._table.get(call_sid)
        if call is None:
            return
        self._counters.calls_failed += 1
        self._failing[call_sid] = call.owner.epoch
        try:
            self._forget(call)
        finally:
            self._process.spawn_for(call_sid, self._give_up(call), "bug")

    async def _give_up(self, call: EgressCall) -> None:
        try:
            await asyncio.sleep(REST_AFTER_BUG_S)
            heirs = await self.find_heirs() or Heirs()
            call.owner.give_back(heir=heirs.take() or self._process.name, why=Orphaned.BUG)
        finally:
            del self._failing[call.call_sid]

    async def _claim(self, call_sid: str, seen: int) -> None:
        held, tries = self._table.get(call_sid), 0
        try:
            # What is in our hands waits for as long as Redis does; what is not, others may have by then.
            while tries < CLAIM_TRIES or (held is not None and not held.is_over):
                tries += 1
                try:
                    claim = await claim_free(self._process, call_sid, seen=seen, again=True)
                except STORE_ERRORS:
                    self._counters.store_errors += 1
                    await asyncio.sleep(CLAIM_PAUSE_S)
                    continue
                if claim is not None:
                    self._process.ownership.claims_again += 1
                    self.take(call_sid, claim)
                elif held is not None and not held.is_over and held.absent_since_ms is None:
                    self._lose(held, Refusal(Answer.FENCED))
                return
        finally:
            self._claiming.discard(call_sid)

    def _forget(self, call: EgressCall) -> None:
        if self._table.pop(call.call_sid, None) is None:
            return
        # First what keeps it at work: what is told of its end may fail.
        call.let_go()
        self._windows.pop(call.call_sid).end()
        self.totals.finish(call.delivery)

    def _unreadable(self, call_sid: str, error: ContractError) -> None:
        """A card says less, or something else, than it must."""
        self._process.ownership.contract_errors += 1
        self._process.log.error(
            "contract_error", call=call_sid, record=error.record, field=error.field, reason=str(error)
        )
