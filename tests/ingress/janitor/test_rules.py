"""What is wrong with a lane: each rule by itself, and of whatever Redis may hold."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from ingress.janitor import rules
from ingress.janitor.rules import Condemn, Dismiss, Disown, Forget, Free, Offer, Relist, judge
from ingress.janitor.sight import ROLES, CardSeen, Consumer, CrewSeen, LaneSeen

CALL = "CA" + "0" * 32
INGRESS, BRAIN, EGRESS = "ingress-0@h#1", "brain-0@h#1", "egress-0@h#1"
CREW = CrewSeen(alive=frozenset({INGRESS, BRAIN, EGRESS}))
CARD = CardSeen(state="attached", leg="1", stream_sid="MZ1", ingress=INGRESS, brain=BRAIN, egress=EGRESS)


def lane(card: CardSeen | None = CARD, **changes: object) -> LaneSeen:
    """One call, and lists that say what its card says."""
    named = card.names() if card is not None and card.is_live else set()
    there = frozenset({CALL}) if card is not None and card.is_live else frozenset()
    made = LaneSeen(
        cards={CALL: card}, slots=there, live=there, owned={worker: frozenset({CALL}) for worker in named}
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def of(**changes: object) -> CardSeen:
    return dataclasses.replace(CARD, **changes)  # type: ignore[arg-type]


def crew(*gone: str) -> CrewSeen:
    return CrewSeen(alive=CREW.alive - set(gone))


def condemned(found: list[rules.Wrong]) -> list[str]:
    return [each.why for each in found if isinstance(each, Condemn)]


def test_a_call_that_all_have_is_left_alone() -> None:
    """Attached, both roles owned, all alive; so is one that waits for its next stream, or for its owners."""
    assert judge(lane(), CREW) == []
    waiting = of(state="detached", has_deadline=True)
    assert judge(lane(waiting, deadlines=frozenset({CALL})), CREW) == []
    new = of(brain="", egress="")
    assert judge(lane(new, offered=frozenset((CALL, role) for role in ROLES)), CREW) == []
    assert judge(lane(of(state="ended"), slots=frozenset(), live=frozenset()), CREW) == []


def test_a_call_whose_ingress_is_silent_ends() -> None:
    """Nobody holds its socket; whoever has its roles changes nothing about that."""
    (first,) = [each for each in judge(lane(), crew(INGRESS)) if isinstance(each, Condemn)]
    assert (first.why, first.leg, first.stream_sid, first.ingress) == ("ingress_silent", "1", "MZ1", INGRESS)
    assert first.after_s * 1000 + rules.SILENT_MS == 60_000
    taken = of(brain="brain-1@h#1")
    (second,) = [each for each in judge(lane(taken), crew(INGRESS)) if isinstance(each, Condemn)]
    assert first == second


def test_a_call_that_waits_for_nothing_ends() -> None:
    """Detached without a deadline; with one that stands in no list."""
    assert condemned(judge(lane(of(state="detached")), CREW)) == ["no_deadline"]
    assert condemned(judge(lane(of(state="detached", has_deadline=True)), CREW)) == ["deadline_lost"]
    assert condemned(judge(lane(of(has_deadline=True)), CREW)) == ["deadline_lost"]
    assert condemned(judge(lane(of(state="nonsense")), CREW)) == ["no_deadline"]


def test_a_role_that_nobody_has_and_that_waits_nowhere_is_offered() -> None:
    """But for a call that is on its way out."""
    assert judge(lane(of(brain="")), CREW) == [Offer(CALL, "brain")]
    assert judge(lane(of(brain=""), offered=frozenset({(CALL, "brain")})), CREW) == []
    assert judge(lane(of(brain="", plan="apology")), CREW) == []


def test_lists_say_what_the_cards_say() -> None:
    """A call that is missing in its owner's list, and one that does not belong there."""
    assert judge(lane(owned={INGRESS: frozenset({CALL}), BRAIN: frozenset({CALL})}), CREW) == [
        Relist(EGRESS, CALL)
    ]
    stale = lane(None, slots=frozenset(), live=frozenset(), owned={BRAIN: frozenset({CALL})})
    assert judge(stale, CREW) == [Relist(BRAIN, CALL)]


