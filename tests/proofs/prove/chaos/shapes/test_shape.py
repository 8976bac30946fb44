"""One server."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from proofs.prove.chaos.shapes.programs import ShapeFailed, valkey
from proofs.prove.chaos.shapes.shape import One
from tests.support.shapes import make_tls, standalone


def test_one_server_has_every_key(tmp_path: Path) -> None:
    """Its URL leads there; nobody can take over."""
    with standalone(tmp_path) as shape, redis.Redis.from_url(shape.url) as client:
        client.set("key", "value")
        assert shape.masters_of(["a", "b"]) == [shape.node, shape.node]
        assert shape.ports == {shape.node.port}
        with pytest.raises(ShapeFailed, match="expected another server beside Valkey"):
            shape.hand_over(shape.node)
        shape.node.pause()
        shape.heal()
        assert client.get("key") == b"value"
    assert not shape.node.is_running


def test_one_that_was_started_in_vain_is_gone(tmp_path: Path) -> None:
    """An error while it starts leaves nothing."""
    shape = One.of(valkey(), tmp_path, settings={"nonsense": "1"})
    with pytest.raises(ShapeFailed, match="expected Valkey to run"), shape:
        pytest.fail("it cannot start")
    assert not shape.node.is_running


def test_tls_needs_a_program_that_has_it(tmp_path: Path) -> None:
    """Said before anything is started."""
    with pytest.raises(ShapeFailed, match="expected a program with TLS, got Valkey"):
        One.of(valkey(), tmp_path, tls=make_tls(tmp_path))


@pytest.mark.parametrize("asks_clients", [False, True])
def test_tls_is_served_to_who_knows_the_authority(tmp_path: Path, asks_clients: bool) -> None:
    """By the URL alone; whoever trusts another one, or shows nothing where that is asked, is not let in."""
    tls = make_tls(tmp_path / "ours", asks_clients=asks_clients)
    with standalone(tmp_path, tls=tls) as shape:
        host, port = shape.node.address
        with redis.Redis.from_url(shape.url) as client:
            assert client.ping()
        other = make_tls(tmp_path / "another")
        wrong = [f"rediss://{host}:{port}/0{other.query}", f"redis://{host}:{port}/0"]
        wrong += [f"rediss://{host}:{port}/0?ssl_ca_certs={tls.ca}"] if asks_clients else []
        for url in wrong:
            with redis.Redis.from_url(url, socket_timeout=5) as client, pytest.raises(redis.RedisError):
                client.ping()
