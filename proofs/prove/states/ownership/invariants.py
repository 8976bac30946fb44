"""What must hold: of each state, of each step, and of where a call gets to once everything works again.

Why it exists: the walk leaves nothing out, so what it is asked decides what it proves. Owns: the sentences.
Pure. Must not know: how states are found.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from proofs.prove.states.ownership import ingresses, workers
from proofs.prove.states.ownership.asking import Step, arrivals
from proofs.prove.states.ownership.faults import mend
from proofs.prove.states.ownership.redis import ATTACHED, ENDED, Card, Redis, Rules
from proofs.prove.states.ownership.world import UP, Kind, World

Steps = Callable[[World, Kind, Rules], Iterator[Step]]

STEPS_A_ROUND = 24
ROUNDS = 12
"""In which a call gets to its rest: in each one everybody does the first thing that they would do."""


def of_state(w: World) -> str:
    """What is wrong with what Redis holds; empty: nothing."""
    redis, card = w.redis, w.redis.card
    if card is None:
        return "a deadline stands without a card" if redis.deadline else ""
    if card.state == ENDED:
        if redis.slot:
            return "an ended call holds its slot"
        if redis.deadline or redis.owned:
            return "an ended call stands in a list of live ones"
        return ""
    if not redis.slot:
        return "a live call has no slot"
    if redis.deadline and card.state == ATTACHED:
        return "a call that streams has a deadline"
    return _of_owners(redis, card)


def of_step(before: Redis, after: Redis) -> str:
    """What a step of scripts may not have done; empty: nothing. Not for a Redis that has lost something."""
    was, now = before.card, after.card
    if was is None or now is None:
        return "" if was is None else "a card went away"
    if was.state == ENDED and (now.state != ENDED or now.outcome != was.outcome or now.roles != was.roles):
        return "something happened to a call that was over"
    if was.state != ENDED and now.state == ENDED and before.slot == after.slot:
        return "a slot was not freed with its call"
    for had, has in zip(was.roles, now.roles, strict=True):
        if has.epoch < had.epoch:
            return "an epoch fell"
        if has.owner not in ("", had.owner) and has.epoch == had.epoch:
            return "an owner changed without an epoch of its own"
    return ""


def of_ends(before: World, after: World) -> str:
    """Whether a call was ended for want of a stream that it had; empty: no."""
    was, now, line = before.redis.card, after.redis.card, before.line
    if was is None or now is None or was.state == ENDED or now.state != ENDED:
        return ""
    is_there = any(each.leg and each.up == UP and each.letter == line.at for each in before.ingresses)
    is_wrong = is_there and not line.hung_up and now.outcome in ("no_new_stream", "abandoned", "completed")
    return "a call is ended for want of a stream that it has" if is_wrong else ""


def comes_to_rest(
    w: World, kind: Kind, rules: Rules, known: Container[World] = ()
) -> tuple[bool, list[World]]:
    """Whether the call is owned or over, in a bounded time, if nothing more befalls it; and the states on the
    way there. `known`: states that come to rest."""
    way: list[World] = []
    w = w._replace(faults=0, lost_to=None)
    for _ in range(ROUNDS):
        w = _mended(w)
        while w.late:
            w = next(arrivals(w, kind, rules)).world
        if w in known or is_at_rest(w):
            return True, way
        way.append(w)
        moved = _round(w, kind, rules)
        if moved == w:
            return False, way
        w = moved
    return False, way


def is_at_rest(w: World) -> bool:
    """Over for everybody, or served: one owner of each role, whom Redis names, and whom ingress admits."""
    redis, card = w.redis, w.redis.card
    is_asked = any(worker.asks for worker in w.workers) or any(each.asks for each in w.ingresses)
    if is_asked:
        return False
    held = [(worker.role, worker.name, worker.holds) for worker in w.workers if worker.holds]
    if w.line.hung_up:
        is_free = not redis.deadline and not any(each.stream for each in w.ingresses)
        return is_free and not held and (card is None or (card.state == ENDED and not redis.slot))
    if card is None or card.state != ATTACHED:
        return False
    holders = [each for each in w.ingresses if each.stream]
    if len(holders) != 1 or holders[0].leg != card.leg or holders[0].letter != w.line.at:
        return False
    owners = [(role, has.owner, has.epoch) for role, has in enumerate(card.roles)]
    is_admitted = all(
        (has.epoch, has.owner) == high for has, high in zip(card.roles, holders[0].high, strict=True)
    )
    return sorted(held) == owners and is_admitted


# Private.


def _of_owners(redis: Redis, card: Card) -> str:
    for role, has in enumerate(card.roles):
        listed = {name for of, name in redis.owned if of == role}
        if listed != ({has.owner} if has.owner else set()):
            return "the lists of who has the call do not say what its card says"
        is_offered = role in redis.calls or any(of == role for of, _ in redis.orphans)
        if not has.owner and not is_offered:
            return "nobody has the call, and it is offered to nobody"
    return ""


def _mended(w: World) -> World:
    while (step := next(mend(w), None)) is not None:
        w = step.world
    return w


def _round(w: World, kind: Kind, rules: Rules) -> World:
    """Everybody does what they would do at once; if that changes nothing, time passes."""
    before = w
    for steps in (ingresses.line_steps, ingresses.at_once, workers.at_once):
        w = _done(steps, w, kind, rules)
    if w == before:
        for steps in (ingresses.in_time, workers.in_time):
            w = _done(steps, w, kind, rules)
    return w


def _done(steps: Steps, w: World, kind: Kind, rules: Rules) -> World:
    """One thing after the other, each once, as long as each changes something."""
    done: set[str] = set()
    for _ in range(STEPS_A_ROUND):
        new = (step for step in steps(w, kind, rules) if step.name not in done and step.world != w)
        step = next(new, None)
        if step is None:
            break
        done.add(step.name)
        w = step.world
    return w
