"""What a card tells of who has the call."""

from __future__ import annotations

from ingress.janitor.sight import CardSeen, CrewSeen


def test_an_ingress_has_a_call_only_while_it_is_attached() -> None:
    """A call that waits for its next stream is no ingress's."""
    card = CardSeen(state="attached", ingress="i", brain="b")
    assert card.names() == {"i", "b"}
    assert CardSeen(state="detached", ingress="i", brain="b").names() == {"b"}
    assert (card.owner("brain"), card.owner("egress")) == ("b", "")
    assert card.is_live
    assert not CardSeen(state="ended").is_live


def test_an_instance_lives_while_one_of_its_boots_does() -> None:
    """Consumers are named by it."""
    assert CrewSeen(alive=frozenset({"brain-0@h#1", "x"})).instances == {"brain-0@h", "x"}
