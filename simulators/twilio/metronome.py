"""One 20 ms clock for all calls of the process.

Why it exists: a task with `sleep(0.02)` for each call drifts and costs a hundred timers; here one timer
serves them all on absolute deadlines, in four phases of 5 ms, so that calls are spread as they are in life.
Owns: the timer and the figures of its own lateness. Must not know: what a tick does.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from typing import Final, Protocol

from simulators.twilio.caller.clip import FRAME_MS

_PHASES: Final = 4
_STEP_MS: Final = FRAME_MS / _PHASES
_STALL_MS: Final = 2.0
"""A step that is later than this was held up; a timer alone is late by one millisecond."""

_STALLS: Final = 65_536
"""So many are remembered, the last ones."""


class Ticking(Protocol):
    """What the metronome drives."""

    def tick(self, due_ms: float, now_ms: float) -> None:
        """Called once for each 20 ms: `due_ms` is exact, `now_ms` the time it really is."""

    def fail(self, error: Exception) -> None:
        """A tick of this member raised; it is no longer ticked."""


class Metronome:
    """Ticks its members; runs only while there are any. Belongs to one event loop."""

    def __init__(self) -> None:
        self._phases: list[dict[Ticking, None]] = [{} for _ in range(_PHASES)]
        self._timer: asyncio.TimerHandle | None = None
        self._anchor_ms = 0.0
        self._step = 0
        self.ticks = 0
        self.late_ticks = 0
        """Steps taken more than one step (5 ms) after they were due."""
        self.worst_late_ms = 0.0
        self.stalls_ms: deque[tuple[float, float]] = deque(maxlen=_STALLS)
        """From when to when the loop did nothing, on the host's monotonic clock: what came meanwhile seems to
        have come late."""

    def join(self, member: Ticking) -> None:
        """Ticks `member` from now on, in the phase with the fewest members."""
        min(self._phases, key=len)[member] = None
        if self._timer is None:
            self._anchor_ms = time.monotonic() * 1000
            self._step = 0
            self._arm()

    def leave(self, member: Ticking) -> None:
        """Never ticks `member` again; harmless when it is not there."""
        for phase in self._phases:
            phase.pop(member, None)

    # Private.

    def _arm(self) -> None:
        due_ms = self._anchor_ms + self._step * _STEP_MS
        # uvloop's timers are whole ms of a cached clock: at least 1, so that an early call never
        # turns into a busy loop.
        delay_ms = max(1.0, math.ceil(due_ms - time.monotonic() * 1000))
        self._timer = asyncio.get_running_loop().call_later(delay_ms / 1000, self._wake)

    def _wake(self) -> None:
        self._timer = None
        now_ms = time.monotonic() * 1000
        stalled_ms = now_ms - (self._anchor_ms + self._step * _STEP_MS)
        if stalled_ms > _STALL_MS:
            self.stalls_ms.append((now_ms - stalled_ms, now_ms))
        while (due_ms := self._anchor_ms + self._step * _STEP_MS) <= now_ms:
            late_ms = now_ms - due_ms
            self.ticks += 1
            if late_ms > _STEP_MS:
                self.late_ticks += 1
            self.worst_late_ms = max(self.worst_late_ms, late_ms)
            self._tick(self._phases[self._step % _PHASES], due_ms, now_ms)
            self._step += 1
        if any(self._phases):
            self._arm()

    @staticmethod
    def _tick(members: dict[Ticking, None], due_ms: float, now_ms: float) -> None:
        for member in tuple(members):
            try:
                member.tick(due_ms, now_ms)
            except Exception as error:  # noqa: BLE001 — one call's defect must not stop the others
                members.pop(member, None)
                member.fail(error)
