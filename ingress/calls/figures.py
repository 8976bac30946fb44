"""What ingress tells the card of a live call by itself: its figures, and the whole card if it is gone.

Why it exists: ingress holds the socket, so it is the one that knows that a call still lives when Redis came
back empty, and the one that must learn that a call has ended while its socket is open. One write does all
three: its answer says whether the call still stands. Owns: what follows from that answer. Must not know: how
a figure is measured, who judges it.
"""

from __future__ import annotations

import dataclasses

from ingress.calls.call import IngressCall
from ingress.calls.table import CallTable, leg_of
from ingress.counters import CallCounters, SocketCounters
from ingress.media.gate import CloseCode
from ingress.media.stream import MediaStream
from shared.clock import now_ms, wall_ms
from shared.contract import steps, writes
from shared.contract.card import IngressFigures
from shared.contract.lua.scripts import Answer
from shared.contract.steps import Held, NewStream, Restored
from shared.contract.window import IngressWindow, dump
from shared.contract.writes import LegFacts
from shared.figures.rolling import Telling
from shared.ownership.counters import Where
from shared.process.role import Process


class FiguresPen:
    """Of all calls of this process, through the outbox. Nothing here waits."""

    def __init__(
        self,
        process: Process,
        table: CallTable,
        counters: CallCounters,
        sockets: SocketCounters,
        now_ms: float,
    ) -> None:
        self._process = process
        self._table = table
        self._counters = counters
        self._sockets = sockets
        self._telling = Telling(now_ms)
        self._facts: dict[str, LegFacts] = {}
        """What the card of each live call said last."""
        self._redis_run = process.redis_run

    def tell(self, now_ms: float) -> None:
        """To be called a few times a second: writes once a window, for each stream that is live; at once when
        Redis is another one, or was found empty, and where a caller has waited long for sound, or waits no
        longer."""
        before, self._redis_run = self._redis_run, self._process.redis_run
        is_due = self._telling.is_due(now_ms, late=self._process.is_late) or before != self._redis_run
        self._facts = {sid: facts for sid, facts in self._facts.items() if sid in self._table.calls}
        for call in list(self._table.calls.values()):
            stream, told = call.stream, call.told
            if stream is None or told is None or not stream.takes_audio:
                continue
            if call.owed.take_turn() or is_due:
                guard = self._process.guard
                guard.run(Where.LOOK, call.call_sid, self._write, call, stream, told, now_ms)

    # Private.

    def _write(self, call: IngressCall, stream: MediaStream, told: NewStream, now_ms: float) -> None:
        process, unsent_bytes = self._process, stream.socket.unsent_bytes
        self._sockets.unsent_bytes.observe(unsent_bytes)
        written = stream.socket.take_window()
        owed_ms, owed_cause = call.owed.standing
        window = IngressWindow(
            **dataclasses.asdict(process.window(now_ms, process.keys.lane(call.call_sid))),
            unsent_bytes=unsent_bytes,
            write_p99_ms=written.write_p99_ms,
            overflowed=written.overflowed,
            owed_ms=owed_ms,
            owed_cause=owed_cause,
        )
        figures = IngressFigures(
            w_ingress=dump(window),
            n_caller_frames=stream.caller_frames,
            n_forwarded=call.forwarded,
            unsent_bytes=unsent_bytes,
            owed_ms=owed_ms,
            owed_cause=owed_cause,
        )

        def answered(reply: object) -> None:
            if isinstance(reply, Exception) or not stream.takes_audio:
                return
            answer, facts = writes.read_leg(reply)
            if facts is not None:
                self._facts[call.call_sid] = facts
            elif answer is Answer.FENCED:
                stream.close(CloseCode.NORMAL, "call ended or moved")
            elif answer is Answer.ABSENT:
                self._restore(call, stream, told)

        leg = dataclasses.replace(leg_of(stream), token_expires_s=told.token_expires_s)
        step = writes.write_leg(process.keys, leg, figures)
        guarded = process.guard.wrap(Where.ANSWER, call.call_sid, answered)
        process.outbox.send(step.command(), on_reply=guarded)

    def _restore(self, call: IngressCall, stream: MediaStream, told: NewStream) -> None:
        """Redis came back empty: the call's card is written again by the process that holds its socket."""
        self._counters.restored += 1
        stream.log.warning("card_restored", hint="Redis had lost the call's card")
        process, fence, facts = self._process, call.fence, self._facts.get(call.call_sid)
        wall = wall_ms()
        restored = Restored(
            stream=told,
            leg=stream.leg,
            brain=_held(None if facts is None else facts.brain, fence.brain_epoch),
            egress=_held(None if facts is None else facts.egress, fence.egress_epoch),
            cut=fence.cut,
            last_frame=call.forwarded,
            # Not known: it is a few seconds old, since its figures were not yet told once.
            started_at_ms=wall if facts is None else facts.started_at_ms,
            resumes=stream.leg - 1 if facts is None else facts.resumes,
        )
        step = steps.restore(process.keys, restored, wall_ms=wall)
        call.lost()
        guarded = process.guard.wrap(Where.ANSWER, call.call_sid, lambda _: _written_again(call))
        process.outbox.send(step.command(), on_reply=guarded)


def _held(told: Held | None, seen_epoch: int) -> Held:
    """Who has a role: as the card said last, unless the call was claimed since."""
    if told is not None and told.epoch >= seen_epoch:
        return told
    return Held("", seen_epoch, claims=1 if seen_epoch else 0)


def _written_again(call: IngressCall) -> None:
    call.written_again()
    call.taper.again(now_ms())
