"""What owners conclude from an answer."""

from __future__ import annotations

import pytest

from proofs.prove.states.ownership import workers
from proofs.prove.states.ownership.redis import Request, Rules, execute
from proofs.prove.states.ownership.walk import KINDS
from proofs.prove.states.ownership.world import STOPPED, UP, World, begin

RULES = Rules()
KIND = KINDS["owners"]


def world(*requests: Request, holds: int = 0, faults: int = 0, time: int = 1) -> World:
    """A call of which this was asked already; a1 believes to hold that epoch."""
    w = begin(KIND, RULES)._replace(faults=faults)
    redis = execute(w.redis, ("attach", 1, "i1", 1, 1), 0, RULES)[0]
    for request in requests:
        redis = execute(redis, request, time, RULES)[0]
    holder = w.ingresses[0]._replace(leg=1)
    first = w.workers[0]._replace(holds=holds)
    return w._replace(redis=redis, workers=(first, w.workers[1]), ingresses=(holder,))


CLAIM: Request = ("claim", 0, "a1", 0, "calls")


def test_who_takes_a_call_has_it() -> None:
    """One step a worker and entry."""
    first, second = workers.at_once(world(), KIND, RULES)
    assert (first.world.workers[0].holds, second.world.workers[1].holds) == (1, 1)


@pytest.mark.parametrize(("holds", "asks"), [(1, ()), (3, ("claim", 0, "a1", 3, ""))])
def test_a_fenced_owner_lets_go_or_claims_again(holds: int, asks: Request) -> None:
    """By a higher epoch it was replaced; by a lower one its claim was lost."""
    w = world(("claim", 0, "b1", 0, "calls"), holds=holds, time=2)
    first = next(step for step in workers.at_once(w, KIND, RULES) if step.name.startswith("append a1"))
    assert first.world.workers[0].asks == asks
    assert first.world.workers[0].holds == (holds if asks else 0)


def test_an_outranked_owner_claims_again() -> None:
    """Ingress tells it what it has seen."""
    w = world(CLAIM, holds=1)
    w = w._replace(ingresses=(w.ingresses[0]._replace(high=((5, "b1"),)),))
    told = next(step for step in workers.at_once(w, KIND, RULES) if "outranked" in step.name)
    assert told.world.workers[0].asks == ("claim", 0, "a1", 5, "")


def test_two_who_are_heard_under_one_epoch_are_found() -> None:
    """The step itself says so."""
    w = world(CLAIM, holds=1)._replace(heard=frozenset({(0, 1, "b1")}))
    assert any("under one epoch" in step.broken for step in workers.at_once(w, KIND, RULES))


def test_the_dead_and_the_stopped_are_disowned() -> None:
    """Not those that are up."""
    w = world(CLAIM)
    assert not [step for step in workers.in_time(w, KIND, RULES) if "disown" in step.name]
    stopped = w.workers[0]._replace(up=STOPPED)
    (step,) = workers.in_time(w._replace(workers=(stopped, w.workers[1])), KIND, RULES)
    assert step.name == "disown 0 a1 by b1"
    assert step.world.failures == 1


def test_a_worker_looks_for_calls_that_name_it() -> None:
    """It claims them above the epoch that they have."""
    (step,) = workers.in_time(world(CLAIM), KIND, RULES)
    assert step.world.workers[0].holds == 2


def test_a_call_is_handed_over_to_somebody_or_to_anybody() -> None:
    """That is an order, and costs one of the faults."""
    w = world(CLAIM, holds=1, faults=1)
    found = [step for step in workers.by_order(w, KIND, RULES) if step.name.startswith("release")]
    assert [step.world.redis.orphans for step in found] == [((0, ""),), ((0, "b1"),)]
    assert {step.world.workers[0].holds for step in found} == {0}
    assert w.workers[0].up == UP


def test_who_claims_a_call_that_cost_three_turns_it_away() -> None:
    """In words: the outcome says so."""
    w = world(CLAIM, ("disown", 0, "a1"))
    assert w.redis.card is not None
    card = w.redis.card._replace(roles=(w.redis.card.roles[0]._replace(attempts=3),))
    w = w._replace(redis=w.redis._replace(card=card), failures=3)
    first = next(workers.at_once(w, KIND, RULES))
    assert first.broken == ""
    assert first.world.workers[0].asks == ("end", "quarantined")
