"""The egress role: takes calls, reads what concerns them, and lets them go, in order.

Why it exists: the skeleton (shared/process/life.py) gives a process, the cores give decisions; here the
calls of a process are kept, the doorbell, `back` and control messages are read, and what is once a second
is done.

Owns: the table of calls and their comings and goings. Must not know: pacing, what was heard.
"""

from __future__ import annotations

import asyncio

from shared.ownership.control import ControlMessage, ControlPost, ControlReader

from egress.call import HeldCall
from egress.counters import EgressHops, RoleCounters, Totals, Windows
from egress.delivery import Call
from egress.handover import choose, read_workers
from egress.metronome import Metronome, OutBatch, Ticking
from egress.positions import read_start
from egress.window import CallPipeline
from shared.clock import now_ms, wall_ms
from shared.contract import scripts
from shared.contract.entries import BackKind, EntryError, Name, Pair, Why, read_name, read_pairs, read_ring
from shared.contract.scripts import Answer
from shared.figures.diagnosis import UNSENT_BYTES
from shared.figures.hops import Hop
from shared.ownership import owner as ownership
from shared.ownership.owner import Claim, Owner
from shared.process.dispatch import Dispatch
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS
from shared.store.inbox import Entry
from shared.store.outbox import OnReply

SLICES = 10
SLICE_S = 0.1
"""Once a second, spread: each tenth of a second serves a tenth of the calls."""

BACK_KEPT_MS = 5_000
"""`back` is trimmed to this much server time, once a second."""

DRAIN_LOOK_S = 0.1

AFRESH_S = 1.0
"""A call that met a bug rests so long before it is claimed anew: a bug that comes again must not spin."""


