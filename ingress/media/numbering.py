"""Our own numbers for the caller's frames, made of the carrier's counter and its time.

Why it exists: what is lost must be heard as a pause and what comes twice must be heard once, so that each
frame needs its place; the carrier's counter may jump, go back or be missing, and audio that was lost before
the carrier shows in its time only. Owns: which frame came twice, how many never came, numbers that only rise.
Pure. Must not know: wires, sockets, who is given the numbers.

A counter that leaps is a counter that was renumbered: it is followed, and says nothing of what was lost.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from shared.audio import BYTES_PER_MS, FRAME_MS

LEAP_FRAMES = 50
"""A counter that is further off than a second is another count."""

REPEATS_MOST = 5
"""So many frames in a row that seem to come twice: the counter went back a little."""

LOST_MOST_FRAMES = 50
"""What is counted as lost at once: of a longer pause (the caller was put on hold) nobody needs to know how
long it was."""

WOBBLE_MS = 5
"""The carrier's times are off by a few ms either way; a frame is lost when this much less than it is
missing."""

RESET_MS = 1_000
"""Times that are behind by more are another row of times."""

CREEP_MS = 1
"""Times that are behind by less are followed at this pace, by frame: the carrier's clock may be slower than
its audio."""


class Place(enum.Enum):
    """What a frame is beside those before it."""

    NEXT = enum.auto()
    AFTER_GAP = enum.auto()
    RENUMBERED = enum.auto()
    """The carrier counts on from elsewhere."""
    REPEATED = enum.auto()
    """It came before: it has no number."""


@dataclass(slots=True)
class Numbering:
    """The frames of one media stream."""

    number: int = 0
    """Of the last frame that was not a repeat; the numbers of lost ones are left out. 0: none came yet."""
    _last_chunk: int = 0
    _due_ms: float | None = None
    """The carrier's time of the next frame, by its first one and by the audio since."""
    _repeats: int = 0
    """In a row."""

    def place(self, chunk: int | None, time_ms: int | None, n_bytes: int) -> Place:
        """One frame as the carrier sent it: its counter and its time in ms, if it says them, and how much
        audio it is. `number` is its number, unless it was REPEATED."""
        found, lost = self._by_count(chunk, time_ms)
        if found is Place.REPEATED:
            self._repeats += 1
            return found
        self._repeats = 0
        lost += self._lost_by_time(time_ms, lost, n_bytes)
        self._last_chunk = self._last_chunk + 1 if chunk is None else chunk
        if self.number == 0:
            # The first one: what came before it was never ours.
            self.number = chunk or 1
            return Place.NEXT
        self.number += lost + 1
        return Place.AFTER_GAP if lost and found is Place.NEXT else found

    # Private.

    def _by_count(self, chunk: int | None, time_ms: int | None) -> tuple[Place, int]:
        """What the counter says: the place, and how many are missing before it."""
        if chunk is None or self.number == 0:
            return Place.NEXT, 0
        ahead = chunk - self._last_chunk - 1
        if ahead == 0:
            return Place.NEXT, 0
        if abs(ahead) > LEAP_FRAMES:
            return Place.RENUMBERED, 0
        if ahead > 0:
            return Place.NEXT, ahead
        is_later = time_ms is not None and self._due_ms is not None and time_ms > self._due_ms - FRAME_MS / 2
        if is_later or self._repeats >= REPEATS_MOST:
            return Place.RENUMBERED, 0
        return Place.REPEATED, 0

    def _lost_by_time(self, time_ms: int | None, lost: int, n_bytes: int) -> int:
        """How many frames are missing by the carrier's time, beyond those that its counter tells of. The time
        of its first frame is where it counts from, so that a wobble never adds up."""
        ms = n_bytes / BYTES_PER_MS
        due_ms = self._due_ms
        if due_ms is not None:
            due_ms += lost * FRAME_MS
        if time_ms is None or due_ms is None or time_ms < due_ms - RESET_MS:
            begins_ms = due_ms if time_ms is None else time_ms
            self._due_ms = None if begins_ms is None else begins_ms + ms
            return 0
        if time_ms < due_ms - WOBBLE_MS:
            due_ms -= CREEP_MS
        more = max(0, int((time_ms - due_ms + WOBBLE_MS) // FRAME_MS))
        if more > LOST_MOST_FRAMES:
            self._due_ms = time_ms + ms
            return LOST_MOST_FRAMES
        self._due_ms = due_ms + more * FRAME_MS + ms
        return more
