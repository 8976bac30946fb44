"""What a fault leaves."""

from __future__ import annotations

from proofs.prove.states.ownership import faults
from proofs.prove.states.ownership.redis import Redis, Rules
from proofs.prove.states.ownership.walk import KINDS
from proofs.prove.states.ownership.world import DEAD, STOPPED, Ingress, Worker, begin


def test_a_crash_forgets_and_a_stop_does_not() -> None:
    """A new boot has another name; who was stopped goes on with what it held."""
    worker = Worker(0, "a", holds=3, asks=("claim", 0, "a1", 3, ""))
    dead = faults.crashed(worker)
    assert (dead.holds, dead.asks, dead.up) == (0, (), DEAD)
    assert faults.back(dead).name == "a2"
    assert faults.back(worker._replace(up=STOPPED)) == worker


def test_the_sockets_of_an_ingress_go_with_it() -> None:
    """And what it had seen."""
    ingress = Ingress("i", stream=2, leg=2, high=((4, "a1"),), facts=(("a1", 4),))
    dead = faults.ingress_crashed(ingress)
    assert (dead.stream, dead.high) == (0, ((0, ""),))
    assert faults.ingress_back(dead).name == "i2"


def test_redis_falls_back_to_where_it_began_to_forget() -> None:
    """Falling back is free; that it will costs one."""
    w = begin(KINDS["owners"], Rules())
    marked = next(step.world for step in faults.befall(w, KINDS["owners"]) if "will lose" in step.name)
    assert marked.faults == w.faults - 1
    later = marked._replace(redis=Redis(), faults=0)
    (step,) = faults.befall(later, KINDS["owners"])
    assert step.world.redis == w.redis
    assert step.world.has_forgotten


def test_only_what_the_kind_knows_befalls_it() -> None:
    """No fault is left: nothing does; what is broken can be mended at any time."""
    w = begin(KINDS["failures"], Rules())
    assert {step.name for step in faults.befall(w, KINDS["failures"])} == {"a1 crashes", "b1 crashes"}
    assert list(faults.befall(w._replace(faults=0), KINDS["failures"])) == []
    assert list(faults.mend(w)) == []
    assert all(word in faults.FAULTS for kind in KINDS.values() for word in kind.faults)
