"""What Python's garbage collector may cost a live call.

Why it exists: a full collection looks at every object there is, and nothing else runs meanwhile. All that is
imported and never dropped (150,000 objects in a brain) made each of them last 100 ms: five frames that no
caller's model could hear, and a verdict that blamed the CPU of an idle machine.

Owns: what is kept out of collections, and how long they last. Must not know: who makes the garbage.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import Literal

from shared.clock import now_ms
from shared.figures.histograms import Histogram, latency_ms

FULL = 2
"""The generation whose collection looks at all objects."""


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

    def start(self) -> None:
        """From here on full collections are timed."""
        gc.callbacks.append(self._on_collection)

    def stop(self) -> None:
        gc.callbacks.remove(self._on_collection)

    def keep_for_good(self) -> None:
        """Takes all that is there now out of later collections: modules, classes, what the role has opened.

        Called once, when a process is ready. It takes no time: what is garbage by then is kept as well, some
        hundred objects that imports left, because looking for them would stand in the way of the first calls
        for 100 to 300 ms; an ingress listens by then.
        """
        gc.freeze()
        self.counters.kept_objects = gc.get_freeze_count()

    # Private.

    def _on_collection(self, phase: Literal["start", "stop"], info: dict[str, int]) -> None:
        if info["generation"] != FULL:
            return
        if phase == "start":
            self._began_ms = now_ms()
        else:
            self.counters.full_ms.observe(now_ms() - self._began_ms)
