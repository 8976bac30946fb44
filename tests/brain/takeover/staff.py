"""Brains that are there and beat, as another one sees them: names, beats and standings, without loops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.contract.record import CONTRACT
from shared.contract.streams.doorbell import Ring, read_ring
from shared.contract.worker import Beat, WorkerId, write_beat
from shared.ownership.liveness import WorkerStanding, WorkerState
from shared.process.beat import drop_own_keys, keep_own_keys
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import load
from shared.store.client import Store
from tests.brain.stage import KEYS
from tests.support.waiting import running

CAPACITY = 10


@dataclass
class Siblings:
    """The brains beside the one under test."""

    store: Store
    states: dict[str, WorkerState] = field(default_factory=dict)

    async def add(self, number: int, *, calls: int = 0, draining: bool = False) -> str:
        """One that beats; its name. The lower its number, the fewer calls it has, unless said otherwise."""
        name = str(WorkerId.of_process("brain", number, "h", "b1"))
        beat = Beat(
            beat=1, at_ms=0, host="h", pid=1, role="brain", calls=calls or number, capacity=CAPACITY,
            loop_lag_ms=0.0, draining=draining, version="1", contract=CONTRACT, admin_port=0, pid_started=0,
            boot_id="", pid_ns=0,
        )  # fmt: skip
        for command in write_beat(KEYS, name, beat):
            await self.store.execute(command)
        await self.store.xadd(KEYS.wake(0, name), {"v": "1", "call": "", "why": "claimed"})
        self.states[name] = WorkerState.BEATING
        return name

    def die(self, name: str) -> None:
        """It is seen to be dead."""
        self.states[name] = WorkerState.EXITED

    def standings(self) -> list[WorkerStanding]:
        """How each stands, by the clock of the one that looks."""
        return [WorkerStanding(name, state, 0.0) for name, state in self.states.items()]

    async def rung(self, name: str) -> list[Ring]:
        """What its doorbell was rung for, but for the first time."""
        _, *entries = await self.store.xrange(KEYS.wake(0, name))
        return [read_ring([word for pair in fields.items() for word in pair]) for _, fields in entries]


@asynccontextmanager
async def alone(store: Store, redis_url: str) -> AsyncIterator[tuple[Process, Siblings]]:
    """The inside of a brain's process, without a role, and those that it sees."""
    process = make_process("brain", 0, load(env_file=None, redis_url=redis_url, openai_api_key="key"))
    siblings = Siblings(store)
    process.neighbours.standings = siblings.standings  # type: ignore[method-assign]
    try:
        async with running(process.outbox.run()):
            await keep_own_keys(process, ())
            yield process, siblings
            await drop_own_keys(process, ())
    finally:
        await process.store.aclose()