class EgressRole:
    """See `shared.process.role.Role`."""

    starts_without_redis = False

    def __init__(self, process: Process) -> None:
        self.own_streams = (process.keys.back(process.name),)
        self._process = process
        self._calls: dict[str, HeldCall] = {}
        self._pipelines: dict[str, CallPipeline] = {}
        self.counters = RoleCounters()
        self.totals = Totals()
        self.windows = Windows()
        self.hops = EgressHops()
        self._model_to_egress = Hop(self.hops.model_to_egress_ms, process.worker.host)
        self._batch = OutBatch(self._write_out)
        self.metronome = Metronome(self._batch, self._on_bug)
        self.counters.tick_late_ms = self.metronome.late_ms
        for group, counters in (("egress", self.counters), ("hop", self.hops), ("window", self.windows)):
            process.metrics.add(group, counters)
        self._export_totals()
        self._slice = 0
        self._last_back_id = b""
        self._tasks: list[asyncio.Task[None]] = []

    # --------------------------------------------------------------------------------------------- Role

    async def start(self) -> None:
        """Begins to read and to take calls."""
        process = self._process
        for lane, inbox in enumerate(process.inboxes):
            inbox.watch(process.keys.wake(lane, process.name), "0", self._take_rings)
        process.inboxes[0].watch(process.keys.back(process.name), "0", self.take_back)
        for lane in range(process.settings.lanes):
            dispatch = Dispatch(process, lane, has_slot=self._has_slot, on_call=self.take_call)
            self._tasks.append(process.spawn(dispatch.run(), f"dispatch-{lane}"))
        self._tasks.append(process.spawn(self._sweep(), "sweep"))

    async def drain(self) -> None:
        """Hands calls to a sibling, each between two responses; without a sibling they go on here."""
        rival: str | None = None
        looks = 0
        while self._calls:
            if looks % 10 == 0:
                rival = await self._find_rival()
            looks += 1
            if rival is not None:
                for held in list(self._calls.values()):
                    if not held.call.is_busy:
                        self._release(held, rival)
            await asyncio.sleep(DRAIN_LOOK_S)

    async def stop(self) -> None:
        """Lets go of what is left, in mid-word if need be: the next owner goes on with the next frame."""
        self.metronome.stop()
        rival = await self._find_rival() if self._calls else None
        for held in list(self._calls.values()):
            self._release(held, rival or "")
        for task in self._tasks:
            task.cancel()

    def live_calls(self) -> int:
        return len(self._calls)

    def not_ready(self) -> str:
        return ""

    # -------------------------------------------------------------------------------- calls come and go

    def _has_slot(self) -> bool:
        return len(self._calls) < self._process.capacity and not self._process.draining

    def take_call(self, call_sid: str, claim: Claim) -> None:
        """A call is ours. Reads its reply from the first entry there is."""
        process = self._process
        old = self._calls.get(call_sid)
        if old is not None:
            if old.owner.epoch >= claim.epoch:
                return  # Claimed twice, by a repeated script: it is at work already.
            # Redis lost the call and ingress wrote it anew, with a higher epoch: what we hold is fenced.
            self._forget(old)
        now = now_ms()
        try:
            start = read_start(claim.card, claim.epoch)
        except ValueError as error:
            process.log.error("bad_card", call=call_sid, reason=str(error))
            return
        owner = Owner(
            process.outbox,
            process.keys,
            call_sid,
            "egress",
            claim.epoch,
            lambda answer: self._lost(call_sid, claim.epoch, answer),
        )
        held = HeldCall(
            call_sid=call_sid,
            call=Call(start, now, float(process.settings.lead_ms)),
            owner=owner,
            letters=ControlPost(owner, process.name),
            control=ControlReader(process.store, process.keys.control(call_sid)),
            outbox=process.outbox,
            batch=self._batch,
            metronome=self.metronome,
            counters=self.counters,
            hops=self.hops,
            model_to_egress=self._model_to_egress,
            lane=process.keys.lane(call_sid),
        )
        self._calls[call_sid] = held
        log = process.log.bind(call=call_sid)
        self._pipelines[call_sid] = CallPipeline(process, held, log, began_ms=now, windows=self.windows)
        self.counters.calls_taken += 1
        process.log.info("call_taken", call=call_sid, epoch=claim.epoch, leg=start.leg, frame_n=start.frame_n)
        held.take(held.call.begin(), now)
        self._watch_reply(held, nudge=True)
        self._ask_control(held)

    def _forget(self, held: HeldCall) -> None:
        if self._calls.pop(held.call_sid, None) is None:
            return
        self._pipelines.pop(held.call_sid).end()
        held.is_over = True
        self.metronome.leave(held)
        self._process.inboxes[held.lane].unwatch(self._process.keys.reply(held.call_sid))
        self.totals.finish(held.call)

    def _lost(self, call_sid: str, epoch: int, answer: Answer) -> None:
        """A fenced write was refused: another owner speaks, or the call is over or forgotten."""
        held = self._calls.get(call_sid)
        if held is None or held.owner.epoch != epoch:
            return
        self.counters.calls_lost += 1
        self._process.ownership.lost(answer)
        self._process.log.warning("call_lost", call=call_sid, epoch=epoch, answer=answer.value)
        self._forget(held)

    def _end(self, held: HeldCall) -> None:
        held.call.on_ended(now_ms())
        self.counters.calls_ended += 1
        self._process.log.info("call_ended", call=held.call_sid, frames=held.call.counters.frames_sent)
        self._forget(held)

    def _release(self, held: HeldCall, rival: str) -> None:
        """Notes where we are, then empties the owner's field: in this order, on one connection."""
        process = self._process
        held.save(now_ms())
        self._give_back(held, rival)
        self.counters.calls_released += 1
        process.ownership.releases += 1
        process.log.info("call_released", call=held.call_sid, rival=rival)
        self._forget(held)

    def _on_bug(self, call: Ticking, bug: Exception) -> None:
        """A call's core raised: it is given up here and claimed anew, by a sibling if there is one."""
        if not isinstance(call, HeldCall) or call.is_over:
            return
        self.counters.calls_failed += 1
        self._process.log.error("call_failed", call=call.call_sid, exc_info=bug)
        self._forget(call)
        self._process.spawn(self._claim_afresh(call), f"afresh-{call.call_sid}")

    async def _claim_afresh(self, held: HeldCall) -> None:
        await asyncio.sleep(AFRESH_S)
        self._give_back(held, await self._find_rival() or self._process.name)

    def _give_back(self, held: HeldCall, rival: str) -> None:
        process = self._process
        args = ["egress", process.name, str(held.owner.epoch), str(wall_ms()), rival]
        process.outbox.script(
            held.lane,
            scripts.RELEASE,
            [process.keys.card(held.call_sid)],
            [word.encode() for word in args],
            urgent=True,
        )

    async def _find_rival(self) -> str | None:
        process = self._process
        try:
            workers = await read_workers(process.store, process.keys)
        except STORE_ERRORS:
            self.counters.store_errors += 1
            return None
        return choose(workers, own=process.name, role="egress", wall_ms=wall_ms())

    async def _take_over(self, call_sid: str) -> None:
        """A rival has let go of a call and rang: take it, if nobody else has."""
        process = self._process
        try:
            card = await ownership.read_card(process.store, process.keys, call_sid)
            if card.get("egress", "?") or card.get("state") == "ended" or not self._has_slot():
                return
            claim = await ownership.claim(
                process.store,
                process.keys,
                call_sid,
                role="egress",
                worker=process.name,
                expected_epoch=int(card.get("egress_epoch") or 0),
            )
        except STORE_ERRORS as error:
            self.counters.store_errors += 1
            process.log.warning("take_over_failed", call=call_sid, reason=str(error))
            return
        if claim.answer is Answer.OK:
            process.ownership.claims += 1
            self.take_call(call_sid, claim)
        else:
            process.ownership.claims_refused += 1

    # --------------------------------------------------------------------------------------- the readers

    def _take_rings(self, entries: list[Entry]) -> None:
        """The sink of the doorbell."""
        for _, fields in entries:
            try:
                call_sid, why = read_ring(fields)
            except EntryError:
                self.counters.unreadable += 1
                continue
            held = self._calls.get(call_sid)
            if why == Why.DRAIN:
                self._process.begin_drain()
            elif held is None:
                if why == Why.CLAIMED and call_sid:
                    self._process.spawn(self._take_over(call_sid), f"take-over-{call_sid}")
            elif why == Why.REPLY:
                self._watch_reply(held, nudge=False)
            elif why == Why.ENDED:
                self._end(held)
            else:
                self._ask_control(held)

    def take_back(self, entries: list[Entry]) -> None:
        """The sink of `tl:back:<self>`."""
        now = now_ms()
        for _, fields in entries:
            self.counters.back_entries += 1
            try:
                for encoded, value in read_pairs(fields):
                    self._take_report(read_name(encoded), value, now)
            except EntryError:
                self.counters.unreadable += 1
        self._last_back_id = entries[-1][0]

    def _take_report(self, name: Name, value: bytes, now: float) -> None:
        held = self._calls.get(name.call_sid)
        if held is None:
            self.counters.back_for_others += 1
            return
        call = held.call
        if name.kind == BackKind.ECHO:
            held.take(call.on_echo(value.decode(errors="replace"), now), now)
        elif name.kind == BackKind.FORWARDED:
            unsent_bytes = int(value) if value.isdigit() else 0
            held.take(call.on_forwarded(name.leg, name.n, unsent_bytes, now), now)
            if unsent_bytes >= UNSENT_BYTES:
                # Twilio takes nothing: not a matter for the next sweep.
                self._pipelines[name.call_sid].look(now)
        elif name.kind == BackKind.ATTACHED:
            held.take(call.on_attached(name.leg, name.n, now), now)

    def _watch_reply(self, held: HeldCall, *, nudge: bool) -> None:
        """`nudge`: end the read under way, which does not name this stream. A ring has ended it already."""
        inbox = self._process.inboxes[held.lane]
        key = self._process.keys.reply(held.call_sid)
        if not inbox.is_watched(key):
            held.call.intake.last_entry_at_ms = now_ms()
            inbox.watch(key, held.reply_position, held.take_reply)
            if nudge:
                self._process.nudge(held.lane)

    def _ask_control(self, held: HeldCall) -> None:
        if held.is_reading_control:
            held.has_more_control = True
            return
        held.is_reading_control = True
        self._process.spawn(self._read_control(held), f"control-{held.call_sid}")

    async def _read_control(self, held: HeldCall) -> None:
        try:
            while True:
                held.has_more_control = False
                for message in await held.control.read():
                    self._follow(held, message)
                if not held.has_more_control:
                    return
        except STORE_ERRORS:
            self.counters.store_errors += 1  # The sweep asks again within a second.
        finally:
            held.is_reading_control = False

    def _follow(self, held: HeldCall, message: ControlMessage) -> None:
        if self._calls.get(held.call_sid) is not held:
            return
        now = now_ms()
        if message.kind == "stream":
            ingress = message.fields.get("ingress", "")
            held.take(held.call.on_stream(message.integer("leg"), ingress, now), now)
        elif message.kind == "detached":
            held.take(held.call.on_detached(message.integer("leg"), now), now)
        elif message.kind == "ended":
            self._end(held)

    # ------------------------------------------------------------------------------------ once a second

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SLICE_S)
            self._slice = (self._slice + 1) % SLICES
            now = now_ms()
            served = [held for sid, held in self._calls.items() if hash(sid) % SLICES == self._slice]
            for held in served:
                held.save(now)
                self._pipelines[held.call_sid].look(now)
                if held.call.intake.is_quiet(now):
                    self._process.inboxes[held.lane].unwatch(self._process.keys.reply(held.call_sid))
            for pipeline in list(self._pipelines.values()):
                if pipeline.is_stuck:
                    pipeline.look(now)
            self._look_for_news(served)
            if self._slice == 0:
                self._trim_back()
                self._export_totals()

    def _look_for_news(self, served: list[HeldCall]) -> None:
        """Whether `control` or an unwatched `reply` has news whose ring was lost: one read a lane."""
        keys = self._process.keys
        by_lane: dict[int, dict[bytes, tuple[HeldCall, bytes]]] = {}
        for held in served:
            wanted = by_lane.setdefault(held.lane, {})
            control, reply = keys.control(held.call_sid), keys.reply(held.call_sid)
            wanted[control.encode()] = (held, held.control.position.encode())
            if not self._process.inboxes[held.lane].is_watched(reply):
                wanted[reply.encode()] = (held, held.reply_position.encode())
        for lane, wanted in by_lane.items():
            ids = [position for _, position in wanted.values()]
            args = [b"XREAD", b"COUNT", b"1", b"STREAMS", *wanted, *ids]
            self._process.outbox.command(lane, args, on_reply=self._news_of(wanted))

    def _news_of(self, wanted: dict[bytes, tuple[HeldCall, bytes]]) -> OnReply:
        def answered(reply: object) -> None:
            if not isinstance(reply, list):
                return  # Nothing new, or refused: the next sweep looks again.
            for key, _ in reply:
                held = wanted[key][0]
                if self._calls.get(held.call_sid) is not held:
                    continue
                if key.endswith(b":reply"):
                    self._watch_reply(held, nudge=True)
                else:
                    self._ask_control(held)

        return answered

    def _trim_back(self) -> None:
        """Forgets reports that were read, but for the last seconds, for people."""
        if not self._last_back_id:
            return
        key = self._process.keys.back(self._process.name).encode()
        keep_ms = int(self._last_back_id.split(b"-")[0]) - BACK_KEPT_MS
        self._process.outbox.command(key, [b"XTRIM", key, b"MINID", b"~", b"%d" % max(0, keep_ms)])

    def _export_totals(self) -> None:
        self.totals.add_up(held.call for held in self._calls.values())
        self.totals.export(self._process.metrics)
        self.counters.ticks, self.counters.ticks_late = self.metronome.ticks, self.metronome.ticks_late

    def _write_out(self, ingress: str, pairs: list[Pair], urgent: bool) -> None:
        self._process.outbox.out(ingress, pairs, urgent=urgent)
