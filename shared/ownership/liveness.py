"""Who counts as dead: one rule for all who look at the beats of others. Pure.

Why it exists: a call is taken from a worker that is judged dead, and a process that hangs is killed; a wrong
judgement costs more than a late one. A TTL or a wall clock judges wrongly whenever Redis or the observer
stands still (measured: 20 of 20 healthy calls taken). Owns: what counts as silence, when silence is death.
Must not know: Redis, clocks, who is told, what is done about it.

Beats are numbers that rise. A worker whose number stands still is silent, and silence counts only between two
looks that succeeded, that are less than three polls apart on the observer's awake clock
(shared/process/awake.py), and while the observer's own beat is seen to move: through Redis, by the same way
as everybody's. So a Redis that is away, frozen, slow, full or read-only, and an observer that was stopped or
starved, condemn nobody. What does not count makes nobody alive either; but after an outage (no proof for four
polls) everybody gets the whole time again to show itself.

Where beats stand on several servers, our own proves nothing of another one's. A worker is `unheard` at a look
if the server of its beat gave no answer, or would have taken none from it: no silence of it counts then, and
after two such looks in a row it gets the whole time again from the first answer on, and BACK_MS more, since
its connection is opened anew by itself. A number that falls is an older copy of Redis, and no life.

The word of the kernel that a process has ended (`exited`) needs no silence, and no Redis.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

POLL_MS = 250.0
"""How often neighbours look at one another."""

DEAD_AFTER_MS = 2_000.0
"""A beat comes every 500 ms: four of them were missed."""

BACK_MS = 1_000.0
"""In addition, after an outage of the one server on which a beat stands: its writer may be in the middle of
an attempt at the server that is gone, rests then, asks who has the slot, and opens a connection. That is
2.7 s at worst (shared/store/reach), whenever the observer's own has come back."""

UNHEARD_LOOKS = 2
"""In a row, of one server: its writers may have lost their connections. One alone is a lost answer."""

GAP_POLLS = 3
OUTAGE_POLLS = 4


class How(enum.StrEnum):
    """How it is known that a worker is dead."""

    SILENT = "seen_silent"
    EXITED = "exited"
    """The kernel of this host says so."""
    OLDER_BOOT = "older_boot"
    """A newer boot has its instance's lock."""


class WorkerState(enum.StrEnum):
    """What an observer thinks of a worker."""

    NEW = "new"
    """Seen, and its beat has not moved yet: it may have been dead for an hour."""
    BEATING = "beating"
    SILENT = "silent"
    """Dead by its silence; alive again when its beat moves: it was stopped, or cut off."""
    EXITED = "exited"
    """Dead for certain."""


_DEAD = frozenset({WorkerState.SILENT, WorkerState.EXITED})


class Counted(enum.StrEnum):
    """Whether the time before a look counted as silence; why not."""

    YES = "yes"
    FAILED = "failed"
    """There was no look before this one, or Redis did not answer it."""
    FAR_APART = "far_apart"
    UNPROVEN = "unproven"
    """Our own beat is not seen to move: nobody's can be."""


@dataclass(frozen=True, slots=True)
class Died:
    """A worker counts as dead from now on."""

    worker: str
    how: How
    silent_ms: float


@dataclass(frozen=True, slots=True)
class Back:
    """A worker that counted as dead shows itself again."""

    worker: str
    silent_ms: float


@dataclass(frozen=True, slots=True)
class WorkerStanding:
    """A worker as the observer sees it."""

    worker: str
    state: WorkerState
    silent_ms: float

    @property
    def is_dead(self) -> bool:
        """Whether its calls are anybody's."""
        return self.state in _DEAD


@dataclass(slots=True)
class _Known:
    beat: int | None
    """The last number; None: none seen yet, and such a one is not judged."""
    silent_ms: float = 0.0
    state: WorkerState = WorkerState.NEW
    must_show: bool = False
    """Redis has forgotten it: its absence is no farewell."""
    unheard_looks: int = 0
    """In so many looks in a row the server of its beat was of no use."""
    more_ms: float = 0.0
    """So much more silence than others it is allowed, until it shows itself."""

    @property
    def is_dead(self) -> bool:
        return self.state in _DEAD


