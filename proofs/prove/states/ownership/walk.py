"""Walks every state of a call's ownership that a few steps reach, breadth first, to a depth.

Why it exists: who has a call is decided by processes that see only a part of it, over a network that loses
answers and a Redis that loses writes; the histories that break a rule are those that nobody thinks of. From
each state the call must get to its rest, if nothing more befalls it. Owns: the kinds of worlds, the walk.
Must not know: what anybody does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from proofs.prove.states.ownership import faults, ingresses, invariants, workers
from proofs.prove.states.ownership.asking import Step, arrivals
from proofs.prove.states.ownership.canonical import canonical
from proofs.prove.states.ownership.redis import OWN, Rules
from proofs.prove.states.ownership.world import Kind, World, begin

F = faults
_OWNERS = frozenset({F.CRASH, F.STOP, F.FORGETS, F.EMPTIED, F.ANSWER, F.LATE, F.HAND_OVER})
_LEGS = frozenset({
    F.INGRESS_CRASH, F.INGRESS_STOP, F.SOCKET, F.FORGETS, F.EMPTIED, F.ANSWER, F.LATE, F.REPLAY,
})  # fmt: skip
_ENDS = frozenset({F.DETACHED_CRASH, F.INGRESS_STOP, F.SOCKET, F.ANSWER})

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("owners", faults=_OWNERS, hangs_up=False),
        Kind("legs", workers="a", ingresses="ij", faults=_LEGS),
        Kind("ends", workers="a", ingresses="ij", faults=_ENDS, janitor=False),
        Kind("rings", faults=_OWNERS | {F.SOCKET}, rings=True),
        Kind("failures", faults=frozenset({F.CRASH, F.HAND_OVER, F.SERVED}), budget=5, hangs_up=False),
        Kind(
            "clocks", faults=frozenset({F.CRASH, F.FORGETS, F.STOP}), budget=3, clocks_differ=True,
            hangs_up=False,
        ),
        Kind("all", roles=2, ingresses="ij", faults=_OWNERS | _LEGS, rings=True),
    )
}  # fmt: skip
"""What is walked: one role's owners at a socket that stays; a call's streams at two ingresses; the ends of
calls where nobody keeps house; a call that brains expect before its stream is attached; owners that fail;
Redis hosts whose clocks differ; and everything at once."""


class Violation(Exception):
    """An invariant does not hold. `path`: a shortest history that leads there."""

    def __init__(self, what: str, path: list[str]) -> None:
        self.what = what
        self.path = path
        super().__init__(f"{what}\n  after: {' → '.join(path)}")


@dataclass(slots=True)
class Walked:
    """What was walked so far."""

    kind: str
    depth: int = 0
    states: int = 1
    steps: int = 0
    is_whole: bool = False
    """No state is left: however deep one went, there would be none that is new."""


Progress = Callable[[Walked], None]
Trail = tuple["Trail", str] | None
"""How a state was reached: the way to the one before it, and a step."""


def walk(
    kind: Kind,
    depth: int,
    rules: Rules | None = None,
    progress: Progress = lambda _: None,
    max_states: int = 20_000_000,
) -> Walked:
    """Walks to `depth` steps from a call's first stream. Raises Violation."""
    rules = rules or Rules()
    start = begin(kind, rules)
    own = OWN if rules.own_numbers else 1
    walked = Walked(kind.name)
    seen: set[World] = {start}
    resting: set[World] = set()
    frontier: list[tuple[World, Trail]] = [(start, None)]
    while frontier and walked.depth < depth and walked.states < max_states:
        following: list[tuple[World, Trail]] = []
        for world, trail in frontier:
            for step in steps(world, kind, rules):
                walked.steps += 1
                if step.world == world and not step.broken:
                    continue
                then = canonical(step.world, own)
                if then in seen and not step.broken:
                    continue
                seen.add(then)
                here = (trail, step.name)
                _check(world, step, rules, here)
                _rests(then, kind, rules, resting, here)
                following.append((then, here))
        walked.depth += 1
        walked.states += len(following)
        frontier = following
        walked.is_whole = not following
        progress(walked)
    return walked


def rules_of(kind: Kind) -> Rules:
    """All guards; where clocks differ, epochs have to have own numbers."""
    return Rules(own_numbers=kind.clocks_differ)


def steps(w: World, kind: Kind, rules: Rules) -> Iterator[Step]:
    """All that can happen next."""
    for does in (
        ingresses.at_once, workers.at_once, ingresses.line_steps, ingresses.in_time, workers.in_time,
        workers.by_order, arrivals,
    ):  # fmt: skip
        yield from does(w, kind, rules)
    yield from ingresses.caller_steps(w, kind)
    yield from faults.befall(w, kind)
    yield from faults.replayed(w, kind, rules)
    yield from faults.mend(w)


# Private.


def _check(before: World, step: Step, rules: Rules, trail: Trail) -> None:
    has_lost = step.world.has_forgotten and step.name.startswith("Redis ")
    wrong = (
        step.broken
        or invariants.of_state(step.world)
        or invariants.of_ends(before, step.world)
        or ("" if has_lost else invariants.of_step(before.redis, step.world.redis))
    )
    if wrong:
        raise Violation(wrong, _path(trail))


def _rests(w: World, kind: Kind, rules: Rules, resting: set[World], trail: Trail) -> None:
    """Whatever is known to come to rest is not tried again."""
    is_good, way = invariants.comes_to_rest(w, kind, rules, resting)
    if not is_good:
        raise Violation("the call never comes to rest: neither owned nor over", _path(trail))
    resting.update(way)


def _path(trail: Trail) -> list[str]:
    path: list[str] = []
    while trail is not None:
        trail, name = trail
        path.append(name)
    return path[::-1]
