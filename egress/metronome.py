"""The one clock of an egress process: ticks on absolute deadlines, and what a tick sends in one entry.

Why it exists: a timer for each call would be fifty wake-ups a second a call, and an entry for each frame
as many commits. Four phases, 5 ms apart, serve all calls; a tick's frames for one ingress worker are one
entry of its `out` stream, whatever number of calls they belong to.

Owns: the deadlines, the phases, the batch. Nothing is awaited or logged here. Must not know: what a call
sends, or why.

A call stands in the phase that comes first after its next frame is due, so it is served at most 5 ms
late. A tick that comes late serves what it missed once; the calls' own pacers decide what is owed. Without
calls no timer runs.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

from shared.clock import now_ms
from shared.contract.streams.pairs import Pair, PairBatch
from shared.figures.histograms import latency_ms

PHASES = 4
PHASE_MS = 5.0
ROUND_MS = PHASES * PHASE_MS

TICK_LATE_MS = 10.0
"""A tick later than this is counted: half a frame's time is more than a healthy loop needs."""


class Ticking(Protocol):
    """A call on the metronome."""

    phase: int
    """The phase it stands in; -1 when it stands in no phase. The metronome's own note."""

    def tick(self, now_ms: float) -> bool:
        """Puts what is due into the batch; False when it needs no more ticks."""

    def next_due_ms(self) -> float | None:
        """When its next frame is due, if that is known."""


class OutBatch:
    """Pairs for ingress, gathered by worker, and whether one of them must not wait.

    `write` is given one worker's pairs and whether they are urgent; it never waits.
    """

    def __init__(self, write: Callable[[str, list[Pair], bool], None]) -> None:
        self._write = write
        self._gathered = PairBatch(self._send_to)
        self.add = self._gathered.add
        """One more for an ingress worker. No function of ours stands between: each frame passes here."""
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
        self._phases: list[dict[Ticking, None]] = [{} for _ in range(PHASES)]
        """As sets, in the order in which the calls came: a set of objects has one that no run repeats."""
        self._timer: asyncio.TimerHandle | None = None
        self._is_ticking = False
        self._origin_ms = now_ms()
        self._slot = 0
        """The first slot not served; slot k is due at origin + k x 5 ms and serves phase k % 4."""
        self._due_slot = 0
        """The slot that the timer is set to."""
        self.ticks = 0
        self.ticks_late = 0
        self.late_ms = latency_ms()
        """How late each tick began."""

    def enter(self, call: Ticking, now: float) -> None:
        """The call has something to do, at its next due time or within one round."""
        due_ms = call.next_due_ms()
        slot = math.ceil(((now + ROUND_MS if due_ms is None else due_ms) - self._origin_ms) / PHASE_MS)
        phase = slot % PHASES
        if call.phase == phase:
            return
        self.leave(call)
        if self._timer is None:
            self._slot = math.ceil((now - self._origin_ms) / PHASE_MS)
        call.phase = phase
        self._phases[phase][call] = None
        if not self._is_ticking:
            self._arm()

    def leave(self, call: Ticking) -> None:
        """The call needs no more ticks."""
        if call.phase >= 0:
            self._phases[call.phase].pop(call, None)
            call.phase = -1

    def stop(self) -> None:
        """No more ticks, until a call enters."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Private.

    def _arm(self) -> None:
        """Sets the timer to the next slot whose phase has calls; without calls there is no timer."""
        self.stop()
        for slot in range(self._slot, self._slot + PHASES):
            if self._phases[slot % PHASES]:
                self._due_slot = slot
                loop = asyncio.get_running_loop()
                wait_ms = self._origin_ms + slot * PHASE_MS - now_ms()
                self._timer = loop.call_at(loop.time() + max(0.0, wait_ms) / 1000, self._tick)
                return

    def _tick(self) -> None:
        now = now_ms()
        first = self._due_slot
        self.ticks += 1
        late_ms = now - (self._origin_ms + first * PHASE_MS)
        self.late_ms.observe(max(0.0, late_ms))
        if late_ms > TICK_LATE_MS:
            self.ticks_late += 1
        last = max(first, int((now - self._origin_ms) // PHASE_MS))
        self._is_ticking = True
        for slot in range(first, min(last, first + PHASES - 1) + 1):
            for call in list(self._phases[slot % PHASES]):
                try:
                    wants_more = call.tick(now)
                except Exception as bug:  # noqa: BLE001 - one call's bug must not silence the others
                    self.leave(call)
                    self._on_bug(call, bug)
                    continue
                if not wants_more:
                    self.leave(call)
        self._is_ticking = False
        self._slot = last + 1
        self._batch.send()
        self._arm()
