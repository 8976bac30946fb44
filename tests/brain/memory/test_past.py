"""What a brain keeps of a call that Redis has lost."""

from __future__ import annotations

from brain.memory.conversation import ELLIPSIS, Conversation
from brain.memory.past import KEPT_MS, LOST_WORDS, Past, PastCalls, keep
from brain.sequencer.state import Item, SequencerConfig, Speaking, State
from shared.audio import BYTES_PER_MS
from shared.contract.owed import DebtCause


def speaking(*item_ids: str) -> State:
    """Items of 4 s each, of one response that became audible at 1,000 ms."""
    state = State(config=SequencerConfig(), cut=0)
    state.speaking = Speaking("r", 1_000.0)
    for item_id in item_ids:
        state.items[item_id] = Item(item_id, "r", 4_000 * BYTES_PER_MS, complete=True)
    return state


def told(*item_ids: str) -> Conversation:
    conversation = Conversation()
    for item_id in item_ids:
        conversation.model_text(item_id, "one two three four five six seven eight")
        conversation.item_ms(item_id, 4_000)
    return conversation


def test_what_was_being_said_is_kept_as_far_as_it_was_heard() -> None:
    """By egress's last word and the time since; what stood behind it was never heard."""
    past = keep(told("a", "b"), speaking("a", "b"), 3_000.0, 1, None)

    (line,) = past.conversation.lines()
    assert (line.text, line.whole) == ("one two three four", False)
    assert [item.text for item in past.conversation.seed(1_000)] == [f"one two three four{ELLIPSIS}"]
    assert past.was_owed


def test_more_than_there_was_is_never_heard() -> None:
    """However late the call is found to be lost."""
    past = keep(told("a"), speaking("a"), 60_000.0, 1, None)

    assert [line.whole for line in past.conversation.lines()] == [True]


def test_what_was_owed_is_owed_still() -> None:
    """And debts go on counting."""
    state = State(config=SequencerConfig(), cut=0)
    assert keep(Conversation(), state, 0.0, 1, None) == Past(
        Conversation(), was_owed=False, wish="", debt=0, claims=1, restored_at_ms=None
    )
    state.debts.owe(DebtCause.TURN, 0.0)
    assert keep(Conversation(), state, 0.0, 1, None) == Past(
        Conversation(), was_owed=True, wish="", debt=1, claims=1, restored_at_ms=None
    )


def test_what_another_brain_has_gone_on_with_is_history() -> None:
    """The call was claimed by us, by the other one, by us: what we know of it is old."""
    past = keep(Conversation(), State(config=SequencerConfig(), cut=0), 0.0, 1, None)
    assert past.is_latest(2, 5_000)
    assert past.is_latest(1, None), "an older snapshot has lost the claim"
    assert not past.is_latest(3, 5_000)


def test_what_redis_has_not_lost_is_not_asked_for_again() -> None:
    """A brain that stood still loses its call, and is the next to take it: all that it had said is there, and
    egress plays on."""
    state = State(config=SequencerConfig(), cut=0)
    past = keep(Conversation(), state, 0.0, 1, 5_000)
    assert not past.is_latest(2, 5_000)
    assert past.is_latest(2, 9_000), "written again since"


def test_a_call_that_does_not_come_back_is_forgotten() -> None:
    """It is taken once, and within its time."""
    calls = PastCalls()
    past = Past(Conversation(), was_owed=False, wish="", debt=0, claims=1, restored_at_ms=None)
    calls.put("CA1", past, 0.0)
    calls.put("CA2", past, 1.0)
    calls.forget_old(KEPT_MS)
    assert calls.take("CA1") is None
    assert calls.take("CA2") is past
    assert calls.take("CA2") is None


def test_a_caller_who_was_speaking_is_asked_to_say_it_again() -> None:
    """Their words stood in Redis alone."""
    state = State(config=SequencerConfig(), cut=0)
    state.caller.speaking = True

    past = keep(Conversation(), state, 0.0, 1, None)

    assert past.was_owed
    assert past.wish == LOST_WORDS


def test_who_had_answered_and_what_was_known_of_the_caller_is_kept() -> None:
    """Redis has lost both; nobody is asked a second time."""
    state = State(config=SequencerConfig(), cut=0)
    past = keep(Conversation(), state, 0.0, 1, None, "sales", '{"variables":{"name":"Ann"}}')

    assert (past.agent, past.context) == ("sales", '{"variables":{"name":"Ann"}}')
    assert "Ann" not in repr(past)
