"""The other workers of this process's role: looked at four times a second, and told of when they die.

Why it exists: a call outlives its worker only if somebody notices the death, within two seconds by the beats
of a worker on any host, within some milliseconds by the kernel of the own one. Owns: reading the beats, the
files by which the kernel tells of an exit, telling whoever is given until he has taken it. Must not know: the
rule (shared/ownership/liveness.py), what is done with a dead worker's calls.

Its reads are one round trip a look to each server, by the store: never on the way of audio. On a Cluster a
beat may stand on another server than our own: for each it is asked whether that would take a write.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shared.contract.errors import ContractError
from shared.contract.keys import WORKERS, Keys
from shared.contract.worker import PULSE, Pulse, WorkerId, read_pulse
from shared.figures.counters import Counts
from shared.logs.log import Log
from shared.ownership.liveness import POLL_MS, Back, Counted, Died, How, Liveness, WorkerStanding, WorkerState
from shared.process.host import ProcessOrigin, open_exit
from shared.process.lag import LoopLag
from shared.store.client import Store, Value
from shared.store.errors import STORE_ERRORS, is_of_the_moment
from shared.store.writing.outboxes import asking

POLL_S = POLL_MS / 1000

OnDead = Callable[[str, How], Awaitable[None]]
"""Is told that a worker of the own role is dead, and how that is known. It may be told twice, and of one that
lives after all. Raises STORE_ERRORS: then it is told again."""

OnBack = Callable[[str], None]
"""Is told that a worker that counted as dead shows itself again."""


@dataclass(slots=True)
class NeighbourCounters:
    """What was seen of the other workers of the own role."""

    looks: int = 0
    """Times that their beats were asked for."""
    looks_not_counted: Counts = field(
        default_factory=lambda: Counts("why", [why for why in Counted if why is not Counted.YES])
    )
    """Looks before which no silence was counted. failed: Redis did not answer; far_apart: the last one was
    too long ago; unproven: our own beat does not move."""
    dead: Counts = field(default_factory=lambda: Counts("how", How))
    """Workers that were found dead. seen_silent: no beat for 2 s; exited: by the word of this host's kernel;
    older_boot: by the lock of this instance."""
    back: int = 0
    """Workers that had been silent and showed themselves again: they were stopped, or cut off."""
    untold: int = 0
    """Times that a death could not be told, since Redis did not answer; it is told again."""
    unheard: int = 0
    """Beats whose server, another than that of our own beat, did not answer, or takes no writes: no silence
    of theirs was counted."""
    unreadable: int = 0
    """Beats that could not be read: such a worker is not judged."""


@dataclass(slots=True)
class _Seen:
    """What one look has found."""

    own: Pulse | None = None
    pulses: dict[str, Pulse] = field(default_factory=dict)
    """Of each neighbour that shows a beat that can be read."""
    unheard: set[str] = field(default_factory=set)
    """Whose beat stands on a server that does not answer, or that would take none; ourselves among them."""


class Neighbours:
    """One object a process; `look_on` and `tell_on` are its tasks."""

    def __init__(
        self, worker: WorkerId, origin: ProcessOrigin, store: Store, keys: Keys, lag: LoopLag, log: Log
    ) -> None:
        self.counters = NeighbourCounters()
        self.on_dead: OnDead = _nobody
        """Whoever takes a dead worker's calls over; the role sets it before it is started."""
        self.on_back: OnBack = _nobody_back
        """Whoever has begun to, and is to leave them alone."""
        self._own = str(worker)
        self._role = worker.role
        self._origin = origin
        self._store = store
        self._keys = keys
        self._lag = lag
        self._log = log
        self._liveness = Liveness()
        self._own_beat: int | None = None
        self._names: dict[str, bool] = {}
        """All names of the list, and whether each is a neighbour."""
        self._kernel: dict[str, int | None] = {}
        """By worker: the file that tells of its exit; None where the kernel cannot tell, or has told."""
        self._spoilt: set[str] = set()
        """Workers whose beat cannot be read, and the log says so."""
        self._ended: list[str] = []
        """Processes that have ended, by the kernel's word: not told yet."""
        self._dead: dict[str, How] = {}
        """Workers of whose death `on_dead` has not taken notice yet."""
        self._news = asyncio.Event()

    async def look_on(self) -> None:
        """Looks until it is cancelled, which is safe at any time."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                due_s = loop.time() + POLL_S
                await self._look()
                await asyncio.sleep(max(0.0, due_s - loop.time()))
        finally:
            for worker in self._kernel:
                self._unwatch(worker)

    async def tell_on(self) -> None:
        """Tells `on_dead` of each death until it has taken notice. Runs until it is cancelled, which leaves
        unknown whether the last one was told."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._ended:
                await self._judge_exit(self._ended.pop())
            if not await self._tell_all():
                await asyncio.sleep(POLL_S)
                self._news.set()

    def standings(self) -> list[WorkerStanding]:
        """Who is known, and how each stands: for the admin port."""
        return self._liveness.standings()

    def silences(self) -> dict[str, float]:
        """How long each worker has been silent that was seen to beat and is not dead, ms."""
        return {
            each.worker: each.silent_ms
            for each in self._liveness.standings()
            if each.state is WorkerState.BEATING
        }

    def redis_was_emptied(self) -> None:
        """The answer to our own beat says that Redis has forgotten the one before."""
        self._liveness.emptied()

    async def tell_older_boot(self, worker: str) -> None:
        """An older boot of our own instance: we have its lock. Raises STORE_ERRORS if `on_dead` does.

        Cancelling it leaves unknown whether it was told.
        """
        await self.on_dead(worker, How.OLDER_BOOT)
        self._count(Died(worker, How.OLDER_BOOT, 0.0))

    # Private.

    async def _look(self) -> None:
        counters, liveness = self.counters, self._liveness
        counters.looks += 1
        seen = await self._read()
        before = self._own_beat
        counters.unheard += len(seen.unheard - {self._own})
        if seen.own is None:
            # Not shown yet; or Redis has lost everything, and we hear of it before our own beat does.
            if before is not None and self._own not in seen.unheard:
                self._own_beat = None
                liveness.emptied()
            # One server for all is the same outage for all.
            unheard = seen.unheard if self._store.is_cluster else ()
            liveness.missed(unheard=unheard)
            counters.looks_not_counted[liveness.counted] += 1
            return
        self._own_beat = seen.own.beat
        changes = liveness.look(
            {worker: pulse.beat for worker, pulse in seen.pulses.items()},
            self._lag.awake_ms(),
            wrote=before is not None and seen.own.beat > before,
            unheard=seen.unheard,
        )
        if liveness.counted is not Counted.YES:
            counters.looks_not_counted[liveness.counted] += 1
        for change in changes:
            self._change(change)
        self._watch_exits(seen)

    async def _read(self) -> _Seen:
        """Asks for all that a look needs. Raises nothing of STORE_ERRORS: then nobody was heard."""
        others = [name for name, is_neighbour in self._names.items() if is_neighbour]
        asked = [self._own, *others]
        probed = others if self._store.is_cluster else []
        commands: list[tuple[Value, ...]] = [
            ("SMEMBERS", WORKERS),
            *(("HMGET", self._keys.worker(name), *PULSE) for name in asked),
            *(asking(self._keys.worker(name)) for name in probed),
        ]
        try:
            members, *answers = await self._store.ask_each(commands)
        except STORE_ERRORS:
            return _Seen(unheard=set(asked))
        if isinstance(members, Exception) and not is_of_the_moment(members):
            return _Seen(unheard=set(asked))  # Nobody knows who there is.
        seen = _Seen()
        for name, answer in zip(asked, answers[: len(asked)], strict=True):
            if isinstance(answer, Exception) and is_of_the_moment(answer):
                seen.unheard.add(name)
                continue
            pulse = self._pulse(name, answer)
            if name == self._own:
                seen.own = pulse
            elif pulse is not None:
                seen.pulses[name] = pulse
        for name, answer in zip(probed, answers[len(asked) :], strict=True):
            if isinstance(answer, Exception) and is_of_the_moment(answer):
                seen.unheard.add(name)
        if not isinstance(members, Exception):
            # A name that is new is asked for at the next look.
            names = [raw.decode(errors="replace") for raw in members]
            known = self._names
            self._names = {name: known[name] if name in known else self._is_neighbour(name) for name in names}
        return seen

    def _pulse(self, worker: str, answer: list[bytes | None] | Exception) -> Pulse | None:
        try:
            if isinstance(answer, Exception):
                raise ContractError("Pulse", worker, "a hash", str(answer))
            pulse = read_pulse(answer)
        except ContractError as error:
            self.counters.unreadable += 1
            if worker not in self._spoilt:
                self._spoilt.add(worker)
                self._log.warning(
                    "contract_error", name=worker, record=error.record, field=error.field, reason=str(error)
                )
            return None
        self._spoilt.discard(worker)
        return pulse

    def _is_neighbour(self, name: str) -> bool:
        """Of the own role. Older boots of the own instance are told of at the start."""
        if name == self._own:
            return False
        try:
            other = WorkerId.parse(name)
        except ValueError:
            return False  # Not a name of ours.
        return other.role == self._role

    # The kernel's word.

    def _watch_exits(self, seen: _Seen) -> None:
        gone = [each for each in self._kernel if each not in seen.pulses and each not in seen.unheard]
        for worker in gone:
            self._unwatch(worker)
            del self._kernel[worker]
        for worker, pulse in seen.pulses.items():
            if worker not in self._kernel:
                self._kernel[worker] = self._open(worker, pulse)

    def _open(self, worker: str, pulse: Pulse) -> int | None:
        if not self._origin.shares_pids(pulse.boot_id, pulse.pid_ns):
            return None
        try:
            descriptor = open_exit(pulse.pid, pulse.pid_started)
        except ProcessLookupError:
            self._has_ended(worker)
            return None
        if descriptor is not None:
            asyncio.get_running_loop().add_reader(descriptor, self._on_exit, worker)
        return descriptor

    def _on_exit(self, worker: str) -> None:
        self._unwatch(worker)
        self._has_ended(worker)

    def _unwatch(self, worker: str) -> None:
        descriptor, self._kernel[worker] = self._kernel[worker], None
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)

    def _has_ended(self, worker: str) -> None:
        self._ended.append(worker)
        self._news.set()

    # Telling.

    async def _judge_exit(self, worker: str) -> None:
        """A kernel that says so needs no second witness: if Redis does not answer, it has its keys."""
        has_keys = True
        with contextlib.suppress(*STORE_ERRORS):
            has_keys = bool(await self._store.exists(self._keys.worker(worker)))
        died = self._liveness.exited(worker, has_keys=has_keys)
        if died is not None:
            self._change(died)

    async def _tell_all(self) -> bool:
        """False if somebody is left to be told of. One that cannot be told keeps nobody else untold."""
        told_all = True
        for worker, how in list(self._dead.items()):
            if self._dead.get(worker) is not how:
                continue  # It came back while others were told of.
            try:
                await self.on_dead(worker, how)
            except STORE_ERRORS:
                self.counters.untold += 1
                told_all = False
                continue
            if self._dead.get(worker) is how:
                del self._dead[worker]
        return told_all

    def _change(self, change: Died | Back) -> None:
        match change:
            case Died(worker, how, _):
                self._count(change)
                self._dead[worker] = how
                self._news.set()
            case Back(worker, silent_ms):
                self.counters.back += 1
                self._dead.pop(worker, None)
                self.on_back(worker)
                self._log.info("worker_back", name=worker, silent_ms=round(silent_ms))

    def _count(self, died: Died) -> None:
        self.counters.dead[died.how] += 1
        self._log.warning(
            "worker_lost", name=died.worker, how=died.how.value, silent_ms=round(died.silent_ms)
        )


async def _nobody(_worker: str, _how: How) -> None:
    """Nobody takes over what this role had: a death is a line of the log."""


def _nobody_back(_worker: str) -> None:
    """Nobody has begun anything."""
