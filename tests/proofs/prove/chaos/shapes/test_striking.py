"""How faults of servers are brought about, on real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from proofs.prove.chaos.faults import ServerFault, ServersAre
from proofs.prove.chaos.setting.far_host import FarHost
from proofs.prove.chaos.shapes import striking
from proofs.prove.chaos.shapes.node import Node, until
from proofs.prove.chaos.shapes.opening import Clock, Opened
from proofs.prove.chaos.shapes.refusing import refusal_of
from proofs.prove.chaos.shapes.striking import Strike
from tests.support.shapes import cluster, sentinel, standalone

pytestmark = pytest.mark.timeout(180)

KEY = "tl:{0}:call:CA1"


async def strike(
    opened: Opened, kind: ServersAre, lasts_s: float = 0.0, *, meanwhile: Callable[[], None] | None = None
) -> int:
    """How many blows were noted."""
    faults_ms: list[float] = []
    bringing = asyncio.create_task(Strike(opened, ServerFault(kind, lasts_s), KEY, faults_ms).bring())
    if meanwhile is not None:
        await asyncio.to_thread(meanwhile)
    await bringing
    return len(faults_ms)


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test need not wait for who comes back."""
    monkeypatch.setattr(striking, "BACK_AFTER_S", 0.0)
    monkeypatch.setattr(striking, "OLDER_BY_S", 1.0)


@pytest.mark.parametrize("kind", striking.REFUSALS)
async def test_a_server_refuses_for_a_while(tmp_path: Path, kind: ServersAre) -> None:
    """With the word that is meant, and no longer."""
    with standalone(tmp_path) as shape:
        word = striking.REFUSALS[kind]

        def is_refused() -> None:
            until(lambda: refusal_of(shape.node, KEY) == word, word, 5)

        assert await strike(Opened(shape), kind, 1.0, meanwhile=is_refused) == 1
        assert refusal_of(shape.node, KEY) == ""


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (ServersAre.RESTARTED, []),
        (ServersAre.RESTARTED_WHOLE, ["early", "late"]),
        (ServersAre.RESTARTED_OLDER, ["early"]),
    ],
)
@pytest.mark.usefixtures("short_waits")
async def test_a_server_comes_back_with_what_is_meant(
    tmp_path: Path, kind: ServersAre, kept: list[str]
) -> None:
    """And with nothing at the next time."""
    with standalone(tmp_path) as shape:
        node = shape.node
        node.ask("SET", "early", "1")
        pid = node.pid

        def write_late() -> None:
            node.ask("SET", "late", "1")

        def has_snapshot() -> bool:
            return node.info("persistence")["rdb_saves"] != "0"

        if kind is ServersAre.RESTARTED_OLDER:
            bringing = asyncio.create_task(strike(Opened(shape), kind))
            await asyncio.to_thread(until, has_snapshot, "the snapshot", 10)
            await asyncio.to_thread(write_late)
            assert await bringing == 1
        else:
            write_late()
            assert await strike(Opened(shape), kind) == 1
        assert node.pid != pid
        assert [key for key in ("early", "late") if node.ask("EXISTS", key)] == kept
        assert await strike(Opened(shape), ServersAre.RESTARTED) == 1
        assert node.ask("DBSIZE") == 0


async def test_a_server_stands_still_for_a_while(tmp_path: Path) -> None:
    """And goes on, also where the row is broken off."""
    with standalone(tmp_path) as shape:
        opened = Opened(shape)

        def is_paused() -> None:
            until(lambda: shape.node.is_paused, "a pause", 5)

        assert await strike(opened, ServersAre.FROZEN, 0.5, meanwhile=is_paused) == 1
        assert shape.node.ask("PING") == "PONG"
        bringing = asyncio.create_task(strike(opened, ServersAre.FROZEN, 60.0))
        await asyncio.to_thread(is_paused)
        bringing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await bringing
        assert shape.node.ask("PING") == "PONG"


@pytest.mark.usefixtures("short_waits")
async def test_a_master_behind_sentinels_is_replaced(tmp_path: Path) -> None:
    """Killed, asked to hand over, or killed while the others lack what it has."""
    with sentinel(tmp_path) as shape:
        opened = Opened(shape)
        for kind in (ServersAre.KILLED, ServersAre.HANDED_OVER, ServersAre.LOSING):
            former = await asyncio.to_thread(shape.master)
            assert await strike(opened, kind, 0.2) == 1
            assert await asyncio.to_thread(shape.master) is not former
            assert former.is_running
            await asyncio.to_thread(shape.heal)


@pytest.mark.usefixtures("short_waits")
async def test_a_master_of_a_cluster_is_replaced_or_relieved(tmp_path: Path) -> None:
    """Of all that it has."""
    with cluster(tmp_path) as shape:
        opened = Opened(shape)

        def master() -> Node:
            return shape.masters_of([KEY])[0]

        for kind in (ServersAre.KILLED, ServersAre.HANDED_OVER, ServersAre.MOVED):
            former = await asyncio.to_thread(master)
            await asyncio.to_thread(former.ask, "SET", KEY, "1")
            assert await strike(opened, kind) == 1
            assert await asyncio.to_thread(master) is not former
            await asyncio.to_thread(shape.heal)


class Link:
    """Stands for a second host: what was done to its link."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def unplug(self) -> None:
        self.done.append("down")

    async def plug_in(self) -> None:
        self.done.append("up")


async def test_a_link_is_down_for_a_while(tmp_path: Path) -> None:
    """Whatever runs behind it."""
    link = Link()
    with standalone(tmp_path) as shape:
        for kind in (ServersAre.UNREACHED, ServersAre.PARTED):
            assert await strike(Opened(shape, cast(FarHost, link)), kind) == 1
    assert link.done == ["down", "up"] * 2


async def test_a_clock_leaps_and_leaps_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a blow, once the server shows it."""
    clock = Clock(tmp_path / "clock", Path("/lib/clock.so"))
    shown: list[str] = []

    def ahead(_node: Node, _by_s: int) -> bool:
        shown.append(clock.file.read_text("ascii").strip())
        return True

    monkeypatch.setattr(striking, "_is_ahead", ahead)
    with standalone(tmp_path) as shape:
        assert await strike(Opened(shape, clock=clock), ServersAre.BEHIND) == 2
    assert shown == ["-240", "+0"]


async def test_where_nothing_is_wrong_nothing_is_done(tmp_path: Path) -> None:
    """But the moment is noted: what is usual is looked for behind it."""
    with standalone(tmp_path) as shape:
        pid = shape.node.pid
        assert await strike(Opened(shape), ServersAre.WELL) == 1
        assert shape.node.pid == pid
