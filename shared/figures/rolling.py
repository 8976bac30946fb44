"""The windows of the diagnosis: the worst of the last seconds, and when it is told.

Why it exists: a window needs the worst value that was seen in it, of things that happen hundreds of times a
second, at the cost of an assignment; and whoever judges it waits for it. Owns: that arithmetic. Pure. Must
not know: what is measured.
"""

from __future__ import annotations

WINDOW_MS = 3000.0
"""How often the roles tell their figures of a call, and a verdict is given (docs/design.md, Diagnosis)."""

BUCKET_MS = 500.0
BUCKETS = 8
KEPT_MS = BUCKETS * BUCKET_MS
"""A window is told up to half a second late, and the oldest bucket is cut off anywhere: what happened in a
window may be seen in the next one too, but is always seen in one."""


class Telling:
    """When a role tells its figures of a call. `now_ms` is monotonic."""

    __slots__ = ("_due_ms", "_was_late")

    def __init__(self, now_ms: float) -> None:
        self._due_ms = now_ms + WINDOW_MS
        self._was_late = False

    def is_due(self, now_ms: float, *, late: bool) -> bool:
        """Every window; and at once when the role has begun to be late: a judge who reads once a window
        himself would know it only two windows later. Asking counts as telling."""
        if now_ms < self._due_ms and (self._was_late or not late):
            return False
        self._due_ms = now_ms + WINDOW_MS
        self._was_late = late
        return True


class RollingMax:
    """Keeps the worst value of each half second. `now_ms` is monotonic."""

    __slots__ = ("_buckets", "_index")

    def __init__(self) -> None:
        self._buckets = [0.0] * BUCKETS
        self._index = -1

    def note(self, value: float, now_ms: float) -> None:
        """A value was seen."""
        at = self._move(now_ms)
        if value > self._buckets[at]:
            self._buckets[at] = value

    def worst(self, now_ms: float) -> float:
        """The worst value of the last KEPT_MS, to within a bucket; 0 if there was no value."""
        self._move(now_ms)
        return max(self._buckets)

    def _move(self, now_ms: float) -> int:
        index = int(now_ms // BUCKET_MS)
        passed = index - self._index
        if passed > 0:
            for step in range(min(passed, BUCKETS)):
                self._buckets[(index - step) % BUCKETS] = 0.0
            self._index = index
        return index % BUCKETS
