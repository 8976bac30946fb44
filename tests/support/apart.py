"""A deployment whose lanes stand on the masters of a Cluster: which master has what, and all of them emptied.

What asks the Cluster blocks, as in tests/support/shapes.py.
"""

from __future__ import annotations

import itertools

from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.node import Node
from shared.contract.keys import Keys

LANES = 12
KEYS = Keys(LANES, spread=True)


def homes(cluster: Cluster) -> list[Node]:
    """The master of each lane."""
    return cluster.masters_of([KEYS.calls(lane) for lane in range(LANES)])


def masters(cluster: Cluster) -> list[Node]:
    (first,) = cluster.masters_of([KEYS.calls(0)])
    return [first, *cluster.others(first)]


def empty(cluster: Cluster) -> None:
    """Nothing stands on it any more."""
    for node in masters(cluster):
        node.ask("FLUSHALL")


def call_of(lane: int, which: int = 0) -> str:
    """A call of a lane, by number."""
    found = (sid for number in range(10_000) if KEYS.lane(sid := f"CA{number:032x}") == lane)
    return next(itertools.islice(found, which, None))
