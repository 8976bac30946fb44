"""A Cluster, for real: formed, failed over, and asked who has what."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from redis.cluster import ClusterNode, RedisCluster

from proofs.prove.chaos.shapes.cluster import MASTERS, Cluster
from proofs.prove.chaos.shapes.node import Node, until
from tests.support.shapes import cluster, make_tls

pytestmark = pytest.mark.timeout(180)

WITHIN_S = 20.0
KEYS = [f"key {number}" for number in range(30)]


def taken_over(shape: Cluster, master: Node, key: str) -> Node:
    """Waits until another node has a key; who that is."""
    until(lambda: shape.masters_of([key]) != [master], "another master", WITHIN_S)
    return shape.masters_of([key])[0]


def test_it_is_formed_fails_over_and_is_healed(tmp_path: Path) -> None:
    """Each key has one master; a killed one's replica takes its slots, and it comes back as that one's."""
    with cluster(tmp_path) as shape:
        nodes = [ClusterNode(*node.address) for node in shape.fleet.nodes[:MASTERS]]
        with RedisCluster(startup_nodes=nodes) as client:
            for key in KEYS:
                client.set(key, "value")
        masters = shape.masters_of(KEYS)
        assert {node.name for node in masters} == {"node 0", "node 1", "node 2"}
        for key, node in zip(KEYS, masters, strict=True):
            assert node.ask("GET", key) == "value"
        assert len(shape.ports) == 12

        key, killed = KEYS[0], masters[0]
        assert killed.ask("WAIT", 1, 5_000) == 1
        killed.kill()
        new = taken_over(shape, killed, key)
        assert new.ask("GET", key) == "value"
        killed.start()
        shape.heal()
        assert killed.info("replication")["role"] == "slave"

        shape.hand_over(new)
        assert taken_over(shape, new, key) is killed
        assert {node.name for node in shape.others(killed)} == {"node 0", "node 1", "node 2"} - {killed.name}
    assert not any(node.is_running for node in shape.fleet.nodes)


def test_one_that_has_slept_is_not_believed(tmp_path: Path) -> None:
    """It still says that it is master when another one is."""
    with cluster(tmp_path) as shape:
        (asleep,) = shape.masters_of(KEYS[:1])
        asleep.pause()
        new = taken_over(shape, asleep, KEYS[0])
        asleep.go_on()
        assert shape.masters_of(KEYS[:1]) == [new]
        shape.heal()
        assert shape.masters_of(KEYS[:1]) == [new]


def test_it_speaks_tls_throughout(tmp_path: Path) -> None:
    """On the bus too."""
    tls = make_tls(tmp_path / "tls")
    with cluster(tmp_path, tls=tls) as shape:
        assert shape.url.startswith("clusters://")
        host, port = shape.fleet.nodes[0].address
        with RedisCluster(host=host, port=port, ssl=True, ssl_ca_certs=str(tls.ca)) as client:
            client.set("key", "value")
            assert client.get("key") == b"value"
        with redis.Redis(host=host, port=port, socket_timeout=5) as plain, pytest.raises(redis.RedisError):
            plain.ping()
