"""Which rows share a moment, a stage, a machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from proofs.prove.chaos import playing
from proofs.prove.chaos.evidence.finding import Bounds
from proofs.prove.chaos.evidence.shapes import Evidence
from proofs.prove.chaos.faults import Fault, Killed, ModelLost, Nothing, Profile, Role, Row, Step
from proofs.prove.chaos.playing import TOGETHER, Lanes, bunches
from proofs.prove.chaos.setting.far_host import FarHostRefused
from proofs.prove.chaos.setting.stage import Setting, Stage
from proofs.prove.chaos.shapes.programs import ShapeFailed


def row(
    name: str,
    fault: Fault,
    only: Role | None = None,
    far: Role | None = None,
    profile: Profile | None = None,
) -> Row:
    """A row of two calls."""
    return Row(
        name=name,
        text="",
        fault=fault,
        step=Step.MODEL,
        bounds=Bounds(silence_ms=0),
        calls=2,
        only=only,
        far=far,
        profile=profile,
    )


class Whole:
    """Stands for a stage that nothing can hurt."""

    async def is_whole(self) -> bool:
        return True


class Machine:
    """Stands for all stages: what was played on which."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[Setting] = []
        self.played: list[list[str]] = []
        self.recorded: dict[str, str] = {}
        self.again: set[str] = set()
        self.most_at_once = 0
        self._now = 0
        monkeypatch.setattr(playing, "open_stage", self._open)
        monkeypatch.setattr(playing, "play", self._play)

    @asynccontextmanager
    async def _open(self, _folder: Path, setting: Setting, *, seed: int) -> AsyncIterator[Stage]:
        if setting.far == "ingress":
            raise FarHostRefused("ip netns add: Operation not permitted")
        if setting.profile is Profile.REDIS7:
            raise ShapeFailed("expected redis-server on the PATH, got none")
        self.opened.append(setting)
        yield cast(Stage, Whole())

    async def _play(self, _stage: Stage, rows: Sequence[Row], seed: int) -> list[Evidence]:
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        self.played.append([row.name for row in rows])
        return [Evidence(row=row.name, seed=seed) for row in rows]

    async def record(self, row: Row, evidence: Evidence) -> bool:
        self.recorded[row.name] = evidence.problem
        is_again = row.name in self.again
        self.again.discard(row.name)
        return is_again


def test_rows_of_one_call_are_played_side_by_side() -> None:
    """A few at once; all others have the fleet for themselves."""
    own = [row(f"own-{number}", ModelLost(1011)) for number in range(TOGETHER + 1)]
    killed = [row("killed", Killed("brain")), row("killed-too", Killed("brain"))]

    found = bunches([*own, *killed])

    assert [len(bunch) for bunch in found] == [TOGETHER, 1, 1, 1]


async def test_rows_without_a_fault_are_over_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """On however many stages: the others are judged by them."""
    machine = Machine(monkeypatch)
    rows = [row(f"healthy-{n}", Nothing()) for n in range(3)]
    rows += [row(f"killed-{n}", Killed("brain"), "brain") for n in range(9)]

    await Lanes(1, machine.record, 2).play(rows)

    assert {name for (name,) in machine.played[:3]} == {"healthy-0", "healthy-1", "healthy-2"}
    assert set(machine.recorded) == {row.name for row in rows}
    assert machine.most_at_once == 2


async def test_each_row_of_a_second_host_has_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was unplugged is another host now."""
    machine = Machine(monkeypatch)

    await Lanes(1, machine.record).play([row(f"far-{n}", Killed("brain"), far="brain") for n in range(2)])

    assert machine.opened == [Setting(far="brain")] * 2


async def test_a_row_that_shows_nothing_is_played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Next, and without those that were played beside it."""
    machine = Machine(monkeypatch)
    machine.again = {"healthy", "own-1"}
    rows = [row("healthy", Nothing()), *(row(f"own-{n}", ModelLost(1011)) for n in range(2))]

    await Lanes(1, machine.record).play([*rows, row("killed", Killed("brain"))])

    assert machine.played == [["healthy"], ["healthy"], ["own-0", "own-1"], ["own-1"], ["killed"]]


async def test_a_machine_without_namespaces_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that want one show nothing, with the kernel's answer; the others are played."""
    machine = Machine(monkeypatch)

    await Lanes(1, machine.record).play(
        [row("far", Killed("ingress"), far="ingress"), row("near", Killed("ingress"))]
    )

    assert machine.recorded == {"far": "ip netns add: Operation not permitted", "near": ""}


async def test_a_machine_without_a_program_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows show nothing; those with another Redis are played, on servers of their own."""
    machine = Machine(monkeypatch)

    await Lanes(1, machine.record).play(
        [
            row("redis7", Killed("brain"), profile=Profile.REDIS7),
            row("cluster", Killed("brain"), profile=Profile.CLUSTER),
        ]
    )

    assert machine.recorded == {"redis7": "expected redis-server on the PATH, got none", "cluster": ""}
    assert machine.opened == [Setting(profile=Profile.CLUSTER)]
