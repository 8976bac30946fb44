"""A stream of a simulated Redis: entries by id, consumer groups, what each consumer has not acknowledged.

Why it exists: streams are what Trunkline is made of, and their rules (ids that only rise, an empty stream
that remembers its last id) carry its own. Owns: these rules. Pure. Must not know: commands, TTLs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

Id = tuple[int, int]
Fields = list[bytes]

NEVER: Id = (0, 0)
LAST: Id = (2**64 - 1, 2**64 - 1)


def text_of(entry_id: Id) -> bytes:
    """As Redis writes it."""
    return b"%d-%d" % entry_id


@dataclass(slots=True)
class Pending:
    """An entry that a consumer was handed."""

    consumer: bytes
    delivered_ms: int
    times: int = 1


@dataclass(slots=True)
class Group:
    """A consumer group."""

    last_id: Id
    pending: dict[Id, Pending] = field(default_factory=dict)
    consumers: dict[bytes, int] = field(default_factory=dict)
    """When each was last heard of, by the server's clock, ms."""

    def pending_ids(self) -> list[Id]:
        """Lowest first."""
        return sorted(self.pending)


@dataclass(slots=True)
class Stream:
    """A stream. An empty one is true: it is a key."""

    ids: list[Id] = field(default_factory=list)
    fields: dict[Id, Fields] = field(default_factory=dict)
    last_id: Id = NEVER
    groups: dict[bytes, Group] = field(default_factory=dict)

    def next_id(self, now_ms: int) -> Id:
        """What `*` stands for: never below the last one, whatever the clock says."""
        return (now_ms, 0) if now_ms > self.last_id[0] else (self.last_id[0], self.last_id[1] + 1)

    def add(self, entry_id: Id, fields: Fields) -> None:
        """An id above the last one."""
        self.ids.append(entry_id)
        self.fields[entry_id] = fields
        self.last_id = entry_id

    def remove(self, entry_id: Id) -> bool:
        """False if there was no such entry."""
        if self.fields.pop(entry_id, None) is None:
            return False
        del self.ids[bisect_left(self.ids, entry_id)]
        return True

    def keep_last(self, count: int) -> int:
        """Returns how many went."""
        return self._drop_head(max(0, len(self.ids) - count))

    def keep_from(self, entry_id: Id) -> int:
        """Returns how many went."""
        return self._drop_head(bisect_left(self.ids, entry_id))

    def between(self, first: Id, last: Id) -> list[Id]:
        """Both included."""
        return self.ids[bisect_left(self.ids, first) : bisect_right(self.ids, last)]

    def after(self, entry_id: Id, count: int | None) -> list[Id]:
        """The next ones."""
        start = bisect_right(self.ids, entry_id)
        return self.ids[start:] if count is None else self.ids[start : start + count]

    # Private.

    def _drop_head(self, count: int) -> int:
        for entry_id in self.ids[:count]:
            del self.fields[entry_id]
        del self.ids[:count]
        return count
