"""What Python's garbage collector may cost a live call, and what memory a process holds for nothing.

Why it exists: a full collection looks at every object there is, and nothing else runs meanwhile. All that is
imported and never dropped (150,000 objects in a brain) made each of them last 100 ms: five frames that no
caller's model could hear, and a verdict that blamed the CPU of an idle machine.

And what ended calls leave (240 objects of each in a brain, that only a collection finds) made one of 45 ms
beside those that went on, for every hundred and fifty.

And where bytecode cannot be written (a file system that is read only), compiling its modules leaves
8 to 11 MiB of freed memory in each process: the heap of the C library, which returns it only when asked to.

Owns: what is kept out of collections, when there is a full one, how long they last, when freed memory is
given back. Must not know: who makes the garbage.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from dataclasses import dataclass, field
from typing import Literal

from shared.clock import now_ms
from shared.figures.histograms import Histogram, latency_ms

FULL = 2
"""The generation whose collection looks at all objects."""

THRESHOLDS = (700, 4, 25)
"""Python's own are 700, 10, 10: a collection of younger objects then looks at 7,000 and takes 4 to 6 ms.
These look at 2,800, and a full one comes by itself after as many objects as ever."""


def give_back_freed_memory() -> bool:
    """Has the C library return what it holds free to the kernel: some tenths of a millisecond.

    False where it has no such call: only glibc has.
    """
    if sys.platform != "linux":
        return False
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return False
    trim(0)
    return True


@dataclass(slots=True)
class GarbageCounters:
    """Of one process."""

    full_ms: Histogram = field(default_factory=latency_ms)
    """How long full collections of garbage lasted: nothing else runs meanwhile."""
    kept_objects: int = 0
    """Objects that are no longer looked at, since they were there when the process became ready."""


class GarbageWatch:
    """Made once a process; `start` and `stop` from any thread."""

    def __init__(self) -> None:
        self.counters = GarbageCounters()
        self._began_ms = 0.0
        self._thresholds_before = gc.get_threshold()

    def start(self) -> None:
        """From here on full collections are timed, and the others are small."""
        self._thresholds_before = gc.get_threshold()
        gc.set_threshold(*THRESHOLDS)
        gc.callbacks.append(self._on_collection)

    def stop(self) -> None:
        """Python's own way again."""
        gc.callbacks.remove(self._on_collection)
        gc.set_threshold(*self._thresholds_before)

    def keep_for_good(self) -> None:
        """Takes all that is there now out of later collections: modules, classes, what the role has opened.

        Called once, when a process is ready. It takes no time: what is garbage by then is kept as well, some
        hundred objects that imports left, because looking for them would stand in the way of the first calls
        for 100 to 300 ms; an ingress listens by then.
        """
        gc.freeze()
        self.counters.kept_objects = gc.get_freeze_count()
        give_back_freed_memory()

    def tidy(self, live_calls: int) -> None:
        """To be called now and then: a process that serves nobody collects what calls have left, so that it
        need not beside the next ones. Not before it is ready: what it imports would be looked at too."""
        if not live_calls and self.counters.kept_objects and gc.get_count()[FULL]:
            gc.collect()
            give_back_freed_memory()

    # Private.

    def _on_collection(self, phase: Literal["start", "stop"], info: dict[str, int]) -> None:
        if info["generation"] != FULL:
            return
        if phase == "start":
            self._began_ms = now_ms()
        else:
            self.counters.full_ms.observe(now_ms() - self._began_ms)
