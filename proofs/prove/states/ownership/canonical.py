"""When two worlds are one: their canonical form.

Why it exists: epochs rise for ever, and the walk would never see a state again. Owns: what is left out. Two
worlds are one when their epochs differ only in size, not in order. Pure. Must not know: the steps.

Next to each other stay next to each other: an epoch that is raised by one meets the next one then as before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proofs.prove.states.ownership.redis import Redis, Request
from proofs.prove.states.ownership.world import World, epochs, name_of


def canonical(w: World, own: int = 1) -> World:
    """The same world with the smallest epochs. `own`: the rest of an epoch divided by this stays as it is."""
    numbers = _numbers(sorted(set(epochs(w))), own)
    if all(old == new for old, new in numbers.items()):
        return w
    new = numbers.__getitem__
    return w._replace(
        redis=_redis(w.redis, new),
        lost_to=None if w.lost_to is None else _redis(w.lost_to, new),
        workers=tuple(
            each._replace(holds=new(each.holds), asks=_request(each.asks, new)) for each in w.workers
        ),
        ingresses=tuple(
            each._replace(
                high=tuple((new(epoch), name) for epoch, name in each.high),
                facts=tuple((name, new(epoch)) for name, epoch in each.facts),
                asks=_request(each.asks, new),
            )
            for each in w.ingresses
        ),
        late=tuple(sorted((_request(each, new) for each in w.late), key=str)),
        heard=frozenset((role, new(epoch), name) for role, epoch, name in w.heard),
    )


# Private.


def _numbers(found: list[int], own: int) -> Mapping[int, int]:
    """New numbers: the gaps are closed to two."""
    numbers, last, number = {0: 0}, 0, 0
    for epoch in found:
        times, rest = divmod(epoch, own)
        number += min(times - last, 2)
        last = times
        numbers[epoch] = number * own + rest
    return numbers


def _redis(redis: Redis, new: Callable[[int], int]) -> Redis:
    card = redis.card
    if card is None:
        return redis
    roles = tuple(has._replace(epoch=new(has.epoch)) for has in card.roles)
    return redis._replace(card=card._replace(roles=roles))


def _request(request: Request, new: Callable[[int], int]) -> Request:
    match name_of(request):
        case "claim" | "release" | "append" | "served":
            return (*request[:3], new(int(request[3])), *request[4:])
        case "restore":
            held = [new(int(each)) if at % 2 else each for at, each in enumerate(request[5:])]
            return (*request[:5], *held)
    return request
