"""The brain's process: takes calls while it has room, rings their doorbells, keeps them tidy, drains.

Why it exists: the skeleton of a process asks for five verbs (shared/process/role.py). Owns: the calls of this
process, what they share. Must not know: what happens inside a call.
"""

from __future__ import annotations

import asyncio
from functools import partial

from brain import trust_store
from brain.agents.book import AgentBook
from brain.agents.publisher import Publisher
from brain.call.call import BrainCall
from brain.call.parts import BrainServices, Waiting
from brain.caller.moves import CallerMoves
from brain.counters import BrainCounters, BrainFigures
from brain.incoming.asking import Inquiries
from brain.incoming.opening import Openings
from brain.memory.past import PastCalls
from brain.model.probe import make_client, refused_agents
from brain.model.realtime.headroom import Headroom
from brain.takeover.expected import Expected
from brain.takeover.giving import Giving
from brain.takeover.prepared import Prepared
from brain.telling.start import begin_series, make_spending, tag_of
from brain.tools.attempts import ToolAttempts
from brain.webhooks.courier import Courier
from brain.webhooks.events import Hooks
from brain.webhooks.live import LiveEvents
from brain.webhooks.turns import Fields
from shared import caller_tag
from shared.clock import now_ms, wall_ms
from shared.contract import record
from shared.contract.card import Next, Plan
from shared.contract.claiming import Claim
from shared.contract.errors import ContractError, EntryError
from shared.contract.streams.calls import Ringing
from shared.contract.streams.doorbell import Ring, Why, read_ring
from shared.contract.streams.hooks import Event
from shared.contract.streams.journal import Kind
from shared.contract.streams.pairs import Pair, out_commands
from shared.contract.views import BrainView
from shared.contract.writes import Speaker
from shared.ownership.control_feed import SWEEP_S
from shared.ownership.counters import Where
from shared.ownership.guard import end_by_bug
from shared.ownership.turning_away import turn_away
from shared.process.dispatch import Dispatch, claim_free, room_for_orphans, watch_owned
from shared.process.role import Process
from shared.process.tasks import cancel_all, comes_first, in_turns
from shared.store.errors import STORE_ERRORS
from shared.store.inbox import Entry
from shared.store.writing.pair_batch import PairBatch

UPKEEP_S = 0.5
"""How often each call looks after what nobody says."""

AGENTS_LOOK_S = 1.0
"""How often the agents file is looked at; a change is taken up at the second look."""

SWEEP_EVERY = round(SWEEP_S / UPKEEP_S)

CLAIM_TRIES, CLAIM_PAUSE_S = 20, 0.5


