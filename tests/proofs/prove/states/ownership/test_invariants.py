"""The sentences, each with a state or step that breaks it."""

from __future__ import annotations

import pytest

from proofs.prove.states.ownership import invariants
from proofs.prove.states.ownership.redis import Redis, Request, Rules, execute
from proofs.prove.states.ownership.walk import KINDS
from proofs.prove.states.ownership.world import World, begin

RULES = Rules()
KIND = KINDS["owners"]


def redis(*requests: Request) -> Redis:
    """After ATTACH and these."""
    found = execute(Redis(), ("attach", 1, "i1", 1, 1), 0, RULES)[0]
    for request in requests:
        found = execute(found, request, 1, RULES)[0]
    return found


CLAIM: Request = ("claim", 0, "a1", 0, "calls")
END: Request = ("end", "completed")


def world(found: Redis) -> World:
    """The first world, with this Redis."""
    return begin(KIND, RULES)._replace(redis=found)


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (redis()._replace(slot=False), "no slot"),
        (redis(END)._replace(slot=True), "holds its slot"),
        (redis(END)._replace(deadline=True), "list of live ones"),
        (redis()._replace(deadline=True), "has a deadline"),
        (Redis(deadline=True), "without a card"),
        (redis(CLAIM)._replace(owned=frozenset()), "do not say what its card says"),
        (redis()._replace(calls=frozenset()), "offered to nobody"),
    ],
)
def test_a_state_that_is_wrong_is_found(found: Redis, what: str) -> None:
    """Each by its own sentence."""
    assert what in invariants.of_state(world(found))


@pytest.mark.parametrize("found", [Redis(), redis(), redis(CLAIM), redis(CLAIM, END)])
def test_a_state_that_is_right_is_not(found: Redis) -> None:
    """No sentence is too strict."""
    assert invariants.of_state(world(found)) == ""


def test_a_step_that_is_wrong_is_found() -> None:
    """After the end nothing happens; epochs only rise; owners come with an epoch of their own."""
    owned, over = redis(CLAIM), redis(CLAIM, END)
    assert "was over" in invariants.of_step(over, owned)
    assert "went away" in invariants.of_step(owned, Redis())
    assert "fell" in invariants.of_step(owned, redis())
    card = owned.card
    assert card is not None
    renamed = card._replace(roles=(card.roles[0]._replace(owner="b1"),))
    assert "of its own" in invariants.of_step(owned, owned._replace(card=renamed))
    assert "not freed" in invariants.of_step(owned, over._replace(slot=True))
    assert invariants.of_step(owned, over) == ""


def test_a_live_call_that_is_ended_for_want_of_a_stream_is_found() -> None:
    """Its ingress holds the socket."""
    live = world(redis(CLAIM))
    live = live._replace(ingresses=(live.ingresses[0]._replace(leg=1),))
    gone = live._replace(redis=redis(CLAIM, ("end", "no_new_stream")))
    assert "a stream that it has" in invariants.of_ends(live, gone)
    assert invariants.of_ends(live, live._replace(redis=redis(CLAIM, ("end", "quarantined")))) == ""


def test_a_call_comes_to_rest_when_nothing_befalls_it() -> None:
    """Owned, with the states on the way there; known ones are not tried again."""
    start = begin(KIND, RULES)
    is_good, way = invariants.comes_to_rest(start, KIND, RULES)
    assert is_good
    assert len(way) >= 1
    assert invariants.comes_to_rest(start, KIND, RULES, {way[0]}) == (True, [])
    assert not invariants.is_at_rest(start)


def test_a_call_that_nobody_can_take_never_does() -> None:
    """It waits in no stream."""
    lost = world(redis()._replace(calls=frozenset()))
    assert invariants.comes_to_rest(lost, KIND, RULES)[0] is False
