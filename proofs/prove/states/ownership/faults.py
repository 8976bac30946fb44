"""What befalls a call: crashes, stops, a Redis that loses something, a socket that breaks.

Why it exists: every promise is about these. Owns: what each fault leaves of what its victim knew, and how the
world is mended. Pure. Must not know: what anybody does about it.

A Redis that will lose its last writes loses all that it is told from some moment on: `forgets` sets that
moment, `lost` is the failover (or the start from an older snapshot: it is the same). Whatever lies between is
answered as if it stood for ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from proofs.prove.states.ownership.asking import Step, with_ingress, with_worker
from proofs.prove.states.ownership.redis import DETACHED, EMPTY, OK, Rules, execute
from proofs.prove.states.ownership.world import DEAD, STOPPED, UP, Ingress, Kind, Worker, World

CRASH, STOP, FORGETS, EMPTIED, ANSWER, LATE, SOCKET = (
    "crash", "stop", "forgets", "emptied", "answer", "late", "socket",
)  # fmt: skip
INGRESS_CRASH, INGRESS_STOP, HAND_OVER, SERVED = "ingress crash", "ingress stop", "hand-over", "served"
DETACHED_CRASH, REPLAY = "crash of an ingress that has detached", "replay"
FAULTS = frozenset({
    CRASH, STOP, FORGETS, EMPTIED, ANSWER, LATE, SOCKET, INGRESS_CRASH, INGRESS_STOP, HAND_OVER, SERVED,
    DETACHED_CRASH, REPLAY,
})  # fmt: skip
"""`answer`: lost on its way; `late`: a request that arrives after it was asked again. These two, `hand-over`
and `served` are told where they happen."""


def befall(w: World, kind: Kind) -> Iterator[Step]:
    """What may happen now. Each costs one of the history's faults; falling back is a part of `forgets`."""
    if w.lost_to is not None:
        yield Step("Redis falls back", w._replace(redis=w.lost_to, lost_to=None, has_forgotten=True))
    if not w.faults:
        return
    spent = w._replace(faults=w.faults - 1)
    if FORGETS in kind.faults and w.lost_to is None:
        yield Step("from now on Redis will lose what it is told", spent._replace(lost_to=w.redis))
    if EMPTIED in kind.faults and w.redis != EMPTY:
        yield Step("Redis is empty", spent._replace(redis=EMPTY, lost_to=None, has_forgotten=True))
    for index, worker in enumerate(w.workers):
        if CRASH in kind.faults and worker.up != DEAD:
            yield Step(f"{worker.name} crashes", with_worker(spent, index, crashed(worker)))
        if STOP in kind.faults and worker.up == UP:
            stopped = with_worker(spent, index, worker._replace(up=STOPPED))
            yield Step(f"{worker.name} is stopped", stopped)
    for index, ingress in enumerate(w.ingresses):
        is_on_line = w.line.at == ingress.letter
        may_crash = INGRESS_CRASH in kind.faults or (DETACHED_CRASH in kind.faults and _has_detached(w))
        if may_crash and ingress.up != DEAD:
            left = spent._replace(line=w.line._replace(at="")) if is_on_line else spent
            yield Step(f"{ingress.name} crashes", with_ingress(left, index, ingress_crashed(ingress)))
        if INGRESS_STOP in kind.faults and ingress.up == UP:
            stopped = with_ingress(spent, index, ingress._replace(up=STOPPED))
            yield Step(f"{ingress.name} is stopped", stopped)
        if SOCKET in kind.faults and is_on_line and not w.line.hung_up:
            yield Step("the socket breaks", spent._replace(line=w.line._replace(at="")))


def replayed(w: World, kind: Kind, rules: Rules) -> Iterator[Step]:
    """Somebody shows the caller's stream and token at another ingress."""
    if not w.faults or REPLAY not in kind.faults or not w.line.at:
        return
    holder = next(each for each in w.ingresses if each.letter == w.line.at)
    for ingress in w.ingresses:
        if ingress.letter == holder.letter or ingress.up != UP or not holder.leg:
            continue
        request = ("attach", holder.stream, ingress.name, holder.nonce, kind.roles)
        redis, answer = execute(w.redis, request, 0, rules)
        is_taken = answer.kind == OK and redis is w.redis
        broken = "a stranger's socket is given the call" if is_taken else ""
        yield Step(f"the stream is replayed at {ingress.name}", w._replace(faults=w.faults - 1), broken)


def mend(w: World) -> Iterator[Step]:
    """What ends a fault. It costs nothing, and may come at any time."""
    for index, worker in enumerate(w.workers):
        if worker.up != UP:
            yield Step(f"{worker.name} is back", with_worker(w, index, back(worker)))
    for index, ingress in enumerate(w.ingresses):
        if ingress.up != UP:
            yield Step(f"{ingress.name} is back", with_ingress(w, index, ingress_back(ingress)))


def _has_detached(w: World) -> bool:
    card = w.redis.card
    return card is not None and card.state == DETACHED


def crashed(worker: Worker) -> Worker:
    """It knows nothing any more."""
    return Worker(worker.role, worker.letter, worker.boot, DEAD)


def back(worker: Worker) -> Worker:
    """A new boot of a dead one; a stopped one goes on where it was."""
    if worker.up == DEAD:
        return Worker(worker.role, worker.letter, worker.boot + 1)
    return worker._replace(up=UP)


def ingress_crashed(ingress: Ingress) -> Ingress:
    """Its sockets are gone, and what it knew."""
    roles = len(ingress.high)
    return Ingress(ingress.letter, ingress.boot, DEAD, high=((0, ""),) * roles, facts=(("", 0),) * roles)


def ingress_back(ingress: Ingress) -> Ingress:
    """As `back`."""
    if ingress.up == DEAD:
        return ingress._replace(up=UP, boot=ingress.boot + 1)
    return ingress._replace(up=UP)
