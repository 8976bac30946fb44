"""What may become of a request."""

from __future__ import annotations

from proofs.prove.states.ownership import workers
from proofs.prove.states.ownership.asking import arrivals
from proofs.prove.states.ownership.redis import Rules, execute
from proofs.prove.states.ownership.walk import KINDS
from proofs.prove.states.ownership.world import World, begin


def attached(name: str = "owners") -> World:
    """A call that nobody has yet."""
    w = begin(KINDS[name], Rules())
    return w._replace(redis=execute(w.redis, ("attach", 1, "i1", 1, 1), 0, Rules())[0])


def test_a_request_is_done_or_its_answer_is_lost_or_it_is_late() -> None:
    """Whoever has no answer asks again."""
    done, lost, late = list(workers.at_once(attached(), KINDS["owners"], Rules()))[:3]
    assert done.world.workers[0].holds == 1
    assert lost.world.redis == done.world.redis
    assert lost.world.workers[0].asks == late.world.workers[0].asks
    assert late.world.redis == attached().redis


def test_what_is_late_arrives_and_nobody_hears_the_answer() -> None:
    """Redis has an owner who does not know it."""
    late = list(workers.at_once(attached(), KINDS["owners"], Rules()))[2].world
    (arrived,) = arrivals(late, KINDS["owners"], Rules())
    assert arrived.world.redis.card is not None
    assert arrived.world.redis.card.roles[0].owner == "a1"
    assert arrived.world.workers[0].holds == 0
    assert arrived.world.late == ()


def test_nothing_gets_lost_when_no_fault_is_left() -> None:
    """Each costs one."""
    steps = workers.at_once(attached()._replace(faults=0), KINDS["owners"], Rules())
    assert [step.name for step in steps] == ["claim a1 0 calls", "claim b1 0 calls"]


def test_clocks_that_differ_are_behind_too() -> None:
    """The server's time may be older than what is on the card."""
    w = attached("clocks")
    w = w._replace(heard=frozenset({(0, 6, "b1")}))
    found = [step.world.workers[0].holds for step in workers.at_once(w, KINDS["clocks"], Rules())]
    assert found[:3] == [7, 6, 1]
