"""Slots of a Cluster go to another master, key by key, while all of it is in use.

Why it exists: this is how a Cluster grows, and there is a time in which the keys of one lane are in two
places: a script that needs two of them can be carried out nowhere (TRYAGAIN), and who asks for one is sent on
(ASK). Owns: the steps of a move, as an operator's tool takes them. Must not know: whose keys they are.
"""

from __future__ import annotations

from typing import Final

from redis.crc import key_slot

from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.node import Node

KEYS_AT_ONCE: Final = 10
"""So many are copied in one step, and both servers do nothing else meanwhile."""

MIGRATE_WITHIN_MS: Final = 2_000
SCAN_COUNT: Final = 1_000


def used_slots(master: Node, pattern: str) -> list[int]:
    """The slots of a master that have a key of this pattern, in order. Raises ShapeFailed."""
    found: set[int] = set()
    cursor = "0"
    while True:
        cursor, keys = master.ask("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT)
        found.update(key_slot(key.encode()) for key in keys)
        if cursor == "0":
            return sorted(found)


def move(cluster: Cluster, slot: int, source: Node, target: Node) -> int:
    """Moves a slot with all its keys; returns how many steps there were. Whoever writes to it meanwhile is
    served by the one or the other. Raises ShapeFailed."""
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.id_of(source))
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.id_of(target))
    host, port = target.address
    steps = 0
    while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, KEYS_AT_ONCE):
        # A key that was deleted meanwhile is no error: NOKEY.
        source.ask("MIGRATE", host, port, "", 0, MIGRATE_WITHIN_MS, "KEYS", *keys)
        steps += 1
    # The new one first: told last, it would send those on who come from the old one.
    for node in (target, source, *(each for each in cluster.others(source) if each is not target)):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", cluster.id_of(target))
    return steps
