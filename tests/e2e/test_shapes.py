"""Every recipe of the README and docs/operating.md, and the command line, in every shape of Redis: with TLS,
with Sentinels, with many lanes, on a Cluster. On one server: test_readme.py and test_recipes.py.

As the operator's user, with what docs/operating.md says comes first in each shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proofs.prove.chaos.shapes.node import Node
from shared.store.access.grants import OPERATOR
from tests.e2e.conftest import own_stack
from tests.e2e.recipes import OF_BOTH, commands_on_a_call, recipes_on_a_call, what_looks_on
from tests.e2e.shell import Shell
from tests.support import acl, shapes
from tests.support.servers import needed

pytestmark = pytest.mark.timeout(180)

ONE_EACH = {"ingress": 1, "brain": 1, "egress": 1}
MANY_LANES = {"TRUNKLINE_LANES": "16"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A Redis in one of its shapes."""

    url: str
    nodes: Sequence[Node]
    """Users are of one server each."""
    settings: Mapping[str, str] = field(default_factory=dict)
    lanes: int = 1


@contextmanager
def _opened(name: str, folder: Path) -> Iterator[Opened]:
    match name:
        case "TLS":
            with shapes.standalone(folder, tls=shapes.make_tls(folder / "tls")) as one:
                yield Opened(one.url, [one.node])
        case "Sentinels":
            with shapes.sentinel(folder) as watched:
                yield Opened(watched.url, watched.servers.nodes)
        case "lanes":
            with shapes.standalone(folder) as one:
                yield Opened(one.url, [one.node], MANY_LANES, lanes=16)
        case "Cluster":
            with shapes.cluster(folder) as cluster:
                yield Opened(cluster.url, cluster.fleet.nodes, lanes=16)


@pytest.mark.parametrize("name", ["TLS", "Sentinels", "lanes", "Cluster"])
async def test_the_recipes_and_the_command_line_in_each_shape(name: str, tmp_path: Path) -> None:
    """On live calls: each shows something, or does what it says."""
    needed("redis-cli")
    with _opened(name, tmp_path / "redis") as redis:
        acl.install_at(redis.nodes, OPERATOR)
        shell = Shell.at(redis.url, redis.settings)
        async with own_stack("shape", redis.url, redis.settings, workers=ONE_EACH) as bridge:
            assert bridge.keys.lanes == redis.lanes
            by_command = await commands_on_a_call(bridge, shell)
            by_hand, _ = await recipes_on_a_call(bridge, shell, OF_BOTH)
            await what_looks_on(bridge, shell, tmp_path / "archive.sqlite", by_command.call_sid)
            assert '"level":"error"' not in bridge.logs()
    assert by_command.end_reason == by_hand.end_reason == "bridge_hung_up"
