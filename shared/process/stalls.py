"""A thread that looks at the event loop from outside, and says which line blocks it.

Why it exists: a loop that is blocked cannot say so, and when it can again the culprit has left the stack.
"Its loop was 400 ms late" names a process; this names the line. And a loop that is blocked for good serves
nobody, and would not end by itself: its callers are taken over when its process is gone.

Owns: the thread, when a stall is told, how often, when a loop is given up. Must not know: what runs in the
loop. `Stalls` and `Stuck` are the rules, and are told the time.

The loop's lag meter ticks every 50 ms and leaves a note (`LoopLag.ticked_at_ms`); this thread reads the note
when the last one would be a stall old, and during a stall ten times a second. It needs Python's lock for
that: a single call into C that keeps it (a giant regular expression) is seen by the lag meter alone. A thread
that itself was late tells nothing: the whole process had stood still (SIGSTOP, a host that sleeps), and no
line of ours is to blame. For the same reason a loop is given up by the time in which this thread ran.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from shared.clock import now_ms
from shared.exit_codes import Exit
from shared.logs.log import Log
from shared.process.awake import AwakeClock, AwakeSilence
from shared.process.lag import LoopLag

LOOK_MS = 100.0
"""Between two looks at a stall, at most; between any two, at least. A look that is later than due by more
than this says that the whole process stood still."""

STALL_MS = 200.0
"""A tick is due every 50 ms, and the diagnosis blames a loop that is 150 ms late."""

TELL_EVERY_MS = 10_000.0
"""A loop that is blocked again and again is told of at this interval; what is left out is counted."""

STUCK_MS = 10_000.0
"""A loop that made no turn for so long, of time in which this thread ran, is not waited for. The watchdog
(console/operate) takes as long, by the beat in Redis: this knows the line, needs no Redis, and nobody beside
it."""

STACK_MOST_FRAMES = 20
"""Innermost frames that a line names."""

_ROOT = str(Path(__file__).parents[2]) + "/"


@dataclass(frozen=True, slots=True)
class Blocked:
    """The loop is blocked, now. `untold`: stalls since the last one that was told of."""

    for_ms: float
    untold: int


@dataclass(frozen=True, slots=True)
class Freed:
    """The stall that was told of is over."""

    took_ms: float


@dataclass(slots=True)
class Stalls:
    """When a stall is told. `looked_at_ms` of the first look comes from outside."""

    looked_at_ms: float
    pause_ms: float = LOOK_MS
    """Until the next look: by then the last tick is as old as a stall, or there was another one."""
    _ticked_at_ms: float = 0.0
    """The last tick before the present stall; 0 for no stall."""
    _is_told: bool = False
    _told_at_ms: float = -TELL_EVERY_MS
    _untold: int = 0

    def look(self, ticked_at_ms: float, now_ms: float) -> Blocked | Freed | None:
        """What the loop's last tick says now."""
        own_late_ms = now_ms - self.looked_at_ms - self.pause_ms
        self.looked_at_ms = now_ms
        self.pause_ms = max(LOOK_MS, ticked_at_ms + STALL_MS - now_ms)
        if self._ticked_at_ms and ticked_at_ms != self._ticked_at_ms:
            took_ms, was_told = ticked_at_ms - self._ticked_at_ms, self._is_told
            self._ticked_at_ms, self._is_told = 0.0, False
            return Freed(took_ms) if was_told else None
        if self._ticked_at_ms or own_late_ms > LOOK_MS or now_ms - ticked_at_ms < STALL_MS:
            return None
        self._ticked_at_ms = ticked_at_ms
        if now_ms - self._told_at_ms < TELL_EVERY_MS:
            self._untold += 1
            return None
        untold, self._untold = self._untold, 0
        self._is_told, self._told_at_ms = True, now_ms
        return Blocked(now_ms - ticked_at_ms, untold)


@dataclass(slots=True)
class Stuck:
    """When a loop is given up. `started_at_ms`: of the first look comes from outside."""

    started_at_ms: float
    _awake: AwakeClock = field(init=False)
    _silence: AwakeSilence = field(init=False)

    def __post_init__(self) -> None:
        self._awake = AwakeClock(self.started_at_ms)
        self._silence = AwakeSilence(self.started_at_ms, 0.0)

    def look(self, ticked_at_ms: float, now_ms: float) -> bool:
        """Whether it has made no turn for STUCK_MS. Ask at least as often as AwakeClock counts a step."""
        self._awake.tick(now_ms)
        return self._silence.look(ticked_at_ms, now_ms, self._awake.at(now_ms)) >= STUCK_MS


LastWords = Callable[[], None]
"""Writes the lines of the log that wait, from whichever thread, within a bounded time."""


class StallWatch:
    """Made and started in the thread of the loop that it watches."""

    def __init__(self, lag: LoopLag, log: Log, last_words: LastWords | None = None) -> None:
        self._lag = lag
        self._log = log
        self._loop_thread = threading.get_ident()
        self._last_words = last_words
        self._gives_up = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stall-watch", daemon=True)

    def start(self) -> None:
        """The lag meter runs already."""
        self._thread.start()

    def begin_to_give_up(self) -> None:
        """From here on a loop that is stuck ends the process; before, it is told of. A start may take its
        time: imports, files."""
        self._gives_up = True

    def stop(self) -> None:
        """Returns when the thread has ended, which takes a look at most."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        stalls = Stalls(now_ms())
        stuck: Stuck | None = None
        while not self._stopping.wait(stalls.pause_ms / 1000):
            ticked_at_ms, now = self._lag.ticked_at_ms, now_ms()
            if self._gives_up:
                stuck = stuck or Stuck(now)  # What was before is not held against it.
                if stuck.look(ticked_at_ms, now):
                    self._give_up(now - ticked_at_ms)
            match stalls.look(ticked_at_ms, now):
                case Blocked() as blocked:
                    self._log.warning(
                        "loop_stalled", for_ms=round(blocked.for_ms), untold=blocked.untold, **self._where()
                    )
                case Freed() as freed:
                    self._log.info("loop_stall_over", took_ms=round(freed.took_ms))
                case None:
                    pass

    def _give_up(self, for_ms: float) -> None:
        """Ends the process, from this thread, as kill -9 would: nothing is left to the loop. Others find it
        gone at once."""
        self._log.error("loop_stuck", for_ms=round(for_ms), exit_code=int(Exit.STUCK), **self._where())
        if self._last_words is not None:
            self._last_words()
        os._exit(Exit.STUCK)

    def _where(self) -> dict[str, object]:
        """Where the loop's thread is, outermost frame first. Places only: no value of a variable."""
        frame = sys._current_frames().get(self._loop_thread)
        stack = [] if frame is None else _places(frame)
        return {"line": stack[-1] if stack else "", "stack": stack}


def _places(frame: FrameType) -> list[str]:
    walked = traceback.walk_stack(frame)
    places = [
        f"{each.f_code.co_filename.removeprefix(_ROOT)}:{line} {each.f_code.co_name}"
        for (each, line), _ in zip(walked, range(STACK_MOST_FRAMES), strict=False)
    ]
    return places[::-1]
