"""When a process is so near the end of its memory that it drains itself, before the kernel kills it. Pure.

Why it exists: what grows in one process for days ends all its calls at once, at the moment that suits least;
a drain ends none. Owns: the rule, for how long it must hold, that processes of a role do not drain together.
Must not know: how memory is read, what a drain is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NEAR_SHARE: Final = 0.9
AT_ONCE_SHARE: Final = 0.97
"""The kernel may kill at any moment: nobody waits for a turn any more."""

OWN_SHARE: Final = 0.25
"""Of a limit that it shares: a process that has less of it would give back too little to matter."""

FOR_S: Final = 20.0
"""So long it must be near: a burst of calls comes and goes."""

TURN_S: Final = 60.0
"""Processes of a role grow alike, and one that drains needs its siblings: each number waits so much longer
than the one before."""


@dataclass(frozen=True, slots=True)
class MemorySeen:
    """`own_bytes`: of this process. `used_bytes` of `most_bytes`: of what has the limit, which may be itself;
    `is_shared`: others are in it too."""

    own_bytes: int
    used_bytes: int
    most_bytes: int
    is_shared: bool

    @property
    def share(self) -> float:
        """Of the limit that is used; 0 where there is none."""
        return self.used_bytes / self.most_bytes if self.most_bytes else 0.0

    @property
    def is_ours(self) -> bool:
        """Whether this process is a good part of it."""
        return not self.is_shared or self.own_bytes >= self.most_bytes * OWN_SHARE


@dataclass(slots=True)
class MemoryRule:
    """Of one process, whose number in its role is `number`."""

    number: int
    _since_s: float | None = None
    """Since when its memory has been short, on its awake clock."""

    def look(self, seen: MemorySeen | None, awake_s: float) -> bool:
        """Whether the process is to drain now. None: no limit is known."""
        if seen is None or seen.share < NEAR_SHARE or not seen.is_ours:
            self._since_s = None
            return False
        if self._since_s is None:
            self._since_s = awake_s
        return seen.share >= AT_ONCE_SHARE or awake_s - self._since_s >= FOR_S + self.number * TURN_S
