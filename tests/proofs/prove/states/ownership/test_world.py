"""Who knows what at the beginning, and which epochs there are."""

from __future__ import annotations

from proofs.prove.states.ownership.redis import Rules
from proofs.prove.states.ownership.walk import KINDS
from proofs.prove.states.ownership.world import Line, Worker, begin, epoch_of, epochs


def test_a_world_begins_with_a_stream_that_is_not_attached() -> None:
    """There is a slot and a nonce, and nobody has anything."""
    w = begin(KINDS["all"], Rules())
    assert w.line == Line(1, "i")
    assert w.redis.card is None
    assert [worker.name for worker in w.workers] == ["a1", "b1", "a1", "b1"]
    assert w.ingresses[0].nonce == w.redis.issued == 1


def test_epochs_are_found_wherever_somebody_knows_one() -> None:
    """Held, asked for, seen by ingress, under way, heard."""
    w = begin(KINDS["owners"], Rules())
    ingress = w.ingresses[0]._replace(high=((4, "a1"),), asks=("restore", 1, 1, "i1", 1, "a1", 6))
    w = w._replace(
        workers=(Worker(0, "a", holds=2, asks=("claim", 0, "a1", 3, "")),),
        ingresses=(ingress,),
        late=(("release", 0, "b1", 5, ""),),
        heard=frozenset({(0, 7, "a1")}),
    )
    assert {2, 3, 4, 5, 6, 7} <= set(epochs(w))


def test_only_requests_of_owners_have_an_epoch() -> None:
    """What an ingress asks goes by the leg."""
    assert epoch_of(("detach", 3, 3)) == 0
    assert epoch_of(()) == 0
