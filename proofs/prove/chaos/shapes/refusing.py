"""A server that refuses writes: how it is made to, and how it stops.

Why it exists: each refusal has a cause of its own, and must be gone afterwards without a trace. Owns: the
causes, and the word that each is answered with. Must not know: which server is meant, or for how long.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from redis.exceptions import RedisError

from proofs.prove.chaos.shapes.node import SNAPSHOT, UP_WITHIN_S, Node, until
from proofs.prove.chaos.shapes.programs import ShapeFailed


class Refusal(enum.StrEnum):
    """Why it refuses; the value is the first word of its answer."""

    FULL = "OOM"
    """It has reached its `maxmemory`, and evicts nothing."""
    NO_DISK = "MISCONF"
    """Its snapshot could not be written."""
    NO_REPLICAS = "NOREPLICAS"
    """More replicas are wanted than it has."""
    READ_ONLY = "READONLY"
    """It is a replica all at once."""


NOBODY_PORT: Final = 1
NOWHERE: Final = ":nowhere"
"""Behind the name of a key: a stream of the same slot that is never there."""


def refuse(node: Node, refusal: Refusal, key: str) -> Mapping[str, str]:
    """Makes it refuse, and waits until it does; `key` is one that it has. Returns what `allow` needs. Raises
    ShapeFailed, and has taken the cause away where it does not refuse in time."""
    before: dict[str, str] = {}
    if refusal is Refusal.READ_ONLY:
        node.ask("REPLICAOF", node.site.host, NOBODY_PORT)
    elif refusal is Refusal.NO_DISK:
        before = _set(node, {"save": "3600 1"})
        # Nothing can be renamed to a folder.
        (node.folder / SNAPSHOT).unlink(missing_ok=True)
        (node.folder / SNAPSHOT).mkdir()
        node.ask("BGSAVE")
    else:
        before = _set(node, _SETTINGS[refusal])
    try:
        until(lambda: refusal_of(node, key) == refusal, f"{refusal} of {node.name}", UP_WITHIN_S)
    except ShapeFailed:
        allow(node, refusal, before)
        raise
    return before


def allow(node: Node, refusal: Refusal, before: Mapping[str, str]) -> None:
    """Takes the cause away. Raises ShapeFailed."""
    if refusal is Refusal.READ_ONLY:
        node.ask("REPLICAOF", "NO", "ONE")
    if refusal is Refusal.NO_DISK:
        (node.folder / SNAPSHOT).rmdir()
    _set(node, before)


def refusal_of(node: Node, key: str) -> str:
    """The first word with which a write to the slot of a key is refused; empty: it is taken. Asked by a write
    that writes nothing."""
    try:
        node.ask("XADD", f"{key}{NOWHERE}", "NOMKSTREAM", "*", "f", "v")
    except ShapeFailed as error:
        cause = error.__cause__
        # Where redis-py has a class for an error, its first word is not in the text.
        word = cause.status_code if isinstance(cause, RedisError) else None
        return word or str(cause).partition(" ")[0]
    return ""


# Private.

_SETTINGS: Final[Mapping[Refusal, Mapping[str, str]]] = {
    Refusal.FULL: {"maxmemory": "1"},
    Refusal.NO_REPLICAS: {"min-replicas-to-write": "9"},
}


def _set(node: Node, settings: Mapping[str, str]) -> dict[str, str]:
    """Sets them; returns what they were."""
    before = {}
    for name, value in settings.items():
        _, before[name] = node.ask("CONFIG", "GET", name)
        node.ask("CONFIG", "SET", name, value)
    return before
