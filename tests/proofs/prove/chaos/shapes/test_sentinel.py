"""Sentinel, for real: who is named, and what a failover costs."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from redis.sentinel import Sentinel

from proofs.prove.chaos.shapes.node import until
from proofs.prove.chaos.shapes.programs import valkey
from proofs.prove.chaos.shapes.sentinel import DOWN_AFTER_MS, NAME, Watched, sentinel_file
from tests.support.shapes import make_tls, sentinel

pytestmark = pytest.mark.timeout(180)

WITHIN_S = 20.0


def taken_over(shape: Watched, former_port: int) -> None:
    """Waits until another server is master."""
    until(lambda: shape.master().port != former_port, "another master", WITHIN_S)


def test_another_takes_over_and_the_former_one_follows_it(tmp_path: Path) -> None:
    """What was confirmed by a replica is there; a server that comes back empty empties nobody."""
    with sentinel(tmp_path) as shape:
        master = shape.master()
        assert (
            shape.url
            == "sentinel://"
            + ",".join(f"127.0.0.1:{node.port}" for node in shape.sentinels.nodes)
            + f"/{NAME}"
        )
        assert len(shape.ports) == 6
        with redis.Redis(port=master.port) as client:
            client.set("key", "value")
            assert client.wait(2, 5_000) == 2
        master.kill()
        taken_over(shape, master.port)
        master.start()
        shape.heal()
        new = shape.master()
        assert new is not master
        assert new.ask("GET", "key") == "value"
        assert master.info("replication")["role"] == "slave"
        assert shape.masters_of(["a", "b"]) == [new, new]

        shape.hand_over(new)
        taken_over(shape, new.port)
        shape.heal()
    assert not any(node.is_running for node in (*shape.servers.nodes, *shape.sentinels.nodes))


def test_a_master_without_replicas_takes_nothing_but_where_that_is_wanted(tmp_path: Path) -> None:
    """Its successor lacks what was written meanwhile; once healed, it is as careful as before."""
    with sentinel(tmp_path) as shape:
        master = shape.master()
        master.ask("SET", "early", "1")
        master.ask("WAIT", 2, 5_000)
        shape.let_lag(master)
        master.ask("SET", "late", "1")
        master.kill()
        taken_over(shape, master.port)
        new = shape.master()
        assert (new.ask("EXISTS", "early"), new.ask("EXISTS", "late")) == (1, 0)
        shape.heal()
        for node in shape.servers.nodes:
            assert node.ask("CONFIG", "GET", "min-replicas-to-write")[1] == "1"


def test_it_speaks_tls_throughout(tmp_path: Path) -> None:
    """Between servers and Sentinels, and with who asks them."""
    tls = make_tls(tmp_path / "tls")
    with sentinel(tmp_path, tls=tls) as shape:
        assert shape.url.startswith("sentinels://")
        options = {"ssl": True, "ssl_ca_certs": str(tls.ca)}
        asked = Sentinel([node.address for node in shape.sentinels.nodes], sentinel_kwargs=options, **options)
        with asked.master_for(NAME) as client:
            assert client.set("key", "value")


def test_what_a_sentinel_is_told(tmp_path: Path) -> None:
    """The figures that the bounds are made of."""
    shape = Watched.of(valkey(), tmp_path)
    text = sentinel_file(shape.sentinels.nodes[0], shape.servers.nodes[0])
    assert f"sentinel monitor {NAME} 127.0.0.1 {shape.servers.nodes[0].port} 2\n" in text
    assert f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n" in text
