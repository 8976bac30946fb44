"""What a brain or an egress does by itself about one call.

Why it exists: the same few steps, in any order, are all that owners do. Owns: what a worker concludes from an
answer. Pure. Must not know: what befalls it.
"""

from __future__ import annotations

from collections.abc import Iterator

from proofs.prove.states.ownership.asking import Step, Taken, asked, with_worker
from proofs.prove.states.ownership.ingresses import heard_at
from proofs.prove.states.ownership.redis import (
    ATTEMPTS_MOST,
    ENDED,
    FENCED,
    OK,
    Answer,
    Redis,
    Request,
    Rules,
)
from proofs.prove.states.ownership.world import DEAD, STOPPED, UP, Kind, Worker, World, name_of

HAND_OVER = "hand-over"
SERVED = "served"


def at_once(w: World, kind: Kind, rules: Rules) -> Iterator[Step]:
    """What workers do without waiting for anything."""
    for index, worker in enumerate(w.workers):
        if worker.up != UP:
            continue
        if worker.asks:
            yield from _ask(w, kind, rules, index, worker.asks, "asks again to ")
            continue
        if worker.holds:
            yield from _write(w, kind, rules, index)
            yield from _speak(w, rules, index)
        yield from _take(w, kind, rules, index)


def in_time(w: World, kind: Kind, rules: Rules) -> Iterator[Step]:
    """What they do when they have looked for a while: at the dead, for calls that name them, and at a new
    call whose heir has not come."""
    for index, worker in enumerate(w.workers):
        if worker.up == UP:
            if not worker.asks and _is_left_to(w.redis, worker) and rules.heir_time_ends:
                request = ("claim", worker.role, worker.name, 0, "calls")
                yield from _ask(w, kind, rules, index, request, "the heir has not come: ")
            yield from _disown(w, kind, rules, index)
            yield from _look_after(w, kind, rules, index)


def by_order(w: World, kind: Kind, rules: Rules) -> Iterator[Step]:
    """What they may do, and need not: give a call back, have served for a while."""
    for index, worker in enumerate(w.workers):
        if worker.up != UP or not worker.holds or worker.asks:
            continue
        if HAND_OVER in kind.faults and w.faults:
            others = [each.name for each in w.workers if each.role == worker.role and each is not worker]
            for heir in ("", *others):
                request = ("release", worker.role, worker.name, worker.holds, heir)
                spent = w._replace(faults=w.faults - 1)
                given = with_worker(spent, index, worker._replace(holds=0))
                yield from _ask(given, kind, rules, index, request, "")
        if SERVED in kind.faults and w.failures:
            done: Request = ("served", worker.role, worker.name, worker.holds)
            yield from _ask(w, kind, rules, index, done, "")


# Private.


def _ask(w: World, kind: Kind, rules: Rules, index: int, request: Request, how: str) -> Iterator[Step]:
    def waiting(then: World) -> World:
        return with_worker(then, index, then.workers[index]._replace(asks=request))

    def answered(then: World, answer: Answer) -> Taken:
        return _conclude(w, then, kind, rules, index, request, answer)

    what = " ".join(map(str, (request[0], *request[2:])))
    if request[0] in ("end", "disown"):
        what = f"{' '.join(map(str, request))} by {w.workers[index].name}"
    return asked(w, kind, rules, f"{how}{what}".strip(), request, answered=answered, waiting=waiting)


def _conclude(
    before: World, w: World, kind: Kind, rules: Rules, index: int, request: Request, answer: Answer
) -> Taken:
    worker = w.workers[index]._replace(asks=())
    broken = ""
    match name_of(request):
        case "claim" if answer.kind == OK:
            worker = worker._replace(holds=answer.epoch)
            if answer.attempts > ATTEMPTS_MOST:
                worker = worker._replace(holds=0, asks=("end", "quarantined"))
            if kind.roles == 1 and not w.has_forgotten:
                broken = _misjudged(w, answer)
        case "claim" | "end":
            worker = worker._replace(holds=0)
        case "append":
            return _fenced(before, w, rules, index, worker, answer)
        case "served" if answer.kind == OK:
            w = w._replace(failures=0)
        case "disown":
            w = _mourned(before, w, rules, request)
    return with_worker(w, index, worker), broken


def _misjudged(w: World, answer: Answer) -> str:
    is_turned_away = answer.attempts > ATTEMPTS_MOST
    if is_turned_away and w.failures < ATTEMPTS_MOST:
        return "a call is turned away at which nobody has failed"
    if not is_turned_away and w.failures >= ATTEMPTS_MOST:
        return "a call that has cost its owners their lives is tried once more"
    return ""


