"""When two worlds are one: whatever only the size of an epoch tells apart."""

from __future__ import annotations

from proofs.prove.states.ownership.canonical import canonical
from proofs.prove.states.ownership.redis import Redis, Rules, execute
from proofs.prove.states.ownership.walk import KINDS
from proofs.prove.states.ownership.world import World, begin


def owned(first: int, second: int) -> World:
    """a1 holds the first epoch, ingress has seen the second."""
    redis = execute(Redis(), ("attach", 1, "i1", 1, 1), 0, Rules())[0]
    redis = execute(redis, ("claim", 0, "a1", 0, "calls"), first, Rules())[0]
    w = begin(KINDS["owners"], Rules())
    ingress = w.ingresses[0]._replace(
        high=((second, "b1"),), facts=(("a1", first),), asks=("restore", 1, 1, "i1", 1, "a1", first)
    )
    worker = w.workers[0]._replace(holds=first, asks=("claim", 0, "a1", second, ""))
    return w._replace(
        redis=redis,
        lost_to=redis,
        ingresses=(ingress,),
        workers=(worker, w.workers[1]),
        late=(("release", 0, "a1", first, ""),),
        heard=frozenset({(0, first, "a1")}),
    )


def test_only_the_order_of_epochs_counts() -> None:
    """And whether one follows the other at once."""
    assert canonical(owned(10, 20)) == canonical(owned(70, 100))
    assert canonical(owned(10, 20)) != canonical(owned(20, 10))
    assert canonical(owned(10, 11)) != canonical(owned(10, 20))


def test_a_world_with_the_smallest_epochs_stays_as_it_is() -> None:
    """So that a second time changes nothing."""
    once = canonical(owned(10, 20))
    assert canonical(once) == once