@dataclass(slots=True)
class Liveness:
    """What an observer has seen so far: one `look` or `missed` a poll."""

    poll_ms: float = POLL_MS
    dead_after_ms: float = DEAD_AFTER_MS
    counted: Counted = Counted.FAILED
    """Of the last look."""
    _known: dict[str, _Known] = field(default_factory=dict)
    _looked_ms: float | None = None
    """The last look that succeeded; None: the last one did not."""
    _proved_ms: float | None = None
    """When our own beat was last seen to move."""

    @property
    def outage_ms(self) -> float:
        """So long without a proof is an outage."""
        return OUTAGE_POLLS * self.poll_ms

    def look(
        self,
        seen: Mapping[str, int | None],
        awake_ms: float,
        *,
        wrote: bool,
        unheard: Collection[str] = (),
    ) -> list[Died | Back]:
        """Redis answered. `seen`: the number of each worker's beat; None for one that must live, by another's
        word, and shows none. Who is absent has left by its own will. `wrote`: our own beat has moved since
        the last look. `unheard`: those whose beat, seen or not, stands on a server that did not answer, or
        takes no writes."""
        passed_ms = self._passed_ms(awake_ms, wrote=wrote)
        changes: list[Died | Back] = []
        for worker, known in list(self._known.items()):
            is_absent = worker not in seen and worker not in unheard
            if is_absent and (known.is_dead or not known.must_show):
                del self._known[worker]
        for worker in seen:
            self._known.setdefault(worker, _Known(seen[worker]))
        for worker, known in self._known.items():
            known.unheard_looks += worker in unheard
            counts_ms = 0.0 if known.unheard_looks else passed_ms
            change = self._judge(worker, known, seen.get(worker), counts_ms)
            if change is not None:
                changes.append(change)
            if worker not in unheard:
                self._hear(known)
        return changes

    def missed(self, *, unheard: Collection[str] = ()) -> None:
        """Redis did not answer, or what it said was of no use. Where it is several servers: the one of our
        own beat; `unheard` as in `look`."""
        self._looked_ms, self.counted = None, Counted.FAILED
        for worker in unheard:
            if worker in self._known:
                self._known[worker].unheard_looks += 1

    def emptied(self) -> None:
        """Redis has lost our keys, and so everybody's: who lives shows itself again, in the whole time."""
        self._start_over()
        for known in self._known.values():
            known.must_show = True

    def exited(self, worker: str, *, has_keys: bool) -> Died | None:
        """The kernel says that its process has ended. `has_keys`: they are in Redis, or Redis does not
        answer; who took its own away first has left. None for that one, and if it was dead already, or is not
        known."""
        known = self._known.get(worker)
        if known is None or known.state is WorkerState.EXITED:
            return None
        if not has_keys and not known.must_show:
            del self._known[worker]
            return None
        was_dead, known.state = known.is_dead, WorkerState.EXITED
        return None if was_dead else Died(worker, How.EXITED, known.silent_ms)

    def forget(self, worker: str) -> None:
        """The next look begins with it again."""
        self._known.pop(worker, None)

    def silent_ms(self, worker: str) -> float:
        """How long a worker has been silent, as far as it counts; 0 for one that is not known."""
        known = self._known.get(worker)
        return 0.0 if known is None else known.silent_ms

    def standings(self) -> list[WorkerStanding]:
        """All that are known, by name."""
        return [
            WorkerStanding(worker, known.state, known.silent_ms)
            for worker, known in sorted(self._known.items())
        ]

    # Private.

    def _passed_ms(self, awake_ms: float, *, wrote: bool) -> float:
        """So much silence the time since the last look is for whoever has not shown itself."""
        before_ms, self._looked_ms = self._looked_ms, awake_ms
        if wrote:
            if self._proved_ms is not None and awake_ms - self._proved_ms > self.outage_ms:
                self._start_over()
            self._proved_ms = awake_ms
        if before_ms is None:
            self.counted = Counted.FAILED
        elif awake_ms - before_ms > GAP_POLLS * self.poll_ms:
            self.counted = Counted.FAR_APART
        elif self._proved_ms is None or awake_ms - self._proved_ms > self.outage_ms:
            self.counted = Counted.UNPROVEN
        else:
            self.counted = Counted.YES
            return awake_ms - before_ms
        return 0.0

    def _hear(self, known: _Known) -> None:
        """The server of its beat answers. A beat that has moved may be older than the outage: its worker gets
        the same time."""
        looks, known.unheard_looks = known.unheard_looks, 0
        if looks >= UNHEARD_LOOKS and not known.is_dead:
            known.silent_ms, known.more_ms = 0.0, BACK_MS

    def _start_over(self) -> None:
        for known in self._known.values():
            known.silent_ms = 0.0

    def _judge(self, worker: str, known: _Known, beat: int | None, passed_ms: float) -> Died | Back | None:
        if beat is not None:
            known.must_show = False
            if known.beat is None or beat > known.beat:
                return self._moved(worker, known, beat)
            known.beat = beat
        if known.beat is None:
            return None
        known.silent_ms += passed_ms
        if known.is_dead or known.silent_ms <= self.dead_after_ms + known.more_ms:
            return None
        known.state = WorkerState.SILENT
        return Died(worker, How.SILENT, known.silent_ms)

    def _moved(self, worker: str, known: _Known, beat: int) -> Back | None:
        was_seen, silent_ms = known.beat is not None, known.silent_ms
        known.beat = beat
        if known.state is WorkerState.EXITED:
            return None  # Its last word, read late.
        known.silent_ms = known.more_ms = 0.0
        was_dead = known.is_dead
        if was_seen:
            known.state = WorkerState.BEATING
        return Back(worker, silent_ms) if was_dead else None
