"""What a caller hears first: once, whoever has the call."""

from __future__ import annotations

from dataclasses import replace

from brain.agents.agent import Agent, default_agent
from brain.incoming.first_words import first_words, greets, is_fresh
from brain.memory.conversation import Conversation
from brain.memory.past import Past
from brain.sequencer import Reason, inputs
from brain.sound.kinds import Notice
from shared.settings import load

GREETING = inputs.WishToSpeak(reason=Reason.GREETING, text="Greet them.")
NOTICES = (
    Notice(file="a.wav", text="Welcome.", audio=b"\x10" * 8_000),
    Notice(file="b.wav", text="This call is recorded.", interruptible=False, audio=b"\x10" * 800),
)
RECORDINGS: list[inputs.Input] = [
    inputs.NoticeReady(item_id="notice-free-1", n_bytes=8_000, text="Welcome."),
    inputs.NoticeReady(item_id="notice-whole-2", n_bytes=800, text="This call is recorded."),
]


def agent(*notices: Notice, greeting: str = "Greet them.") -> Agent:
    return replace(default_agent(load(env_file=None)), greeting=greeting, notices=notices)


def said(item_id: str, *, is_notice: bool = False) -> Conversation:
    """A call in which this was said."""
    known = Conversation()
    if is_notice:
        known.notice(item_id)
    known.model_text(item_id, "Hello.")
    known.item_ms(item_id, 1_000)
    return known


def test_recordings_come_before_the_greeting() -> None:
    """In their order; an agent that does not greet may have some all the same."""
    greeted = first_words(agent(*NOTICES), Conversation(), (), None, was_greeted=False)
    assert greeted == [*RECORDINGS, GREETING]
    silent = agent(*NOTICES, greeting="")
    assert first_words(silent, Conversation(), (), None, was_greeted=False) == RECORDINGS
    assert first_words(agent(greeting=""), Conversation(), (), None, was_greeted=False) == []


def test_nobody_is_greeted_twice() -> None:
    """Not by what is remembered, by what is still to be heard, or by what nobody remembers."""
    who = agent(*NOTICES)

    assert first_words(who, said("i1"), (), None, was_greeted=False) == []
    assert first_words(who, Conversation(), ("i1",), None, was_greeted=False) == []
    assert first_words(who, Conversation(), (), None, was_greeted=True) == []


def test_a_brain_that_takes_over_in_a_recording_greets_and_does_not_repeat_it() -> None:
    """Whatever of it was heard: who knows of it knows that nothing came after it."""
    known = said("notice-whole-2", is_notice=True)

    for items in ((), ("notice-whole-2",)):
        assert is_fresh(known, items)
        assert first_words(agent(*NOTICES), known, items, None, was_greeted=True) == [GREETING]


def test_a_caller_who_waited_for_an_answer_gets_one() -> None:
    """In place of a greeting: the call is not new."""
    past = Past(said("i1"), was_owed=True, wish="Go on.", debt=1, claims=1, restored_at_ms=None)

    first = first_words(agent(*NOTICES), past.conversation, (), past, was_greeted=True)

    assert first == [inputs.WishToSpeak(reason=Reason.TURN, text="Go on.")]


def test_only_the_greeting_is_one() -> None:
    """For the journal."""
    assert greets([*RECORDINGS, GREETING])
    assert not greets([*RECORDINGS, inputs.WishToSpeak(reason=Reason.TURN)])