def _fenced(before: World, w: World, rules: Rules, index: int, worker: Worker, answer: Answer) -> Taken:
    """A write: taken, or refused by a lower epoch (claim again), or by a higher one (let go)."""
    if answer.kind == OK:
        assert before.redis.card is not None
        is_named = before.redis.card.roles[worker.role].owner == worker.name
        w, broken = heard_at(w, worker.role, worker.holds, worker.name)
        return w, broken or ("" if is_named else "a write is taken from a worker that the card does not name")
    is_lower = answer.kind == FENCED and answer.owner != ENDED and answer.epoch < worker.holds
    if is_lower:
        asks = ("claim", worker.role, worker.name, worker.holds, "")
        return with_worker(w, index, worker._replace(asks=asks)), ""
    return with_worker(w, index, worker._replace(holds=0)), ""


def _write(w: World, kind: Kind, rules: Rules, index: int) -> Iterator[Step]:
    worker = w.workers[index]
    request = ("append", worker.role, worker.name, worker.holds)
    yield from _ask(w, kind, rules, index, request, "")


def _speak(w: World, rules: Rules, index: int) -> Iterator[Step]:
    """A pair in `out`, for the ingress that holds the socket."""
    worker = w.workers[index]
    for at, ingress in enumerate(w.ingresses):
        if ingress.up != UP or not ingress.leg or w.line.at != ingress.letter:
            continue
        highest, _ = ingress.high[worker.role]
        is_own = worker.holds == highest
        name = f"{worker.name} speaks under {worker.holds}"
        if worker.holds > highest or is_own:
            high = list(ingress.high)
            high[worker.role] = (worker.holds, worker.name)
            ingresses = (*w.ingresses[:at], ingress._replace(high=tuple(high)), *w.ingresses[at + 1 :])
            heard, broken = heard_at(w, worker.role, worker.holds, worker.name)
            yield Step(name, heard._replace(ingresses=ingresses), broken)
        elif rules.outranked:
            asks = ("claim", worker.role, worker.name, highest, "")
            yield Step(f"{name}, outranked", with_worker(w, index, worker._replace(asks=asks)))


def _take(w: World, kind: Kind, rules: Rules, index: int) -> Iterator[Step]:
    """An entry of `orphans` or `calls` that it is handed: its own first, but any in the end; of a new call
    that has another heir not yet. The heir is rung, whoever is handed the entry. Also one of `ringing`."""
    worker, redis = w.workers[index], w.redis
    if redis.rings and worker.role == 0:
        yield from _ask(w, kind, rules, index, ("expect", worker.role, worker.name), "")
    entries = [f"orphans{heir}" for role, heir in redis.orphans if role == worker.role]
    entries.sort(key=lambda entry: entry != f"orphans{worker.name}")
    if worker.role in redis.calls and not _is_left_to(redis, worker):
        entries.append("calls")
    for entry in dict.fromkeys(entries):
        yield from _ask(w, kind, rules, index, ("claim", worker.role, worker.name, 0, entry), "")


def _is_left_to(redis: Redis, worker: Worker) -> bool:
    """Whether there is a new call that another worker of the role, a brain, is to have first."""
    is_offered = worker.role == 0 and worker.role in redis.calls
    return is_offered and redis.heir not in ("", worker.name)


def _disown(w: World, kind: Kind, rules: Rules, index: int) -> Iterator[Step]:
    worker = w.workers[index]
    for dead in _dead(w, worker):
        if not rules.disowned_again and dead in w.mourned:
            continue
        if rules.disowned_again and (worker.role, dead) not in w.redis.owned:
            continue
        yield from _ask(w, kind, rules, index, ("disown", worker.role, dead), "")


def _dead(w: World, worker: Worker) -> Iterator[str]:
    """Whom this worker takes for dead: also one that is only stopped."""
    for each in w.workers:
        if each.role == worker.role:
            for boot in range(1, each.boot):
                yield f"{each.letter}{boot}"
            if each.up in (STOPPED, DEAD):
                yield each.name


def _mourned(before: World, w: World, rules: Rules, request: Request) -> World:
    role, dead = int(request[1]), str(request[2])
    if not rules.disowned_again:
        w = w._replace(mourned=w.mourned | {dead})
    was_owner = _owner(before.redis, role) == dead and not _owner(w.redis, role)
    return w._replace(failures=w.failures + 1) if was_owner and role == 0 else w


def _owner(redis: Redis, role: int) -> str:
    return "" if redis.card is None else redis.card.roles[role].owner


def _look_after(w: World, kind: Kind, rules: Rules, index: int) -> Iterator[Step]:
    """A call that names it, and that it does not know: RESTORE has rung for it, or nobody else will."""
    worker, card = w.workers[index], w.redis.card
    if worker.holds or worker.asks or not rules.looked_after or card is None or card.state == ENDED:
        return
    has = card.roles[worker.role]
    if has.owner == worker.name:
        yield from _ask(w, kind, rules, index, ("claim", worker.role, worker.name, has.epoch, ""), "")
