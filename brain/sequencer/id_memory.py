"""Ids that were seen, as many as can matter.

Why it exists: what is over is told again, late and twice; it must be known without being kept for ever. Owns:
the bound. Must not know: what an id names.
"""

from __future__ import annotations


class IdMemory:
    """A bounded set of ids; the oldest are forgotten first.

    4,096 ids are some hours of talk; one session lasts an hour.
    """

    __slots__ = ("_ids", "_limit")

    def __init__(self, limit: int = 4_096) -> None:
        self._ids: dict[str, None] = {}
        self._limit = limit

    def __contains__(self, known_id: str) -> bool:
        return known_id in self._ids

    def add(self, new_id: str) -> None:
        """Remembers an id; an empty one names nothing and is not remembered."""
        if new_id and new_id not in self._ids:
            self._ids[new_id] = None
            if len(self._ids) > self._limit:
                del self._ids[next(iter(self._ids))]
