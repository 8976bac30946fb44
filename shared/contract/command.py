"""A command for the outbox: its words, and what it must keep its order with.

Why it exists: the contract says what is written, the outbox when; this is what passes between them. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

_READS = frozenset({b"XRANGE", b"XREVRANGE", b"XREAD", b"XLEN", b"HMGET", b"HGETALL"})
"""What is read through the outbox: a Redis that refuses writes still answers it."""


@dataclass(frozen=True, slots=True)
class Command:
    """`tag`: the call's lane (int), or the key for keys outside a lane. Commands of one tag keep their order,
    and those of one commit are one transaction. A command may be done twice: it is idempotent, or what it
    writes has a position or a number."""

    tag: int | bytes
    args: tuple[bytes, ...]
    when_full: bool = False
    """A Redis without memory takes it, by itself: it frees some, or needs none. It may overtake what was
    written before it."""

    @property
    def reads(self) -> bool:
        """It writes nothing, and may overtake what was written before it."""
        return self.args[0] in _READS
