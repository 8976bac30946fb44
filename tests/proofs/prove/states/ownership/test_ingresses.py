"""What an ingress concludes from an answer."""

from __future__ import annotations

from proofs.prove.states.ownership import ingresses
from proofs.prove.states.ownership.redis import ENDED, Redis, Rules
from proofs.prove.states.ownership.walk import KINDS
from proofs.prove.states.ownership.world import Line, World, begin

RULES = Rules()
KIND = KINDS["legs"]


def attached() -> World:
    """The first stream is attached at i1; nothing goes wrong any more."""
    w = begin(KIND, RULES)._replace(faults=0)
    return next(ingresses.at_once(w, KIND, RULES)).world


def at_once(w: World) -> World:
    """After all that follows at once."""
    while (step := next(ingresses.at_once(w, KIND, RULES), None)) is not None:
        w = step.world
    return w


def test_a_caller_who_hangs_up_ends_the_call() -> None:
    """DETACH, then END: nobody waits."""
    (step,) = ingresses.caller_steps(attached(), KIND)
    w = at_once(step.world)
    assert w.redis.card is not None
    assert (w.redis.card.state, w.redis.card.outcome, w.redis.slot) == (ENDED, "completed", False)


def test_a_broken_socket_leaves_a_deadline_that_anybody_sweeps() -> None:
    """It takes no process that remembers."""
    w = at_once(attached()._replace(line=Line(1, "")))
    assert w.redis.deadline
    swept = [step for step in ingresses.in_time(w, KIND, RULES) if step.name == "j1 sweeps"]
    assert swept[0].world.redis.card is not None
    assert swept[0].world.redis.card.outcome == "no_new_stream"


def test_without_deadlines_in_redis_it_waits_by_itself() -> None:
    """Which is the guard's absence: what only it remembers goes with it."""
    rules = Rules(deadlines=False, detached_with_deadline=False)
    w = attached()._replace(line=Line(1, ""))
    while (step := next(ingresses.at_once(w, KIND, rules), None)) is not None:
        w = step.world
    assert not w.redis.deadline
    assert w.ingresses[0].waits == ("end", "no_new_stream", 1, 1)


def test_the_carrier_comes_back_to_any_ingress() -> None:
    """With the next stream, until the call is over."""
    w = attached()._replace(line=Line(1, ""))
    names = [step.name for step in ingresses.line_steps(w, KIND, RULES)]
    assert names == ["stream 2 opens at i1", "stream 2 opens at j1"]
    assert list(ingresses.line_steps(attached(), KIND, RULES)) == []


def test_an_emptied_redis_is_told_again() -> None:
    """By the ingress that holds the socket."""
    w = at_once(attached()._replace(redis=Redis()))
    assert w.redis.card is not None
    assert w.redis.card.stream == 1


def test_a_sweep_waits_for_who_holds_a_socket() -> None:
    """Redis has fallen back to before the newest stream: its ingress speaks first."""
    gone = at_once(attached()._replace(line=Line(1, "")))
    newer = gone.ingresses[1]._replace(stream=2, nonce=2, leg=2)
    w = gone._replace(ingresses=(gone.ingresses[0], newer), line=Line(2, "j"))
    assert not [step for step in ingresses.in_time(w, KIND, RULES) if "sweeps" in step.name]
    assert [step for step in ingresses.in_time(w, KIND, Rules(sweeps_wait=False)) if "sweeps" in step.name]


def test_two_writers_under_one_epoch_are_told() -> None:
    """Whoever admitted them."""
    w, broken = ingresses.heard_at(attached(), 0, 1, "a1")
    assert broken == ""
    assert ingresses.heard_at(w, 0, 1, "a1") == (w, "")
    assert "one epoch" in ingresses.heard_at(w, 0, 1, "b1")[1]
