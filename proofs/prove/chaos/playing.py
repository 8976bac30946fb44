"""Plays rows: one after another or side by side on a stage, on several stages at once.

Why it exists: a hundred rows take an hour one by one, and most of that is waiting for callers. Owns: which
rows may share a moment, a stage, a machine; the base line before and after. Must not know: what a row does,
or what is allowed.

Rows of which only one call may notice anything are played side by side in one fleet; all others have it for
themselves. Stages are stacks of their own: what is done to one is nothing to the other, but for the two
cores. Rows without a fault are over before any other begins: they show what is usual.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from proofs.measure.own_share import garbage_waits
from proofs.prove.chaos.director import Director
from proofs.prove.chaos.evidence.leftovers import base_line
from proofs.prove.chaos.evidence.shapes import Census, Evidence
from proofs.prove.chaos.faults import Nothing, Row
from proofs.prove.chaos.setting import census
from proofs.prove.chaos.setting.far_host import FarHostRefused
from proofs.prove.chaos.setting.stage import Setting, Stage, open_stage
from proofs.prove.chaos.shapes.programs import ShapeFailed
from shared.store.errors import STORE_ERRORS

TOGETHER: Final = 6
"""So many rows at most are played side by side in one fleet."""

LOOK_S: Final = 0.5

Record = Callable[[Row, Evidence], Awaitable[bool]]
"""Takes what was recorded of a row. True: nothing is shown by it, and it is to be played again."""


def bunches(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows that are played at the same time, in order."""
    found: list[list[Row]] = []
    for row in rows:
        last = found[-1] if found else []
        if row.is_of_one_call and last and last[0].is_of_one_call and len(last) < TOGETHER:
            last.append(row)
        else:
            found.append([row])
    return found


async def play(stage: Stage, rows: Sequence[Row], seed: int) -> list[Evidence]:
    """Plays rows side by side and waits until nothing is left of them. Cancelling it hangs all calls up."""
    before = await _count(stage)
    directors, first = [], 1
    for row in rows:
        directors.append(Director(stage, row, seed, first))
        first += row.calls
    with garbage_waits():
        found = await asyncio.gather(*(director.play() for director in directors))
    try:
        after = await _until_base_line(stage, before, max(row.base_line_s for row in rows))
    except STORE_ERRORS as error:
        why = f"expected a Redis in which what is left can be counted, got {type(error).__name__}: {error}"
        return [replace(each, before=before, after=before, problem=each.problem or why) for each in found]
    return [replace(evidence, before=before, after=after) for evidence in found]


@dataclass(slots=True)
class Lanes:
    """Plays all rows, on `count` stages at once."""

    seed: int
    record: Record
    count: int = 1
    without: str = ""
    """The guard that is off on all stages."""
    _left: dict[Setting, list[list[Row]]] = field(default_factory=dict)
    _healthy: int = 0
    """Rows without a fault that are not over."""
    _is_usual_known: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self, rows: Sequence[Row]) -> None:
        """Plays them. Cancelling it ends what is under way. Raises StackFailed."""
        self._left = {}
        for row in rows:
            self._left.setdefault(Setting.of(row, self.without), []).append([row])
        for setting, each in self._left.items():
            self._left[setting] = bunches([row for (row,) in each])
        self._healthy = sum(isinstance(row.fault, Nothing) for row in rows)
        if not self._healthy:
            self._is_usual_known.set()
        async with asyncio.TaskGroup() as group:
            for number in range(self.count):
                group.create_task(self._lane(), name=f"lane {number}")

    # Private.

    async def _lane(self) -> None:
        while (setting := self._next()) is not None:
            with tempfile.TemporaryDirectory(prefix="trunkline-chaos-") as folder:
                try:
                    async with open_stage(Path(folder), setting, seed=self.seed) as stage:
                        await self._on(stage, setting)
                except* (FarHostRefused, ShapeFailed) as errors:
                    await self._refuse(setting, str(errors.exceptions[0]))

    def _next(self) -> Setting | None:
        """The setting of which most is left: the first of all has the rows without a fault."""
        open_ones = [setting for setting, bunches in self._left.items() if bunches]
        if not self._is_usual_known.is_set():
            open_ones = [each for each in open_ones if self._has_healthy(each)] or open_ones
        return max(open_ones, key=lambda setting: len(self._left[setting]), default=None)

    def _has_healthy(self, setting: Setting) -> bool:
        return any(isinstance(row.fault, Nothing) for bunch in self._left[setting] for row in bunch)

    async def _on(self, stage: Stage, setting: Setting) -> None:
        left = self._left[setting]
        while left:
            if not isinstance(left[0][0].fault, Nothing):
                await self._is_usual_known.wait()
                if not left:
                    return
            bunch = left.pop(0)
            again = []
            for row, evidence in zip(bunch, await play(stage, bunch, self.seed), strict=True):
                if await self.record(row, evidence):
                    again.append(row)
                else:
                    self._healthy -= isinstance(row.fault, Nothing)
            if again:
                left.insert(0, again)
            if not self._healthy:
                self._is_usual_known.set()
            # A host whose link was down is another one now; so is a stack that is not whole again.
            if setting.is_for_once or not await stage.is_whole():
                return

    async def _refuse(self, setting: Setting, why: str) -> None:
        """Nothing is shown on this machine by the rows of a setting."""
        left, self._left[setting] = self._left[setting], []
        for bunch in left:
            for row in bunch:
                await self.record(row, Evidence(row=row.name, seed=self.seed, problem=why))


# Private.


async def _count(stage: Stage) -> Census:
    return await census.take(
        stage.stack, stage.store, stage.model.sessions, keys=stage.keys, redis_ports=stage.redis_ports
    )


async def _until_base_line(stage: Stage, before: Census, within_s: float) -> Census:
    """What there is once nothing is left, or after all the time that it may take."""
    deadline_s = time.monotonic() + within_s
    while True:
        after = await _count(stage)
        left = base_line(Evidence(row="", seed=0, before=before, after=after))
        if not any(finding.is_broken for finding in left) or time.monotonic() > deadline_s:
            return after
        await asyncio.sleep(LOOK_S)
