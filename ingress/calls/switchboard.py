"""Sockets in, calls through: all calls and media streams of this process, put together.

Why it exists: one reader serves all calls, one timer looks after all of them. Owns: the reader of
`tl:out:<self>`, the sweep, the reports to egress; obeys what streams and calls find. Must not know: HTTP,
TwiML, how a stream is attached (attaching.py), what a call does with a pair (call.py).
"""

from __future__ import annotations

import asyncio

from ingress.calls.attaching import Attaching, Judge
from ingress.calls.call import IngressCall
from ingress.calls.departures import Departures
from ingress.calls.figures import FiguresPen
from ingress.calls.post import BackPost
from ingress.calls.registry import Registry
from ingress.calls.services import IngressServices
from ingress.calls.table import CallTable, leg_of
from ingress.counters import CallCounters, IngressHops, SocketCounters
from ingress.media.gate import CloseCode
from ingress.media.stream import MediaStream, Socket, StreamHost
from ingress.media.wire import Wire
from ingress.sound.shelf import Shelf
from ingress.tape.taper import Tapes
from shared.clock import now_ms
from shared.contract import writes
from shared.contract.card import Next, Plan
from shared.contract.entry import FIRST
from shared.contract.errors import EntryError
from shared.contract.steps import due, read_due
from shared.contract.streams.control import MOVING
from shared.contract.streams.journal import Kind
from shared.contract.streams.pairs import (
    IS_FRAME,
    Pair,
    back_commands,
    read_name,
    read_pairs,
    split_name,
)
from shared.figures.hops import Hop, host_of
from shared.ownership.counters import Where
from shared.process.role import Process
from shared.process.tasks import in_turns
from shared.store.inbox import Entry

SWEEP_S = 0.25
DUE_EVERY_SWEEPS = 4
"""Once a second: which calls were to have another stream by now. Of each lane by itself: on a Cluster others
may have a Redis that is away."""

TOLD_AGAIN_MS = 1_500.0
"""After Redis was away: by then all have asked it, and what it had lost is written again."""

OTHERS_FIRST_MS = 5_000.0
"""After Redis was away: it may have fallen back to a deadline of a call that streams again. Whoever holds its
socket says so before anybody ends the call: at once, or with the figures of the next window."""


