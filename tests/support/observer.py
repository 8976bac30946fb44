"""A worker that looks at the others of its role: what it thinks of each, and whose death it was told of."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.ownership.liveness import How, WorkerState
from shared.process.neighbours import Neighbours
from tests.support.waiting import wait_until


@dataclass(slots=True)
class Observer:
    """One that beats and looks, without the rest of a process."""

    neighbours: Neighbours
    told: list[tuple[str, How]] = field(default_factory=list)
    fails: int = 0
    """So many times whoever is told cannot take notice."""
    is_beating: bool = True
    rests: bool = False
    """It is not to beat, and no beat of it is under way."""

    def __post_init__(self) -> None:
        self.neighbours.on_dead = self.take

    async def take(self, worker: str, how: How) -> None:
        if self.fails:
            self.fails -= 1
            raise TimeoutError
        self.told.append((worker, how))

    def state(self, worker: str) -> WorkerState | None:
        found = [each.state for each in self.neighbours.standings() if each.worker == worker]
        return found[0] if found else None

    async def looked(self, times: int) -> int:
        """So many looks have begun: how often nothing was heard of a beat meanwhile."""
        counters = self.neighbours.counters
        looks, unheard = counters.looks, counters.unheard
        await wait_until(lambda: counters.looks >= looks + times, f"it has looked {times} times")
        return counters.unheard - unheard
