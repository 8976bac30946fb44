"""All calls and media sockets of this process, and what ingress asks of Redis for them.

Why it exists: attaching, detaching and ending a call wait for Redis, while a socket's loop never
may. Here the waiting is done, in named tasks. Owns the table of calls, the reader of
`tl:out:<self>`, the reports to egress, when a call ends with its stream (docs/design.md,
A call's life). Must not know HTTP or TwiML.
"""

from __future__ import annotations

import asyncio

import orjson

from ingress.calls.call import Call
from ingress.calls.card import Restored, figures_command, restore_command
from ingress.calls.post import BackPost
from ingress.calls.registry import Registry
from ingress.counters import CallCounters, IngressHops, SocketCounters
from ingress.media.gate import CloseCode, State
from ingress.media.stream import Leg
from ingress.media.wire import Start
from ingress.web.admission import Admission, StartRefused
from ingress.web.twiml import DIAL_TIMEOUT_S
from shared.clock import now_ms, wall_ms
from shared.contract import scripts
from shared.contract.entries import EntryError, Pair, Why, read_name, read_pairs
from shared.contract.scripts import Answer
from shared.figures.hops import Hop, host_of
from shared.figures.rolling import Telling
from shared.logs.log import mask_number
from shared.ownership.owner import NewStream
from shared.process.role import Process
from shared.store.inbox import Entry

SWEEP_S = 0.25
SWEEPS_A_SECOND = 4
OUT_KEPT_MS = 5_000
"""`out` is trimmed to this much server time, once a second."""

NEW_LEG_WITHIN_S = 5.0
"""A lost or moved stream has this long to come back before the call ends."""

DIALLED_WITHIN_S = DIAL_TIMEOUT_S + 10.0
"""A number that rang in vain sends the caller back within this. Later the transfer has worked: the rest of
the call is between those two, and nothing of ours has to stay for it."""