def test_a_dead_owner_is_disowned_though_nobody_of_its_role_lives() -> None:
    """An ingress is not: its calls wait for their streams."""
    assert judge(lane(), crew(BRAIN)) == [Disown(BRAIN, "brain")]


def test_a_slot_without_a_call_is_free() -> None:
    """No card, or one of a call that is over; in any of the lists."""
    assert judge(lane(None, slots=frozenset({CALL})), CREW) == [Free(CALL)]
    assert judge(lane(of(state="ended"), live=frozenset({CALL})), CREW) == [Free(CALL)]
    assert judge(lane(None, deadlines=frozenset({CALL})), CREW) == [Free(CALL)]


def test_a_consumer_that_nobody_is_any_more_is_dismissed() -> None:
    """By its instance or its worker; one that was handed something is not."""
    told = (
        Consumer("calls", "brain", "brain-0@h", 0),
        Consumer("hooks", "hooks", BRAIN, 0),
        Consumer("calls", "brain", "brain-7@h", 0),
        Consumer("hooks", "hooks", "brain-7@h#1", 2),
    )
    assert judge(lane(consumers=told), CREW) == [Dismiss("calls", "brain", "brain-7@h")]


def test_whose_server_is_of_no_use_is_missed_by_nobody() -> None:
    """Neither its calls nor its consumers are touched; where nobody is known, nobody is missed."""
    seen = lane(consumers=(Consumer("calls", "brain", "brain-0@h", 0),))
    unheard = CrewSeen(alive=frozenset(), unheard=frozenset({INGRESS, BRAIN, EGRESS}))
    nobody = CrewSeen(alive=frozenset(), is_known=False)
    assert judge(seen, unheard) == judge(seen, nobody) == []
    assert len(judge(seen, CrewSeen(alive=frozenset()))) == 4


def test_a_name_without_a_beat_is_forgotten() -> None:
    """Its host never came back."""
    assert rules.names(CrewSeen(alive=CREW.alive, absent=frozenset({BRAIN}))) == [Forget(BRAIN)]


texts = st.sampled_from(
    ["", "x", CALL, INGRESS, BRAIN, EGRESS, "attached", "detached", "ended", "hangup", "\0"]
)
cards = st.none() | st.builds(
    CardSeen, state=texts, leg=texts, stream_sid=texts, ingress=texts, brain=texts, egress=texts, plan=texts,
    has_deadline=st.booleans(),
)  # fmt: skip
sets = st.frozensets(texts, max_size=4)
lanes = st.builds(
    LaneSeen,
    cards=st.dictionaries(texts, cards, max_size=4),
    slots=sets,
    live=sets,
    deadlines=sets,
    offered=st.frozensets(st.tuples(texts, texts), max_size=4),
    owned=st.dictionaries(texts, sets, max_size=4),
    consumers=st.lists(st.builds(Consumer, texts, texts, texts, st.integers(0, 2)), max_size=3).map(tuple),
)
crews = st.builds(CrewSeen, alive=sets, absent=sets, unheard=sets, is_known=st.booleans())


@given(lanes, crews)
def test_of_whatever_stands_there_only_what_nobody_has_is_ended(seen: LaneSeen, who: CrewSeen) -> None:
    """Nothing raises; a call whose ingress lives is not ended, nor one that waits for a deadline; each wrong
    is said once; and a look at the same is the same."""
    found = judge(seen, who)
    assert len(set(found)) == len(found)
    assert judge(seen, who) == found
    for each in found:
        if isinstance(each, Condemn):
            card = seen.cards[each.call_sid]
            assert card is not None
            assert card.is_live
            is_missed = who.is_missing(card.ingress)
            is_held = card.state == "attached" and not is_missed and not card.has_deadline
            assert not is_held
            assert not (card.has_deadline and each.call_sid in seen.deadlines)
        if isinstance(each, Free):
            card = seen.cards[each.call_sid]
            assert card is None or not card.is_live
        if isinstance(each, Disown):
            assert who.is_missing(each.worker)
