"""What the janitor reads of a lane, of the count of all calls, and of all workers. Pure.

Why it exists: what is wrong is judged from one look at everything, and tests make such looks by hand. Owns:
the shape of it. Must not know: how it is read, what is judged.

All texts are as they stand in Redis: a card may hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ENDED, ATTACHED = "ended", "attached"
ROLES = ("brain", "egress")
"""The roles that have owners by claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSeen:
    """A card, as far as it tells who has the call."""

    state: str
    leg: str = ""
    stream_sid: str = ""
    ingress: str = ""
    brain: str = ""
    egress: str = ""
    plan: str = ""
    has_deadline: bool = False

    @property
    def is_live(self) -> bool:
        """Whether the call is not over."""
        return self.state != ENDED

    def owner(self, role: str) -> str:
        """Who has `brain` or `egress`; empty: nobody."""
        return self.brain if role == "brain" else self.egress

    def names(self) -> set[str]:
        """The workers that have something to do with it."""
        ingress = self.ingress if self.state == ATTACHED else ""
        return {worker for worker in (self.brain, self.egress, ingress) if worker}


@dataclass(frozen=True, slots=True)
class Consumer:
    """One of a group. `pending`: entries that it was handed and has not settled."""

    stream: str
    group: str
    name: str
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSeen:
    """A lane at one moment."""

    cards: Mapping[str, CardSeen | None] = field(default_factory=dict)
    """Of each call that a list names; None: there is no card, or what stands there is none."""
    slots: frozenset[str] = frozenset()
    live: frozenset[str] = frozenset()
    deadlines: frozenset[str] = frozenset()
    offered: frozenset[tuple[str, str]] = frozenset()
    """Call and role that wait in `calls` or `orphans`."""
    owned: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The list of each worker that is known."""
    consumers: tuple[Consumer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatsSeen:
    """The beats of all workers at one moment."""

    beats: Mapping[str, int | None] = field(default_factory=dict)
    """By worker, as the list of workers has them: the number of its beat; None for one that shows none. Those
    whose server does not answer are left out."""
    unheard: frozenset[str] = frozenset()
    """Those whose beat stands on a server that does not answer, or that would take none."""
    is_whole: bool = True
    """False: the list of workers is that of an earlier look."""

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return self.unheard.union(self.beats)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewSeen:
    """All workers at one moment."""

    alive: frozenset[str]
    """Those whose beat moves, or did lately."""
    absent: frozenset[str] = frozenset()
    """Names in the list of workers that show no beat at all."""
    unheard: frozenset[str] = frozenset()
    """Those of whom nothing can be said: the server of their beat, one of a Cluster, is of no use."""
    is_known: bool = True
    """False: of nobody can be said that he does not live. What is of a lane alone is judged all the same."""

    def is_missing(self, worker: str) -> bool:
        """Whether it does not live, for certain."""
        return self.is_known and worker not in self.alive and worker not in self.unheard

    @property
    def instances(self) -> frozenset[str]:
        """Of those that live, or may: the names that a next boot has too."""
        return frozenset(worker.partition("#")[0] for worker in self.alive | self.unheard)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSeen:
    """The count of all calls, and who is on the line in any lane, at one moment."""

    places: Mapping[str, float] = field(default_factory=dict)
    """Call and the end of its lease, ms of the server's time."""
    live: frozenset[str] = frozenset()
    cards: Mapping[str, CardSeen | None] = field(default_factory=dict)
    """Of each call that is in one of the two only, as far as its lane answers; None: there is no card, or
    what stands there is none."""