class Switchboard:
    """Sockets in, calls through, one object a process. Implements `leg.Board`."""

    def __init__(
        self,
        process: Process,
        admission: Admission,
        registry: Registry,
        counters: CallCounters,
        sockets: SocketCounters,
    ) -> None:
        self.counters = counters
        self.hops = IngressHops()
        self._egress_to_socket = Hop(self.hops.egress_to_socket_ms, process.worker.host)
        self.new_leg_within_s = NEW_LEG_WITHIN_S
        self._process = process
        self._settings = process.settings
        self._admission = admission
        self._sockets = sockets
        self._registry = registry
        self._calls: dict[str, Call] = {}
        self.legs: set[Leg] = set()
        """Every open media socket, attached or not."""
        self._detaching = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._post = BackPost(self._send_back, self.counters)
        self._control_number = 0
        self._last_out_id = b""
        self._store_away_at_ms: float | None = None
        self._sweeps = 0
        self._telling = Telling(now_ms())
        self._sweep_timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begins to read `tl:out:<self>` and to sweep."""
        process = self._process
        process.inboxes[0].watch(process.keys.out(process.name), "0", self.take_out)
        self._arm_sweep()

    def shut(self) -> None:
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()

    def live_calls(self) -> int:
        """Calls whose stream is attached here."""
        return sum(1 for leg in self.legs if leg.gate.state in (State.ATTACHING, State.LIVE))

    def socket_opened(self, leg: Leg) -> None:
        self.legs.add(leg)
        self._idle.clear()

    async def emptied(self) -> None:
        """Returns when no socket and no detach is under way. Cancelling is safe."""
        await self._idle.wait()

    def close_all(self, code: CloseCode, reason: str) -> None:
        """Ends every socket: Twilio goes on to /voice/resume, in another process."""
        for leg in list(self.legs):
            leg.close(code, reason)

    # ------------------------------------------------------------------------------- leg.Board

    def start(self, leg: Leg, start: Start) -> None:
        """See `leg.Board`."""
        try:
            token = self._admission.judge(start)
        except StartRefused as refusal:
            leg.refuse(refusal.reason)
            return
        caller = start.parameters.get("from", "")
        called = called_line = start.parameters.get("to", "")
        if self._settings.mask_numbers:
            caller, called = mask_number(caller), mask_number(called)
        stream = NewStream(
            call_sid=start.call_sid,
            stream_sid=start.stream_sid,
            ingress=self._process.name,
            nonce=token.nonce,
            caller_number=caller,
            called_number=called,
            agent=start.parameters.get("agent", ""),
            called_line=called_line,
        )
        leg.stream = stream
        self._process.spawn(self._attach(leg, stream), f"attach-{start.call_sid}")

    def caller_frame(self, call_sid: str, leg: int, chunk: int, audio: bytes) -> None:
        """See `leg.Board`."""
        self._process.outbox.caller(call_sid, leg, chunk, audio)

    def dtmf(self, call_sid: str, leg: int, digit: str) -> None:
        """See `leg.Board`. No owner speaks here: only an ended call refuses."""
        process = self._process
        self._control_number += 1
        fields = {
            "v": "1", "kind": "dtmf", "from": process.name, "n": str(self._control_number),
            "digit": digit, "leg": str(leg),
        }  # fmt: skip
        head = ["", "0", "0", "1000", "brain", Why.CONTROL.value]
        flat = [word for pair in fields.items() for word in pair]
        process.outbox.script(
            process.keys.lane(call_sid),
            scripts.APPEND,
            [process.keys.card(call_sid), process.keys.control(call_sid)],
            [word.encode() for word in head + flat],
            urgent=True,
        )

    def fault(self, kind: str) -> None:
        """See `leg.Board`."""
        self._sockets.faults[kind] += 1

    def watchdog(self, leg: Leg) -> None:
        """See `leg.Board`."""
        self.counters.watchdog_ends += 1
        leg.log.warning("caller_media_stopped", frames=leg.caller_frames)
        self._process.spawn(self._registry.end(leg.call_sid, "caller_media_stopped"), f"end-{leg.call_sid}")
        leg.close(CloseCode.NORMAL, "no caller media")

    def apologise(self, leg: Leg) -> None:
        """See `leg.Board`. Without Redis the resume webhook apologises by itself."""
        self.counters.apologies += 1
        leg.log.error("dead_air", hint="no owner, no answer or no Redis for 12 s")
        process = self._process
        plan: dict[str, int | str] = {"next": "apology", "next_arg": ""}
        process.outbox.command(
            process.keys.lane(leg.call_sid),
            figures_command(process.keys, leg.call_sid, leg.number, plan),
            urgent=True,
        )
        leg.close(CloseCode.SERVER_ERROR, "dead air")

    def gone(self, leg: Leg, cause: str) -> None:
        """See `leg.Board`."""
        self.legs.discard(leg)
        leg.log.info("socket_gone", cause=cause, leg=leg.number, frames=leg.caller_frames)
        if leg.number:
            self._detaching += 1
            self._process.spawn(self._detach(leg), f"detach-{leg.call_sid}")
        self._settle()

    def _settle(self) -> None:
        if not self.legs and not self._detaching:
            self._idle.set()

    # ------------------------------------------------------------------------ attach and detach

    async def _attach(self, leg: Leg, stream: NewStream) -> None:
        answer = await self._registry.attach(stream, wanted=lambda: not leg.has_ended)
        if answer is None:
            leg.log.error("attach_unknown", hint="Redis did not answer; the janitor ends the call")
        elif answer.refused:
            leg.refuse("token_spent" if answer.refused == "used" else f"call_{answer.refused}")
        else:
            self._attached(leg, answer.leg, is_new=answer.is_new)

    def _attached(self, leg: Leg, number: int, *, is_new: bool) -> None:
        call = self._calls.get(leg.call_sid)
        if call is None:
            call = self._calls[leg.call_sid] = Call(leg.call_sid, self._post, self.counters)
        if number <= call.fence.leg:
            leg.refuse("older_leg")  # A newer stream of the call was attached while this one waited.
            return
        older = call.line
        call.connect(leg, number)
        leg.log = leg.log.bind(leg=number)
        if is_new:
            self.counters.attached += 1
        else:
            self.counters.resumed += 1
        leg.log.info("attached", is_new=is_new)
        if isinstance(older, Leg) and not older.has_ended:
            self.counters.superseded += 1
            older.close(CloseCode.POLICY, "newer stream")
        if not leg.attached(call, number):
            self.gone(leg, leg.cause or "lost")

    async def _detach(self, leg: Leg) -> None:
        """Says on the card that the stream is gone, then ends the call or waits."""
        try:
            planned = await self._registry.detach(leg.call_sid, leg.number, leg.cause)
        finally:
            self._detaching -= 1
            self._settle()
        call = self._calls.get(leg.call_sid)
        if call is not None and call.line is leg:
            call.line = None
        if planned is not None:
            self.counters.detached += 1
            leg.log.info("detached", cause=leg.cause, planned=planned)
            await self._end_or_wait(leg, planned)
        self._forget(leg.call_sid)

    async def _end_or_wait(self, leg: Leg, planned: str) -> None:
        if leg.cause == "stop" and not planned:
            await self._registry.end(leg.call_sid, "completed")
        elif planned == "hangup":
            await self._registry.end(leg.call_sid, "hangup")
        else:
            is_dialled = planned == "dial"
            await asyncio.sleep(DIALLED_WITHIN_S if is_dialled else self.new_leg_within_s)
            # Who was dialled and did not send the caller back has taken the call: our part is over.
            outcome = "transferred" if is_dialled else "no_new_stream"
            await self._registry.end(leg.call_sid, outcome, if_detached_leg=leg.number)

    def _forget(self, call_sid: str) -> None:
        call = self._calls.get(call_sid)
        if call is not None and call.line is None:
            del self._calls[call_sid]
            self._post.forget(call)
            self._process.outbox.forget_caller(call_sid)

    # ------------------------------------------------------------------------------ `out`, `back`

    def take_out(self, entries: list[Entry]) -> None:
        """The sink of `tl:out:<self>`: through the fences, to the sockets, synchronously."""
        counters, hops = self.counters, self.hops
        began_ms = now_ms()
        for entry_id, fields in entries:
            try:
                pairs = read_pairs(fields)
            except EntryError:
                counters.out_bad += 1
                continue
            counters.out_entries += 1
            worker = pairs.worker
            for encoded, value in pairs:
                try:
                    self._take_pair(worker, encoded, value)
                except ValueError:  # EntryError is one: a name that is none
                    counters.out_bad += 1
            now = now_ms()
            hops.socket_write_ms.observe(now - began_ms)
            if worker.startswith("egress"):  # The brain's own words are no audio.
                self._egress_to_socket.took(entry_id, host_of(worker), pairs.t_ms, now)
            began_ms = now
        self._last_out_id = entries[-1][0]

    def _take_pair(self, worker: str, encoded: bytes, value: bytes) -> None:
        """Raises ValueError for a name that cannot be read. Frames are read in place: a Name for
        each of them would cost as much as the rest of their way."""
        kind, call_sid, leg, epoch, cut, n = encoded.split(b":")
        call = self._calls.get(call_sid.decode())
        if call is None:
            self.counters.out_other_calls += 1
        elif kind == b"frame":
            call.take_frame(worker, int(leg), int(epoch), int(cut), int(n), value)
        else:
            clears = self.counters.out_clears
            call.take(worker, read_name(encoded), value)
            if value and self.counters.out_clears > clears and host_of(worker) == self._process.worker.host:
                self.hops.flush_to_clear_ms.observe(max(0.0, now_ms() - float(value)))

    def _send_back(self, worker: str, pairs: list[Pair]) -> None:
        self._process.outbox.back(worker, pairs, urgent=True)

    def _trim_out(self) -> None:
        if not self._last_out_id:
            return
        keep_ms = int(self._last_out_id.partition(b"-")[0]) - OUT_KEPT_MS
        key = self._process.keys.out(self._process.name).encode()
        args = [b"XTRIM", key, b"MINID", b"~", b"%d" % max(0, keep_ms)]
        self._process.outbox.command(key, args)

    # ---------------------------------------------------------------------------------------- sweep

    def _arm_sweep(self) -> None:
        self._sweep_timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        self._arm_sweep()
        self._sweeps += 1
        now = now_ms()
        if self._process.outbox.connected:
            self._store_away_at_ms = None
        elif self._store_away_at_ms is None:
            self._store_away_at_ms = now
        for leg in list(self.legs):
            leg.sweep(now, self._store_away_at_ms)
        if self._sweeps % SWEEPS_A_SECOND == 0:
            self._trim_out()
        if self._telling.is_due(now, late=self._process.is_late):
            for leg in self.legs:
                if leg.takes_audio:
                    self._write_figures(leg)

    # -------------------------------------------------------------------------------- the card

    def _write_figures(self, leg: Leg) -> None:
        """Shows what this leg measured, and learns whether the call still stands."""
        call = leg.call
        if call is None:
            return
        process, unsent_bytes = self._process, leg.unsent_bytes
        self._sockets.unsent_bytes.observe(unsent_bytes)
        window = {**process.window(now_ms()), "unsent": unsent_bytes, **leg.take_window()}
        figures: dict[str, int | str] = {
            "w_ingress": orjson.dumps(window).decode(),
            "n_caller_frames": leg.caller_frames,
            "n_forwarded": call.forwarded,
            "unsent_bytes": unsent_bytes,
        }
        process.outbox.command(
            process.keys.lane(leg.call_sid),
            figures_command(process.keys, leg.call_sid, leg.number, figures),
            on_reply=lambda reply: self._figures_written(leg, reply),
        )

    def _figures_written(self, leg: Leg, reply: object) -> None:
        if isinstance(reply, Exception) or not leg.takes_audio:
            return
        answer, _ = scripts.read_answer(reply)
        if answer is Answer.FENCED:
            leg.close(CloseCode.NORMAL, "call ended or moved")
        elif answer is Answer.ABSENT:
            self._restore(leg)

    def _restore(self, leg: Leg) -> None:
        """Redis came back empty: the call's card is written again, by whom its socket is held."""
        call, stream = leg.call, leg.stream
        if call is None or stream is None:
            return
        self.counters.restored += 1
        leg.log.warning("card_restored", hint="Redis had lost the call's card")
        process, fence = self._process, call.fence
        restored = Restored(
            call_sid=leg.call_sid,
            leg=leg.number,
            stream_sid=stream.stream_sid,
            ingress=process.name,
            caller_number=stream.caller_number,
            called_number=stream.called_number,
            agent=stream.agent,
            called_line=stream.called_line,
            brain_epoch=fence.brain_epoch,
            egress_epoch=fence.egress_epoch,
            cut=fence.cut,
            last_frame=call.forwarded,
        )
        process.outbox.command(
            process.keys.lane(leg.call_sid), restore_command(process.keys, restored, wall_ms())
        )
