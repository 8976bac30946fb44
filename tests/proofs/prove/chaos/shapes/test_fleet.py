"""Servers that start and end together."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.stack.ports import free_port
from proofs.prove.chaos.shapes.fleet import Fleet, InBlock
from proofs.prove.chaos.shapes.node import Node
from proofs.prove.chaos.shapes.programs import ShapeFailed, valkey


def fleet(folder: Path) -> Fleet:
    """Two, not started."""
    nodes = [
        Node(name=f"server {number}", program=valkey(), folder=folder / str(number), port=free_port())
        for number in range(2)
    ]
    return Fleet(nodes, frozenset({1}))


def test_they_start_are_mended_and_end(tmp_path: Path) -> None:
    """Whatever was done to one of them; none is left."""
    servers = fleet(tmp_path)
    one, other = servers.nodes
    try:
        servers.start()
        assert servers.ports == {one.port, other.port, 1}
        assert servers.at(other.port) is other
        one.kill()
        other.pause()
        assert servers.awake() == []
        servers.mend()
        assert servers.awake() == [one, other]
    finally:
        servers.stop()
    assert [node.is_running for node in servers.nodes] == [False, False]
    with pytest.raises(ShapeFailed, match="got port 9"):
        servers.at(9)


def test_nothing_is_started_after_the_end(tmp_path: Path) -> None:
    """A start that is under way in a thread may come to it later."""
    servers = fleet(tmp_path)
    servers.stop()
    with pytest.raises(ShapeFailed, match="expected server 0 to be started before the end"):
        servers.start()
    assert not servers.nodes[0].is_running


class Interrupted(InBlock):
    """Ctrl-C comes while it starts."""

    def __init__(self) -> None:
        self.ends = 0

    def start(self) -> None:
        raise KeyboardInterrupt

    def stop(self) -> None:
        self.ends += 1


def test_what_is_broken_off_while_it_starts_ends_once() -> None:
    """Its block is never entered."""
    interrupted = Interrupted()
    with pytest.raises(KeyboardInterrupt), interrupted:
        pytest.fail("it has not started")
    assert interrupted.ends == 1
