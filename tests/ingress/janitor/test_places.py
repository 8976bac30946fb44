"""What is wrong with the count of all calls: each rule by itself, and of whatever Redis may hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingress.janitor.places import Readmit, Vacate, judge
from ingress.janitor.rules import SETTLED_S
from ingress.janitor.sight import CardSeen, CountSeen

CALL = "CA" + "0" * 32
LIVE, OVER = CardSeen(state="attached"), CardSeen(state="ended")


def seen(card: CardSeen | None, *, has_place: bool, is_listed: bool) -> CountSeen:
    return CountSeen(
        places={CALL: 5.0} if has_place else {},
        live=frozenset({CALL} if is_listed else ()),
        cards={CALL: card} if has_place != is_listed else {},
    )


def test_a_call_on_the_line_with_its_place_is_left_alone() -> None:
    """So is one whose card lives although no list has it: that is another rule's."""
    assert judge(seen(LIVE, has_place=True, is_listed=True)) == []
    assert judge(seen(LIVE, has_place=True, is_listed=False)) == []


def test_what_is_over_gives_its_place_back_at_once() -> None:
    """Its end is certain: another call may have the place."""
    (found,) = judge(seen(OVER, has_place=True, is_listed=False))
    assert found == Vacate(CALL, 5.0, is_over=True)
    assert found.after_s == 0


def test_what_has_no_card_is_waited_for() -> None:
    """It rings, or its card is about to be written again."""
    (found,) = judge(seen(None, has_place=True, is_listed=False))
    assert found == Vacate(CALL, 5.0, is_over=False)
    assert found.after_s == SETTLED_S


def test_who_is_on_the_line_without_a_place_gets_one() -> None:
    """At once: until then another call may get it. Not what is in the list and has no card that lives."""
    (found,) = judge(seen(LIVE, has_place=False, is_listed=True))
    assert (found, found.after_s) == (Readmit(CALL), 0)
    assert judge(seen(OVER, has_place=False, is_listed=True)) == []
    assert judge(seen(None, has_place=False, is_listed=True)) == []


names = st.sampled_from(["", "x", CALL, "CA1", "\0"])
states = st.none() | st.builds(CardSeen, state=st.sampled_from(["", "attached", "detached", "ended", "x"]))


@given(st.dictionaries(names, st.floats(0, 1e13)), st.frozensets(names), st.dictionaries(names, states))
def test_of_whatever_stands_there_no_live_call_loses_its_place(
    places: dict[str, float], live: frozenset[str], cards: dict[str, CardSeen | None]
) -> None:
    """Nothing raises, and a look at the same is the same."""
    look = CountSeen(places=places, live=live, cards=cards)
    found = judge(look)
    assert judge(look) == found
    for each in found:
        card = cards[each.call_sid]
        is_live = card is not None and card.is_live
        assert isinstance(each, Readmit) is is_live
        assert (each.call_sid in places) is isinstance(each, Vacate)