class BrainRole:
    """See shared.process.role.Role."""

    starts_without_redis = False
    own_streams = ()

    def __init__(self, process: Process) -> None:
        settings = process.settings
        trust_store.for_sessions()  # Now, while no call could notice.
        self._process = process
        process.guard.on_bug = self._failed
        self.counters = BrainCounters()
        self.figures = BrainFigures()
        process.metrics.add("brain", self.counters)
        process.metrics.add("hop", self.figures.hops)
        process.metrics.add("sequencer", self.figures.sequencer)
        process.metrics.add("response", self.figures.times)
        self._client = make_client(settings)
        try_live = partial(refused_agents, self._client, settings.proxy_url)
        book = AgentBook(settings, process.log, try_live=try_live)
        asking = Inquiries(process, self.counters)
        headroom = Headroom(process.outbox.send)
        self._services = BrainServices(
            book=book,
            openings=Openings(process, self._client, book, asking, self.counters, headroom),
            asking=asking,
            counters=self.counters,
            figures=self.figures,
            hooks=Hooks(process.outbox, process.keys, settings.told_events),
            attempts=ToolAttempts(),
            moves=CallerMoves(process.outbox, process.name, process.guard),
            spending=make_spending(process),
            tag_of=partial(tag_of, caller_tag.keys_of(settings)),
        )
        self._live = LiveEvents(self._services.hooks, self._agent_of)
        process.journal.told = self._on_line
        begin_series(self._services.spending, self._services.book.agents)
        self._publisher = Publisher(self._services.book, process.outbox)
        self._courier = Courier(process)
        self._calls: dict[str, BrainCall] = {}
        self._alive = PairBatch(self._send_out)
        self._lost = PastCalls()
        self._claiming: set[str] = set()
        """Calls that are being claimed again."""
        self._owned = watch_owned(process, self)
        self._giving = Giving(process, lambda: list(self._calls.values()))
        self._giver: asyncio.Task[None] | None = None
        openings = self._services.openings
        self._prepared = Prepared(process, openings.beside, self.has_room)
        self._expected = Expected(process, openings.for_ringing, self.counters)
        self._none_left = asyncio.Event()
        self._none_left.set()

    async def start(self) -> None:
        """Listens to the doorbell of each lane and takes calls. Never cancelled."""
        process = self._process
        await self._services.book.stand_still()
        for lane, inbox in enumerate(process.inboxes):
            inbox.watch(process.keys.wake(lane, process.name), "0", self._on_rings)
            dispatch = Dispatch(
                process, lane, live_calls=self.live_calls, on_call=self._on_call,
                host=self if process.settings.early_sessions else None,
            )  # fmt: skip
            process.spawn(dispatch.run(), f"dispatch-{lane}")
        self._publisher.tell(now_ms())
        process.spawn(self._upkeep(), "upkeep")
        process.spawn(self._services.moves.run(), "moves")
        process.spawn(self._look_after_agents(), "agents")
        process.spawn(self._owned.look_on(), "owned")
        self._courier.start()

    async def drain(self) -> None:
        """Takes no more calls (the process says so), gives the live ones to other brains, each at a quiet
        moment, and waits for the tools that were begun. Cancelling it is safe."""
        self._giving.may_stay = False
        await comes_first(self._give_away(), self._none_left)
        await self._services.attempts.finished()

    async def stop(self) -> None:
        """What is left is released, for whoever comes first; its sessions are closed. Never cancelled."""
        if self._giver is not None:
            await cancel_all([self._giver])
        guard = self._process.guard
        await asyncio.gather(*(guard.task(sid, call.stop()) for sid, call in list(self._calls.items())))
        # Bounded, since each call's own end is: a closing handshake, cancelled tasks.
        await self._none_left.wait()
        await asyncio.gather(self._prepared.stop(), self._expected.stop(), self._services.asking.stop())
        await self._services.attempts.stop()
        await self._services.book.pool.close()
        await self._courier.stop()
        await self._client.close()

    def live_calls(self) -> int:
        """How many calls this process serves now."""
        return len(self._calls)

    def not_ready(self) -> str:
        """Why no new call should come here; empty when ready."""
        return "" if self._has_slot() else f"full: {len(self._calls)} calls"

    def expected_calls(self) -> int:
        """How many ring whose sessions are opened here."""
        return self._expected.count

    def on_ringing(self, call: Ringing) -> None:
        """A call rings, and is ours if its stream comes."""
        self._expected.ringing(call)

    def knows(self, call_sid: str) -> bool:
        """Whether the call is here, or about to be."""
        here = (self._calls, self._claiming, self._process.turning_away)
        return any(call_sid in each for each in here)

    def has_room(self) -> bool:
        """Whether a call may come that has lost its owner."""
        process = self._process
        expected = len(self._calls) + self._prepared.count
        return expected < room_for_orphans(process.capacity) and not process.draining

    def claim_again(self, call_sid: str, seen: int, *, again: bool = True, new_entry: str = "") -> None:
        """Redis, or ingress, knows less or more of a call of ours than we do; or it was released to us, or is
        a new one that we have a session for (`new_entry`: where it stands in `calls`).
        `seen`: the epoch that the next one must be above; where it is above that already, the word came
        late."""
        held = self._calls.get(call_sid)
        if call_sid not in self._claiming and (held is None or held.epoch <= seen):
            self._claiming.add(call_sid)
            claim = self._claim(call_sid, seen, again=again, new_entry=new_entry)
            self._process.spawn_for(call_sid, claim, "again")

    # Private.

    def _has_slot(self) -> bool:
        return len(self._calls) < self._process.capacity and not self._process.draining

    def _on_call(self, call_sid: str, claim: Claim) -> None:
        process, held = self._process, self._calls.get(call_sid)
        if held is not None and held.epoch >= claim.epoch and held.lost_at_ms is None:
            return  # The claim was repeated after a lost answer: it is being served.
        try:
            card = record.read(BrainView, claim.card)
        except ContractError as error:
            process.ownership.unread(error, process.log.bind(call=call_sid, epoch=claim.epoch))
            process.spawn_for(call_sid, self._turn_away(call_sid, claim.epoch), "away")
            return
        if held is None:
            past = self._lost.take(call_sid)
        elif held.goes_on(claim.epoch, card):
            return
        else:  # A higher epoch over a call that we have: Redis had lost it.
            past = held.past()
            held.abandon()
        if past is not None and not past.is_latest(card.claims, card.restored_at_ms):
            past = None
        call = BrainCall(
            process, self._services, call_sid, claim.epoch, card, past, caller_number=claim.caller_number,
            claim_again=partial(self.claim_again, call_sid), waiting=Waiting(self._prepared, self._expected),
        )  # fmt: skip
        self._calls[call_sid] = call
        self._live.begun(call_sid)
        self._none_left.clear()
        process.spawn_for(call_sid, self._serve(call), "call")

    async def _serve(self, call: BrainCall) -> None:
        try:
            await call.run()
        finally:
            if self._calls.get(call.call_sid) is call:
                del self._calls[call.call_sid]
                self._live.left(call.call_sid, wall_ms())
                if call.lost_at_ms is not None:
                    self._lost.put(call.call_sid, call.past(), now_ms())
            if not self._calls:
                self._none_left.set()

    def _agent_of(self, call_sid: str, item_id: str) -> str:
        """Whose an item is, of a call that is here; of none: who answers now."""
        call = self._calls.get(call_sid)
        return "" if call is None else call.agent_of(item_id)

    def _on_line(self, call_sid: str, kind: Kind, fields: Fields, at_ms: int) -> None:
        """A line of a call's journal is written here."""
        try:
            self._live.noted(call_sid, kind, fields, at_ms)
        except Exception as bug:  # noqa: BLE001 - what others are told of a call is not worth the call
            self._process.guard.note(Where.WEBHOOK, call_sid, bug)

    async def _turn_away(self, call_sid: str, epoch: int) -> None:
        """The caller hears the apology of whoever answers by default: nobody can tell who was asked for."""
        process = self._process
        process.turning_away.add(call_sid)
        self.counters.given_up += 1
        apology = self._services.book.pick("", "").apology
        plan = Plan(next=Next.APOLOGY, next_arg=apology, cause="card_unreadable")
        speaker = Speaker(call_sid, process.worker.role, process.name, epoch)
        settings = process.settings
        tell, kept = Event.ENDED in settings.told_events, settings.kept
        try:
            await turn_away(process.store, process.keys, speaker, plan, by=process.name, tell=tell, kept=kept)
        except STORE_ERRORS as error:
            # Ingress apologises by itself when Redis stays away.
            process.log.warning("turn_away_failed", call=call_sid, reason=type(error).__name__)
        finally:
            process.turning_away.discard(call_sid)

    def _on_rings(self, entries: list[Entry]) -> None:
        for _, fields in entries:
            try:
                ring = read_ring(fields)
            except EntryError as error:
                self._process.ownership.unread(error, self._process.log)
                continue
            self._process.guard.run(Where.RING, ring.call_sid, self._on_ring, ring)

    def _on_ring(self, ring: Ring) -> None:
        call = self._calls.get(ring.call_sid)
        if ring.why is Why.DRAIN:
            self._process.begin_drain()
            self._give_away()
        elif ring.why is Why.PREPARE:
            self._prepared.ask(ring.call_sid, ring.by)
        elif ring.why in (Why.READY, Why.DECLINED):
            self._giving.answered(ring.call_sid, ring.by, is_ready=ring.why is Why.READY)
        elif ring.why is Why.RESTORED:
            self.claim_again(ring.call_sid, 0 if call is None else call.epoch)
        elif ring.why is Why.CLAIMED:
            # A call that we have prepared for has its place; so has a new one, unless it rang for too long.
            has_place = not ring.entry or self._expected.has(ring.call_sid) or self._has_slot()
            if ring.call_sid and call is None and has_place and not self._process.draining:
                self.claim_again(ring.call_sid, 0, again=False, new_entry=ring.entry)
        elif call is None and ring.why is Why.ENDED:
            self._expected.drop(ring.call_sid)
            self._services.asking.drop(ring.call_sid)
        elif call is not None:
            # Whatever it rings for is a control message too: `stream`, `ended`, a report.
            call.ring()

    def _give_away(self) -> asyncio.Task[None]:
        """From now on: an operator may ask for it before the process ends."""
        if self._giver is None:
            self._giver = self._process.spawn(self._giving.run(), "giving")
        return self._giver

    def _failed(self, call_sid: str) -> None:
        """A bug was met in a call, outside of its own tasks."""
        call = self._calls.get(call_sid)
        if call is not None:
            call.spawn(end_by_bug(), "bug")

    async def _claim(self, call_sid: str, seen: int, *, again: bool, new_entry: str) -> None:
        try:
            for _ in range(CLAIM_TRIES):
                try:
                    claim = await claim_free(
                        self._process, call_sid, seen=seen, again=again, new_entry=new_entry
                    )
                except STORE_ERRORS:
                    await asyncio.sleep(CLAIM_PAUSE_S)
                    continue
                if claim is not None:
                    self._process.ownership.claims_again += again
                    self._on_call(call_sid, claim)
                elif call_sid not in self._calls:
                    self._expected.drop(call_sid)  # Another brain was first, or it has ended.
                    self._services.asking.drop(call_sid)
                return
        finally:
            self._claiming.discard(call_sid)

    async def _look_after_agents(self) -> None:
        while True:
            await asyncio.sleep(AGENTS_LOOK_S)
            await self._services.book.look()

    async def _upkeep(self) -> None:
        beat = 0
        while True:
            await asyncio.sleep(UPKEEP_S)
            beat += 1
            sweep = beat % SWEEP_EVERY == 0
            self._publisher.tell(now_ms())
            self._lost.forget_old(now_ms())
            self._prepared.forget_old()
            self._expected.forget_old()
            self._services.asking.forget_old()
            await in_turns(list(self._calls), partial(self._upkeep_of, sweep=sweep))
            self._live.look(wall_ms())
            if sweep:
                await in_turns(list(self._calls), self._add_alive)
                self._alive.send()

    def _upkeep_of(self, sid: str, *, sweep: bool) -> None:
        call = self._calls.get(sid)
        if call is not None:
            self._process.guard.run(Where.LOOK, sid, call.upkeep, sweep=sweep)

    def _add_alive(self, sid: str) -> None:
        """Once a second, for all calls at once: we live, and this is what their callers are owed."""
        call = self._calls.get(sid)
        owed = None if call is None else self._process.guard.run(Where.LOOK, sid, call.still_owes)
        if owed is not None:
            ingress, pairs = owed
            for pair in pairs:
                self._alive.add(ingress, pair)

    def _send_out(self, ingress: str, batch: list[Pair]) -> None:
        process = self._process
        for command in out_commands(process.keys, ingress, process.name.encode(), now_ms(), batch):
            process.outbox.send(command, urgent=True)
