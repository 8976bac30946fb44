"""Slots go to another master under traffic."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from redis.cluster import ClusterNode, RedisCluster
from redis.crc import key_slot

from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.moving import KEYS_AT_ONCE, move, used_slots
from proofs.prove.chaos.shapes.node import until
from tests.support.shapes import cluster

pytestmark = pytest.mark.timeout(120)

KEYS = [f"tl:{{7}}:{number}" for number in range(3 * KEYS_AT_ONCE)]


def client_of(shape: Cluster) -> RedisCluster:
    """A client that follows MOVED and ASK."""
    return RedisCluster(startup_nodes=[ClusterNode(*node.address) for node in shape.fleet.nodes[:1]])


def test_every_key_goes_along_and_no_write_is_lost(tmp_path: Path) -> None:
    """Whoever writes meanwhile is served by the one or the other."""
    with cluster(tmp_path) as shape:
        over, written = threading.Event(), dict.fromkeys(KEYS, 0)

        def write() -> None:
            with client_of(shape) as client:
                while not over.is_set():
                    for key in KEYS:
                        written[key] = int(client.incr(key))

        writer = threading.Thread(target=write)
        (source,) = shape.masters_of(KEYS[:1])
        target = shape.others(source)[0]
        source.ask("SET", KEYS[0], 0)
        writer.start()
        try:
            until(lambda: source.ask("DBSIZE") >= len(KEYS), "all keys", 20)
            slot = key_slot(KEYS[0].encode())
            assert used_slots(source, "tl:*") == [slot]
            steps = move(shape, slot, source, target)
        finally:
            over.set()
            writer.join()
        assert steps >= len(KEYS) // KEYS_AT_ONCE
        assert shape.masters_of(KEYS[:1]) == [target]
        assert used_slots(source, "tl:*") == []
        assert [int(target.ask("GET", key)) for key in KEYS] == [written[key] for key in KEYS]
        shape.heal()
