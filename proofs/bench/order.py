"""Which system comes when.

Why it exists: a machine drifts over an hour (others on the host, heat), and whoever always comes first would
have the better part of it. Owns: the order of a sitting. Pure. Must not know: how a system is started.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SYSTEMS = ("trunkline", "leanest", "sample", "agents", "pipecat")
UNWATCHED = "unwatched"
RECORDED = "recorded"
VIEWED = "viewed"
"""Trunkline without diagnostics, one that records each call, one whose web console is open in three tabs:
only where they are asked for."""

CLUSTER = {"cluster4": 4, "cluster16": 16, "cluster64": 64}
"""Trunkline on a Redis Cluster of three masters with a replica each, by lanes; where it is asked for."""

REDIS = "valkey"
"""What the names of servers begin with."""

PLAIN = "trunkline"
VARIANTS = (UNWATCHED, RECORDED, VIEWED, *CLUSTER)
OURS = (PLAIN, *VARIANTS)

YARDSTICK = "leanest"
SAMPLE = "sample"
GIVEN = "given"
"""A server of the user's own."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One load on one system."""

    calls: int
    run: int
    """Counted from 1."""
    system: str


def turns(systems: Sequence[str], calls: Sequence[int], runs: int) -> Iterator[Turn]:
    """A B, B A, A B, …: each size is done with before the next one begins."""
    for number in calls:
        for run in range(1, runs + 1):
            for system in systems if run % 2 else reversed(systems):
                yield Turn(number, run, system)
