"""The one clock of an egress process: a wheel of slots on absolute deadlines, and what a tick sends in one
entry.

Why it exists: a timer for each call would wake the process for each of them, and an entry for each group of
frames would be as many commits. One timer is set to the next slot in which a call is due; a tick's frames for
one ingress worker are one entry of its `out` stream, whatever number of calls they belong to.

Owns: the deadlines, the slots, the batch. Nothing is awaited or logged here. Must not know: what a call
sends, or why.

A call stands in the slot that comes first after its next frames are due, so it is served at most 20 ms late;
60 ms of frames leave at once, so that it comes again three slots later. In which of the slots follows from
when its spurt began: that spreads the calls. A tick that comes late serves what it missed once; the calls'
own pacers decide what is owed. Without calls no timer runs.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

from shared.clock import now_ms
from shared.contract.streams.pairs import Pair
from shared.figures.histograms import latency_ms
from shared.store.writing.pair_batch import PairBatch

SLOT_MS = 20.0
"""Fifty ticks a second at most, and what calls of one slot have goes together."""

ROUND_MS = 60.0
"""A call that does not know when it has something to do is asked so often."""

SLACK_MS = 0.5
"""A call that is due so little behind a slot stands in it: due times are sums, and no sum of them may cost a
slot. Below what a pacer lets frames leave early."""

TICK_LATE_MS = 10.0
"""A tick later than this is counted: half a frame's time is more than a healthy loop needs."""


class Ticking(Protocol):
    """A call on the metronome."""

    slot: int
    """The slot it stands in; -1 when it stands in none. The metronome's own note."""

    def tick(self, now_ms: float) -> bool:
        """Puts what is due into the batch; False when it needs no more ticks."""

    def next_due_ms(self) -> float | None:
        """When it next has something to do, if that is known."""


class OutBatch:
    """Pairs for ingress, gathered by worker, and whether one of them must not wait.

    `write` is given one worker's pairs and whether they are urgent; it never waits.
    """

    def __init__(self, write: Callable[[str, list[Pair], bool], None]) -> None:
        self._write = write
        self._gathered = PairBatch(self._send_to)
        self.add = self._gathered.add
        """One more for an ingress worker. No function of ours stands between: all frames pass here."""
        self.is_urgent = False
        """A clear is among them, or a question to ingress."""

    def send(self, *, urgent: bool = False) -> None:
        """Hands all to `write`, an entry for each worker."""
        if not self._gathered.is_empty:
            self.is_urgent = self.is_urgent or urgent
            self._gathered.send()
            self.is_urgent = False

    def _send_to(self, ingress: str, pairs: list[Pair]) -> None:
        self._write(ingress, pairs, self.is_urgent)


class Metronome:
    """Ticks the calls that were entered, until they need no more.

    `on_bug` is given a call whose tick raised, which has left by then: the others go on.
    """

    def __init__(self, batch: OutBatch, on_bug: Callable[[Ticking, Exception], None]) -> None:
        self._batch = batch
        self._on_bug = on_bug
        self._slots: dict[int, dict[Ticking, None]] = {}
        """Those in which calls stand, as sets, in the order in which the calls came: a set of objects has one
        that no run repeats. Slot k is due at origin + k x 20 ms."""
        self._timer: asyncio.TimerHandle | None = None
        self._is_ticking = False
        self._origin_ms = now_ms()
        self._served = -1
        """The last slot whose time has come: nobody is entered there any more."""
        self._due_slot = 0
        """The slot that the timer is set to."""
        self.ticks = 0
        self.ticks_late = 0
        self.late_ms = latency_ms()
        """How late each tick began."""

    def enter(self, call: Ticking, now: float) -> None:
        """The call has something to do, at its next due time or within one round."""
        due_ms = call.next_due_ms()
        if due_ms is None and call.slot > self._served:
            return
        at_ms = max(now, now + ROUND_MS if due_ms is None else due_ms)
        slot = max(math.ceil((at_ms - SLACK_MS - self._origin_ms) / SLOT_MS), self._served + 1)
        if call.slot == slot:
            return
        self._take_out(call)
        call.slot = slot
        self._slots.setdefault(slot, {})[call] = None
        if not self._is_ticking and (self._timer is None or slot < self._due_slot):
            self._arm()

    def leave(self, call: Ticking) -> None:
        """The call needs no more ticks."""
        self._take_out(call)
        if not self._slots:
            self.stop()

    def stop(self) -> None:
        """No more ticks, until a call enters."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Private.

    def _take_out(self, call: Ticking) -> None:
        calls = self._slots.get(call.slot)
        if calls is not None:
            calls.pop(call, None)
            if not calls:
                del self._slots[call.slot]
        call.slot = -1

    def _arm(self) -> None:
        """Sets the timer to the next slot that has calls; without calls there is no timer."""
        self.stop()
        if self._slots:
            self._due_slot = min(self._slots)
            loop = asyncio.get_running_loop()
            wait_ms = self._origin_ms + self._due_slot * SLOT_MS - now_ms()
            self._timer = loop.call_at(loop.time() + max(0.0, wait_ms) / 1000, self._tick)

    def _tick(self) -> None:
        now = now_ms()
        self._timer = None
        self.ticks += 1
        late_ms = now - (self._origin_ms + self._due_slot * SLOT_MS)
        self.late_ms.observe(max(0.0, late_ms))
        if late_ms > TICK_LATE_MS:
            self.ticks_late += 1
        self._served = max(self._due_slot, int((now - self._origin_ms) // SLOT_MS))
        self._is_ticking = True
        for slot in sorted(slot for slot in self._slots if slot <= self._served):
            for call in list(self._slots[slot]):
                if call.slot == slot:  # Else it has left meanwhile, by what another one did.
                    self._serve(call, now)
        self._is_ticking = False
        self._batch.send()
        self._arm()

    def _serve(self, call: Ticking, now: float) -> None:
        try:
            wants_more = call.tick(now)
        except Exception as bug:  # noqa: BLE001 - one call's bug must not silence the others
            self._take_out(call)
            self._on_bug(call, bug)
            return
        if wants_more:
            self.enter(call, now)
        else:
            self._take_out(call)
