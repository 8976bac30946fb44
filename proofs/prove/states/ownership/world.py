"""One call and all who have to do with it: Redis, workers, ingresses, the carrier's line, requests under way.

Why it exists: what goes wrong between processes goes wrong because each knows only its own part. Owns: who
knows what. Pure. Must not know: what anybody does next, what must hold.

Sending a request, its execution and the arrival of its answer are one step, for what others do meanwhile
could as well be done before or after. What is not like that has a step of its own: an answer that is lost
(done, and asked again), and a request that arrives late (asked again meanwhile, and done once more at any
later time).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from proofs.prove.states.ownership.redis import Redis, Request, Rules, reserve

UP, STOPPED, DEAD = "up", "stopped", "dead"


class Worker(NamedTuple):
    """A brain or an egress. A new boot has the same letter and a higher number."""

    role: int
    letter: str
    boot: int = 1
    up: str = UP
    holds: int = 0
    """The epoch under which it believes to have the call; 0: it knows nothing of it."""
    asks: Request = ()
    """What it asks again until it is answered."""

    @property
    def name(self) -> str:
        """As it stands on the card."""
        return f"{self.letter}{self.boot}"


class Ingress(NamedTuple):
    """An ingress process, and what it knows of the call."""

    letter: str
    boot: int = 1
    up: str = UP
    stream: int = 0
    """The stream whose socket it holds; 0: none."""
    nonce: int = 0
    leg: int = 0
    """0: ATTACH has not answered."""
    high: tuple[tuple[int, str], ...] = ()
    """The highest epoch of each role that it has admitted, and whose it is."""
    facts: tuple[tuple[str, int], ...] = ()
    """Owner and epoch of each role, as Redis told it last."""
    asks: Request = ()
    """What it asks again until it is answered."""
    then: tuple[str, str] = ("", "")
    """What follows once DETACH has answered: a script, or `later` for a time of its own, and an outcome."""
    waits: Request = ()
    """What it will ask after that time."""

    @property
    def name(self) -> str:
        """As it stands on the card."""
        return f"{self.letter}{self.boot}"


class Line(NamedTuple):
    """The carrier's side of the call."""

    stream: int
    """The number of the newest media stream."""
    at: str
    """The letter of the ingress that it is connected to; empty: the carrier is about to ask what comes
    next."""
    hung_up: bool = False


class World(NamedTuple):
    """Everything. `lost_to`: what Redis falls back to if it loses what it was told since; None: it will lose
    nothing. `late`: requests that are still to arrive. `faults`: how many more may happen."""

    redis: Redis
    workers: tuple[Worker, ...]
    ingresses: tuple[Ingress, ...]
    line: Line
    faults: int
    lost_to: Redis | None = None
    late: tuple[Request, ...] = ()
    heard: frozenset[tuple[int, int, str]] = frozenset()
    """Role, epoch and worker of every write that was ever admitted, by Redis or by ingress: for the
    invariants only."""
    failures: int = 0
    """Owners that died since one has served for a while: for the invariants only."""
    mourned: frozenset[str] = frozenset()
    """The dead whose calls were asked for: what the rule `disowned_again` makes needless."""
    has_forgotten: bool = False
    """Redis has lost something: for the invariants only."""


class Kind(NamedTuple):
    """What is walked: how many of each, and what may happen to them."""

    name: str
    roles: int = 1
    workers: str = "ab"
    """Letters of the workers of each role."""
    ingresses: str = "i"
    faults: frozenset[str] = frozenset()
    """Words of `faults.FAULTS`."""
    budget: int = 2
    """How many of them in one history."""
    clocks_differ: bool = False
    """The clocks of Redis's hosts differ by minutes."""
    hangs_up: bool = True
    """The caller may hang up."""
    janitor: bool = True
    """Somebody ends calls that nobody has looked after for a minute."""
    rings: bool = False
    """Brains hear of the call before its stream is attached."""


def begin(kind: Kind, rules: Rules) -> World:
    """A stream of a new call has opened, and has not been attached yet."""
    redis, _ = reserve(Redis(), rules, 0, kind.rings)
    workers = tuple(Worker(role, letter) for role in range(kind.roles) for letter in kind.workers)
    nothing = ((0, ""),) * kind.roles
    unknown = (("", 0),) * kind.roles
    ingresses = tuple(Ingress(letter, high=nothing, facts=unknown) for letter in kind.ingresses)
    first = ingresses[0]._replace(stream=1, nonce=redis.issued)
    return World(redis, workers, (first, *ingresses[1:]), Line(1, first.letter), kind.budget)


def epochs(w: World) -> Iterator[int]:
    """Every epoch that anybody knows of."""
    for redis in (w.redis, w.lost_to):
        if redis is not None and redis.card is not None:
            for has in redis.card.roles:
                yield has.epoch
    for worker in w.workers:
        yield worker.holds
        yield epoch_of(worker.asks)
    for request in w.late:
        yield from _told(request)
    for ingress in w.ingresses:
        for epoch, _ in ingress.high:
            yield epoch
        for _, epoch in ingress.facts:
            yield epoch
        yield from _told(ingress.asks)
    for _, epoch, _ in w.heard:
        yield epoch


def epoch_of(request: Request) -> int:
    """The epoch in a worker's request; 0: there is none."""
    if request and request[0] in ("claim", "release", "append", "served"):
        return int(request[3])
    return 0


def name_of(request: Request) -> str:
    """The script."""
    return str(request[0]) if request else ""


def _told(request: Request) -> Iterator[int]:
    if name_of(request) == "restore":
        yield from (int(epoch) for epoch in request[6::2])
    else:
        yield epoch_of(request)
