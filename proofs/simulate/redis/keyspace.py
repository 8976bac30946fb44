"""The keys of a simulated Redis: values, TTLs on virtual time, and who is to be woken by a write.

Why it exists: a Redis in the process of the test can be frozen between two commands, lose its last writes and
tell a time of its own. Owns: expiry, types, copies for a failover. Must not know: commands, connections.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proofs.simulate.redis.entries import Stream


class Refused(Exception):
    """What is answered with an error: its text, code first."""


class Status(bytes):
    """A reply like `+OK`."""


OK = Status(b"OK")
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


class Text(bytes):
    """A value that is one word."""


class Hash(dict[bytes, bytes]):
    """A hash."""


class Set(dict[bytes, None]):
    """A set; in the order in which its members came, so that a run replays."""


class SortedSet(dict[bytes, float]):
    """A sorted set."""

    def ranked(self) -> list[tuple[float, bytes]]:
        """By score, then by name."""
        return sorted((score, member) for member, score in self.items())


@dataclass(slots=True)
class Keyspace:
    """One database."""

    wall_us: Callable[[], int]
    """The clock of the server: what TIME tells, what ids of entries and TTLs are made from."""
    values: dict[bytes, Any] = field(default_factory=dict)
    expires_ms: dict[bytes, int] = field(default_factory=dict)
    touched: list[bytes] = field(default_factory=list)
    """Streams that were written or deleted since somebody looked: who blocks on them is asked again."""

    @property
    def now_ms(self) -> int:
        """The server's clock."""
        return self.wall_us() // 1000

    def find(self, key: bytes, kind: type[Any]) -> Any:
        """The value; None if there is none. Raises Refused for a value of another type."""
        self.expire(key)
        value = self.values.get(key)
        if value is not None and not isinstance(value, kind):
            raise Refused(WRONG_TYPE)
        return value

    def make(self, key: bytes, kind: type[Any]) -> Any:
        """The value, made if there is none."""
        value = self.find(key, kind)
        if value is None:
            value = self.values[key] = kind()
        return value

    def expire(self, key: bytes) -> None:
        """Takes a key out whose time is over."""
        expires_ms = self.expires_ms.get(key)
        if expires_ms is not None and expires_ms <= self.now_ms:
            self.drop(key)

    def drop(self, key: bytes) -> bool:
        """Deletes a key; False if there was none."""
        self.expires_ms.pop(key, None)
        value = self.values.pop(key, None)
        if isinstance(value, Stream):
            self.touched.append(key)
        return value is not None

    def drop_if_empty(self, key: bytes) -> None:
        """Hashes, sets and sorted sets without members are no keys. An empty stream is one."""
        value = self.values.get(key)
        if isinstance(value, (Hash, Set, SortedSet)) and not value:
            self.drop(key)

    def there_is(self, key: bytes) -> bool:
        """Whether there is such a key."""
        self.expire(key)
        return key in self.values

    def names(self) -> list[bytes]:
        """All that have not expired."""
        return [key for key in list(self.values) if self.there_is(key)]

    def clear(self) -> None:
        """FLUSHALL."""
        for key in list(self.values):
            self.drop(key)

    def copied(self) -> tuple[dict[bytes, Any], dict[bytes, int]]:
        """What a replica, or a snapshot, has at this moment."""
        return copy.deepcopy(self.values), dict(self.expires_ms)

    def restore(self, copied: tuple[dict[bytes, Any], dict[bytes, int]]) -> None:
        """The copy is all there is."""
        self.clear()
        self.values, self.expires_ms = copied[0], copied[1]
