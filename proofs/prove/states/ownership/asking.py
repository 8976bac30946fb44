"""One request: sent, carried out, answered; or its answer is lost; or it arrives late.

Why it exists: every process asks in the same way. Owns: what may become of a request, at which times of the
server. Pure. Must not know: who asks, why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from proofs.prove.states.ownership.redis import OWN, Answer, Request, Rules, execute
from proofs.prove.states.ownership.world import Ingress, Kind, Worker, World, epochs, name_of

Taken = tuple[World, str]
"""What the world is then, and what should not have happened; empty: nothing."""


class Step(NamedTuple):
    """One step. `broken`: what it shows to be wrong by itself; empty: nothing."""

    name: str
    world: World
    broken: str = ""


def asked(
    w: World,
    kind: Kind,
    rules: Rules,
    name: str,
    request: Request,
    *,
    answered: Callable[[World, Answer], Taken],
    waiting: Callable[[World], World],
) -> Iterator[Step]:
    """All that may become of a request: the undisturbed way comes first."""
    for time in _times(w, kind, rules, request):
        redis, answer = execute(w.redis, request, time, rules)
        done = w if redis is w.redis else w._replace(redis=redis)
        yield Step(name, *answered(done, answer))
        if w.faults and "answer" in kind.faults and redis is not w.redis:
            yield Step(f"{name}, answer lost", waiting(done._replace(faults=w.faults - 1)))
    if w.faults and "late" in kind.faults and name_of(request) not in ("append", "figures", "served"):
        late = tuple(sorted((*w.late, request), key=str))
        yield Step(f"{name}, late", waiting(w._replace(late=late, faults=w.faults - 1)))


def with_worker(w: World, index: int, worker: Worker) -> World:
    """The world with this worker at that place."""
    return w._replace(workers=(*w.workers[:index], worker, *w.workers[index + 1 :]))


def with_ingress(w: World, index: int, ingress: Ingress) -> World:
    """The world with this ingress at that place."""
    return w._replace(ingresses=(*w.ingresses[:index], ingress, *w.ingresses[index + 1 :]))


def arrivals(w: World, kind: Kind, rules: Rules) -> Iterator[Step]:
    """Requests that were late arrive; nobody waits for their answers any more."""
    for at, request in enumerate(w.late):
        if at and w.late[at - 1] == request:
            continue
        for time in _times(w, kind, rules, request):
            redis, _ = execute(w.redis, request, time, rules)
            rest = w.late[:at] + w.late[at + 1 :]
            yield Step(f"late {name_of(request)} arrives", w._replace(redis=redis, late=rest))


# Private.


def _times(w: World, kind: Kind, rules: Rules, request: Request) -> tuple[int, ...]:
    """Moments in the server's time, told in epochs: later than all that were ever given; where clocks differ,
    also earlier than all, and the very one of the newest."""
    if name_of(request) != "claim":
        return (0,)
    newest = max(epochs(w))
    later = newest + (OWN if rules.own_numbers else 1)
    return (later, newest, 0) if kind.clocks_differ else (later,)
