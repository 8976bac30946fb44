"""One server's life."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.stack.ports import free_port
from proofs.prove.chaos.shapes.node import Node, Tls, until
from proofs.prove.chaos.shapes.programs import ShapeFailed, valkey


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Started, and ended with the test."""
    found = Node(name="server", program=valkey(), folder=tmp_path / "server", port=free_port())
    try:
        found.start()
        yield found
    finally:
        found.end()


def test_a_server_is_asked_and_ends(node: Node) -> None:
    """It keeps nothing and evicts nothing; once it has ended, nobody answers."""
    assert node.ask("SET", "key", "value") == "OK"
    assert node.ask("CONFIG", "GET", "maxmemory-policy") == ["maxmemory-policy", "noeviction"]
    assert node.info("persistence")["aof_enabled"] == "0"
    pid = node.pid
    node.end()
    assert not node.is_running
    assert not Path(f"/proc/{pid}/fd").exists()
    with pytest.raises(ShapeFailed, match="expected server to answer GET"):
        node.ask("GET", "key")


def test_what_it_starts_with_is_what_was_kept(node: Node) -> None:
    """Nothing; what stood there at a snapshot; all of it, by the append-only file."""
    node.ask("SET", "early", "1")
    node.snapshot()
    node.ask("SET", "late", "1")
    node.kill()
    node.start()
    assert (node.ask("EXISTS", "early"), node.ask("EXISTS", "late")) == (1, 0)

    node.forget()
    node.keep_log()
    node.ask("SET", "late", "1")
    node.kill()
    node.start(appendonly="yes")
    assert (node.ask("EXISTS", "early"), node.ask("EXISTS", "late")) == (1, 1)

    node.forget()
    node.kill()
    node.start()
    assert node.ask("DBSIZE") == 0


def test_one_that_stands_still_goes_on(node: Node) -> None:
    """It answers nobody meanwhile; killed, it does not stay."""
    node.ask("SET", "key", "value")
    node.pause()
    with pytest.raises(ShapeFailed):
        node.ask("GET", "key", within_s=0.2)
    node.go_on()
    assert node.ask("GET", "key") == "value"
    node.pause()
    node.kill()
    assert not node.is_running


def test_one_that_never_ran_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no pid, and 0 would be the whole group of who asks."""
    stopped: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _signal: stopped.append(pid))
    node = Node(name="server", program=valkey(), folder=Path("/x"), port=7001)
    node.pause()
    assert (stopped, node.is_paused) == ([], False)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    """In its own words, and soon."""
    settings = {"maxmemory-policy": "whatever"}
    node = Node(name="server", program=valkey(), folder=tmp_path, port=free_port(), settings=settings)
    began_s = time.monotonic()
    with pytest.raises(ShapeFailed, match=r"expected server to run, got its end: (.|\n)*maxmemory-policy"):
        node.start()
    assert time.monotonic() - began_s < 15
    node.end()


def test_settings_for_this_time_win() -> None:
    """A setting of several words is several words."""
    settings = {"appendonly": "no", "replicaof": "127.0.0.1 7000"}
    node = Node(name="server", program=valkey(), folder=Path("/x"), port=7001, settings=settings)
    words = " ".join(node.command({"appendonly": "yes"}))
    assert "--appendonly yes" in words
    assert "--appendonly no" not in words
    assert "--replicaof 127.0.0.1 7000" in words
    assert node.command({}).count("127.0.0.1") == 2


def test_with_tls_there_is_no_plain_port() -> None:
    """And the URL says what a client needs."""
    tls = Tls(ca=Path("/ca"), certificate=Path("/c"), key=Path("/k"), asks_clients=True)
    node = Node(name="server", program=valkey(), folder=Path("/x"), port=7001, tls=tls)
    words = " ".join(node.command({}))
    assert "--port 0 --tls-port 7001" in words
    assert "--tls-auth-clients yes" in words
    assert tls.query == "?ssl_ca_certs=%2Fca&ssl_certfile=%2Fc&ssl_keyfile=%2Fk"


def test_what_is_waited_for_in_vain_is_said() -> None:
    """With the last thing that was in the way."""

    def fails() -> bool:
        raise ShapeFailed("nobody answers")

    with pytest.raises(ShapeFailed, match="expected a miracle within 0 s, got none: nobody answers"):
        until(fails, "a miracle", 0.05)