class Switchboard:
    """One object a process."""

    def __init__(
        self,
        process: Process,
        registry: Registry,
        judge: Judge,
        wire: Wire,
        counters: CallCounters,
        sockets: SocketCounters,
    ) -> None:
        self.counters = counters
        self.hops = IngressHops()
        services = IngressServices(
            keys=process.keys,
            outbox=process.outbox,
            worker=process.name,
            journal=process.journal,
            post=BackPost(self._send_back, counters, process.guard),
            counters=counters,
            sound_of=Shelf(process.store, process.log, process.spawn).find,
            tapes=Tapes(process.keys, process.outbox, process.name, counters),
        )
        self.table = CallTable(services)
        self.attaching = Attaching(
            worker=process.name,
            masks_numbers=process.settings.mask_numbers,
            judge=judge,
            registry=registry,
            table=self.table,
            counters=counters,
            spawn_for=process.spawn_for,
            wait=process.lag.sleep_awake,
        )
        self._calls = self.table.calls
        self._process = process
        self._guard = process.guard
        process.guard.on_bug = self._call_failed
        self._registry = registry
        self._wire = wire
        self._sockets = sockets
        self._host = StreamHost(self.attaching.start, self.attaching.gone, self._stream_failed)
        self._figures = FiguresPen(process, self.table, counters, sockets, now_ms())
        self._egress_to_socket = Hop(self.hops.egress_to_socket_ms, process.worker.host)
        self._writer = process.name.encode()
        self._sweeper: asyncio.Task[None] | None = None
        self._sweeps = 0
        lanes = process.settings.lanes
        self._lane_runs: list[tuple[int, int] | None] = [None] * lanes
        self._lane_from_ms = [now_ms()] * lanes
        """Since when the Redis of each lane has been the same, without a break."""

    def open(self) -> None:
        """Begins to read `out` of this process and to sweep."""
        process = self._process
        for lane in process.keys.ways:
            own = process.keys.out(process.name, lane)
            process.inboxes[lane].watch(own, FIRST, self.receive_out, is_ours=True)
        self._sweeper = process.spawn(self._sweep_on(), "sweep")

    def shut(self) -> None:
        """Sweeps no more."""
        if self._sweeper is not None:
            self._sweeper.cancel()

    def socket_opened(self, socket: Socket) -> MediaStream:
        """A media socket was let in: its stream."""
        process = self._process
        stream = MediaStream(
            socket, self._wire, self._host, self.counters, self._sockets.faults, process.log,
            media_timeout_ms=process.settings.media_timeout_s * 1000, awake=process.lag.awake_ms,
        )  # fmt: skip
        self.table.stream_opened(stream)
        return stream

    def redis_knows(self, now_ms: float) -> bool:
        """Whether Redis answers in all lanes, and has been told again what it may have lost: it knows all
        calls."""
        self._look_at_redis(now_ms)
        return now_ms >= max(self._lane_from_ms) + TOLD_AGAIN_MS

    def close_all(self, code: CloseCode, reason: str) -> None:
        """Ends every socket: the carrier goes on to /voice/resume, in another process."""
        for stream in list(self.table.streams):
            stream.close(code, reason)

    def close_some(self, departures: Departures, now_ms: float) -> None:
        """Ends those of the sockets whose moment has come."""
        streams = [stream for stream in self.table.streams if not stream.has_ended]
        chosen = departures.choose(((stream, self._is_quiet(stream, now_ms)) for stream in streams), now_ms)
        for stream in chosen:
            stream.close(CloseCode.GOING_AWAY, MOVING)

    def _is_quiet(self, stream: MediaStream, now_ms: float) -> bool:
        call = self._calls.get(stream.call_sid)
        return call is None or call.stream is not stream or call.owed.is_quiet(now_ms)

    # `out` and `back`.

    def receive_out(self, entries: list[Entry]) -> None:
        """The sink of `out`: through the fences, to the sockets, synchronously."""
        counters, hops = self.counters, self.hops
        began_ms = now_ms()
        for entry_id, fields in entries:
            try:
                entry = read_pairs(fields)
            except EntryError:
                counters.out_bad += 1
                continue
            counters.out_entries += 1
            worker = entry.worker
            for name, value in entry:
                try:
                    self._receive_pair(worker, name, value, began_ms)
                except ValueError:  # EntryError is one: a name that cannot be read.
                    counters.out_bad += 1
                except Exception as bug:  # noqa: BLE001 - of one call, in an entry of many
                    self._guard.caught(Where.OUT, name.split(b":", 2)[1].decode(errors="replace"), bug)
            now = now_ms()
            hops.socket_write_ms.observe(now - began_ms)
            if worker.startswith("egress"):  # The brain's own words are no audio.
                self._egress_to_socket.took(entry_id, host_of(worker), entry.t_ms, now)
            began_ms = now

    def _receive_pair(self, worker: str, name: bytes, value: bytes, now: float) -> None:
        """Raises ValueError for a name that cannot be read. Frames are read in place: a Name for each of them
        would cost as much as the rest of their way."""
        kind, call_sid, leg, epoch, cut, n = split_name(name)
        call = self._calls.get(call_sid.decode())
        if call is None:
            self.counters.out_other_calls += 1
        elif kind == IS_FRAME:
            call.receive_frames(worker, int(leg), int(epoch), int(cut), int(n), value, now)
        else:
            is_cleared = call.receive(worker, read_name(name), value, now)
            if is_cleared and value and host_of(worker) == self._process.worker.host:
                self.hops.flush_to_clear_ms.observe(max(0.0, now_ms() - float(value)))

    def _send_back(self, worker: str, batch: list[Pair]) -> None:
        for entry in back_commands(self._process.keys, worker, self._writer, now_ms(), batch):
            self._process.outbox.send(entry, urgent=True)

    # The sweep.

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            await self._sweep()

    async def _sweep(self) -> None:
        """A look at all streams and calls. Cancelling it leaves the rest to a next one."""
        now = now_ms()
        outbox, lane_of = self._process.outbox, self._process.keys.lane
        lanes = range(self._process.settings.lanes)
        away = [outbox.lane_away_since_ms(lane) is not None for lane in lanes]
        refuses = [outbox.lane_refused(lane) is not None for lane in lanes]
        run = self._guard.run

        def look_at_stream(stream: MediaStream) -> None:
            if stream in self.table.streams:
                run(Where.LOOK, stream.call_sid, self._sweep_stream, stream)

        def look_at_call(sid: str) -> None:
            call = self._calls.get(sid)
            if call is not None:
                lane = lane_of(sid)
                run(Where.LOOK, sid, self._sweep_call, call, now, away[lane], refuses[lane])

        await in_turns(list(self.table.streams), look_at_stream)
        await in_turns(list(self._calls), look_at_call)
        self._figures.tell(now)
        self._sweeps += 1
        self._look_at_redis(now)
        if self._sweeps % DUE_EVERY_SWEEPS == 0:
            for lane, from_ms in enumerate(self._lane_from_ms):
                if now >= from_ms + OTHERS_FIRST_MS:
                    asked = due(self._process.keys, lane).command()
                    self._process.outbox.send(asked, on_reply=self._end_due)

    def _look_at_redis(self, now: float) -> None:
        for lane, before in enumerate(self._lane_runs):
            run = self._process.lane_run(lane)
            if run != before or self._process.outbox.lane_away_since_ms(lane) is not None:
                self._lane_runs[lane], self._lane_from_ms[lane] = run, now

    def _sweep_stream(self, stream: MediaStream) -> None:
        if not stream.sweep():
            self._end_silent(stream)

    def _sweep_call(self, call: IngressCall, now: float, store_away: bool, store_refuses: bool) -> None:
        call.tell_way()
        call.look_at_tape(now)
        if not call.fill_silence(now, store_away=store_away, store_refuses=store_refuses):
            self._apologise(call)

    def _end_due(self, reply: object) -> None:
        """Deadlines that have passed, of any ingress: it may be gone."""
        if not isinstance(reply, list):
            return
        for each in read_due(reply):
            self.counters.due += 1
            self._process.spawn_for(each.leg.call_sid, self._registry.end_due(each), "due")

    def _end_silent(self, stream: MediaStream) -> None:
        """The caller's media has stopped: nobody is there."""
        self.counters.watchdog_ends += 1
        stream.log.warning("caller_media_stopped", frames=stream.caller_frames)
        end = self._registry.end(stream.call_sid, "caller_media_stopped")
        self._process.spawn_for(stream.call_sid, end, "end")
        stream.close(CloseCode.NORMAL, "no caller media")

    def _stream_failed(self, stream: MediaStream, bug: Exception) -> None:
        self._guard.caught(Where.SOCKET, stream.call_sid, bug)
        if not stream.call_sid:  # It has no call yet: nobody else closes it.
            stream.socket.abort()

    def _call_failed(self, call_sid: str) -> None:
        """A bug was met in a call: its stream is closed, and the carrier asks /voice/resume: the call goes on
        in a new stream, here or at a sibling, as often as calls may resume."""
        stream = self.table.drop(call_sid) if call_sid else None
        if stream is None:
            return
        self.counters.failed += 1
        try:
            stream.close(CloseCode.SERVER_ERROR, "bug")
        finally:
            if stream.socket.is_open:  # The close did not come about.
                stream.socket.abort()

    def _apologise(self, call: IngressCall) -> None:
        """Nobody has spoken for too long: the call goes to the carrier's voice. Without Redis the resume
        webhook apologises by itself."""
        stream = call.stream
        if stream is None:
            return
        self.counters.apologies += 1
        call.note_silence(Kind.APOLOGY)
        cause = f"silence_{call.owed.cause}"
        stream.log.error("caller_heard_nothing", cause=cause, owed_ms=round(call.owed.owed_ms))
        plan = Plan(next=Next.APOLOGY, next_arg="", cause=cause)
        step = writes.write_leg(self._process.keys, leg_of(stream), plan)
        self._process.outbox.send(step.command(), urgent=True)
        self.table.plan(call.call_sid, plan)
        stream.close(CloseCode.SERVER_ERROR, cause)
