"""What a card tells of who has the call."""

from __future__ import annotations

from ingress.janitor.sight import BeatsSeen, CardSeen, CrewSeen


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
    crew = CrewSeen(alive=frozenset({"brain-0@h#1", "x"}), unheard=frozenset({"brain-1@h#1"}))
    assert crew.instances == {"brain-0@h", "brain-1@h", "x"}


def test_nobody_is_missed_of_whom_nothing_can_be_said() -> None:
    """Neither whose server is of no use, nor anybody where it is not known who there is."""
    crew = CrewSeen(alive=frozenset({"a"}), unheard=frozenset({"b"}))
    assert [worker for worker in "abc" if crew.is_missing(worker)] == ["c"]
    assert not CrewSeen(alive=frozenset(), is_known=False).is_missing("c")


def test_all_of_the_list_are_known_whether_heard_or_not() -> None:
    """A look that has no list asks for these."""
    seen = BeatsSeen(beats={"a": 1, "b": None}, unheard=frozenset({"b", "c"}))
    assert seen.names == {"a", "b", "c"}
