"""A server that refuses writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.prove.chaos.shapes import refusing
from proofs.prove.chaos.shapes.programs import ShapeFailed
from proofs.prove.chaos.shapes.refusing import Refusal, allow, refusal_of, refuse
from tests.support.shapes import cluster, standalone

KEY = "tl:{0}:call:CA1"


@pytest.mark.parametrize("is_redis7", [False, True], ids=["valkey", "redis7"])
def test_each_refusal_is_there_and_then_over(tmp_path: Path, is_redis7: bool) -> None:
    """Nothing is lost by it, and nothing of it is left."""
    with standalone(tmp_path, redis7=is_redis7) as shape:
        node = shape.node
        node.ask("SET", "key", "value")
        for refusal in Refusal:
            assert refusal_of(node, KEY) == ""
            before = refuse(node, refusal, KEY)
            assert refusal_of(node, KEY) == refusal
            assert node.ask("GET", "key") == "value"
            allow(node, refusal, before)
        assert refusal_of(node, KEY) == ""
        assert node.ask("CONFIG", "GET", "save") == ["save", ""]
        assert node.ask("KEYS", "*") == ["key"]


def test_in_a_cluster_a_node_is_asked_for_its_own_keys(tmp_path: Path) -> None:
    """Another one's would only send us on."""
    with cluster(tmp_path) as shape:
        (node,) = shape.masters_of([KEY])
        before = refuse(node, Refusal.FULL, KEY)
        assert refusal_of(node, KEY) == Refusal.FULL
        allow(node, Refusal.FULL, before)
        assert refusal_of(shape.others(node)[0], KEY) == "MOVED"


def test_what_does_not_come_about_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked for it does not know what there is to take away."""
    monkeypatch.setattr(refusing, "UP_WITHIN_S", 0.0)
    monkeypatch.setattr(refusing, "refusal_of", lambda *_: "")
    with standalone(tmp_path) as shape:
        with pytest.raises(ShapeFailed, match="expected OOM of Valkey"):
            refuse(shape.node, Refusal.FULL, KEY)
        assert shape.node.ask("CONFIG", "GET", "maxmemory") == ["maxmemory", "0"]
