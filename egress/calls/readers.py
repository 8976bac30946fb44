"""What others write to this process: its doorbell, the reports of ingress, and what nobody rang for.

Why it exists: a ring may be lost, an operator types without ringing, a quiet reply is not watched; so what
concerns a call is found by its ring at once, and by a look once a second in any case.

Owns: the sinks of the process's own streams, the look. Must not know: what a call makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from egress.calls.call import EgressCall
from egress.calls.calls import Calls
from egress.counters import RoleCounters
from shared.contract.command import Command
from shared.contract.entry import FIRST
from shared.contract.errors import EntryError
from shared.contract.streams.doorbell import Ring, Why, read_ring
from shared.contract.streams.pairs import BackKind, Name, read_name, read_pairs
from shared.figures.diagnosis import UNSENT_BYTES
from shared.ownership.counters import Where
from shared.ownership.guard import CallGuard
from shared.process.role import Process
from shared.store.inbox import Entry
from shared.store.writing.write_queue import OnReply


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a stream of a call was read to, and what to do if there is more."""

    call: EgressCall
    position: str
    follow: Callable[[], None]


class Readers:
    """Hands what is read to the calls that it concerns."""

    def __init__(self, process: Process, calls: Calls, counters: RoleCounters) -> None:
        self._process = process
        self._calls = calls
        self._counters = counters

    def watch(self) -> None:
        """Begins to read the process's own streams."""
        process = self._process
        for lane, inbox in enumerate(process.inboxes):
            inbox.watch(process.keys.wake(lane, process.name), FIRST, self.receive_rings)
        for lane in process.keys.ways:
            own = process.keys.back(process.name, lane)
            process.inboxes[lane].watch(own, FIRST, self.receive_back, is_ours=True)

    def receive_rings(self, entries: list[Entry]) -> None:
        """The sink of the doorbell."""
        for _, fields in entries:
            try:
                ring = read_ring(fields)
            except EntryError:
                self._counters.unreadable += 1
                continue
            self._process.guard.run(Where.RING, ring.call_sid, self._on_ring, ring)

    def receive_back(self, entries: list[Entry]) -> None:
        """The sink of `back`."""
        for _, fields in entries:
            self._counters.back_entries += 1
            try:
                found = read_pairs(fields)
            except EntryError:
                self._counters.unreadable += 1
                continue
            for encoded, value in found:
                self._receive_pair(encoded, value)

    def ask_for_news(self, served: Sequence[EgressCall]) -> None:
        """Whether `control` or an unwatched `reply` has news that nobody rang for: one read a lane."""
        keys = self._process.keys
        by_lane: dict[int, dict[bytes, _Place]] = {}
        for call in served:
            places = by_lane.setdefault(call.lane, {})
            control, reply = keys.control(call.call_sid), keys.reply(call.call_sid)
            places[control.encode()] = _Place(call, call.control.position, call.control.ring)
            if not call.inbox.is_watched(reply):
                follow = partial(call.watch_reply, nudge=True)
                places[reply.encode()] = _Place(call, call.reply_position, follow)
        for lane, places in by_lane.items():
            ids = [place.position.encode() for place in places.values()]
            words = (b"XREAD", b"COUNT", b"1", b"STREAMS", *places, *ids)
            self._process.outbox.send(Command(lane, words), on_reply=_answered(places, self._process.guard))

    # Private.

    def _on_ring(self, ring: Ring) -> None:
        process, calls = self._process, self._calls
        call = calls.find(ring.call_sid)
        if ring.why is Why.DRAIN:
            process.begin_drain()
        elif ring.why is Why.RESTORED:
            calls.claim_again(ring.call_sid, 0 if call is None else call.owner.epoch)
        elif ring.why is Why.CLAIMED:
            if ring.call_sid and call is None:
                process.spawn_for(ring.call_sid, calls.take_over(ring.call_sid), "take-over")
        elif call is None:
            return
        elif ring.why is Why.REPLY:
            call.watch_reply(nudge=False)
        elif ring.why is Why.ENDED:
            calls.end(call)
        else:
            call.control.ring()

    def _receive_pair(self, encoded: bytes, value: bytes) -> None:
        """One pair of an entry that is of many calls."""
        try:
            name = read_name(encoded)
        except EntryError:
            self._counters.unreadable += 1
            return
        try:
            self._report(name, value)
        except EntryError:
            self._counters.unreadable += 1
        except Exception as bug:  # noqa: BLE001 - of one call, in an entry of many
            self._process.guard.caught(Where.BACK, name.call_sid, bug)

    def _report(self, name: Name, value: bytes) -> None:
        call = self._calls.find(name.call_sid)
        if call is None:
            self._counters.back_for_others += 1
            return
        if name.kind == BackKind.OUTRANKED:
            if name.epoch > call.owner.epoch:
                self._calls.claim_again(name.call_sid, name.epoch)
            return
        call.receive_report(name, value)
        if name.kind == BackKind.FORWARDED and call.delivery.unsent_bytes >= UNSENT_BYTES:
            # Twilio takes nothing: not a matter for the next second.
            self._calls.check_window(call)


def _answered(places: dict[bytes, _Place], guard: CallGuard) -> OnReply:
    def answered(reply: object) -> None:
        if not isinstance(reply, list):
            return  # Nothing new, or refused: the next look finds it.
        for key, _ in reply:
            place = places[key]
            if not place.call.is_over:
                guard.run(Where.ANSWER, place.call.call_sid, place.follow)

    return answered
