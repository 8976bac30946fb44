"""What a caller hears first: recordings, word for word, and the greeting.

Why it exists: a brain may be the first to have a call, or take it from one that died in mid-greeting; nobody
is greeted twice, or hears a notice twice. Owns: that decision. Pure. Must not know: how anything is said.
"""

from __future__ import annotations

from collections.abc import Collection

from brain.agents.agent import Agent
from brain.memory.conversation import Conversation
from brain.memory.past import Past
from brain.sequencer import Reason, inputs
from brain.sequencer.notice import is_notice, notice_id


def is_fresh(known: Conversation, items: Collection[str]) -> bool:
    """Whether nothing is known to have been said by anybody, but for recordings. `items`: what is still to be
    heard, by id."""
    return not known.has_words and all(is_notice(item_id) for item_id in items)


def first_words(
    agent: Agent, known: Conversation, items: Collection[str], past: Past | None, *, was_greeted: bool
) -> list[inputs.Input]:
    """What is to be said now, in order; nothing: the caller speaks. `past`: what this process knows of the
    call from before Redis lost it. `was_greeted`: though nobody may remember what was said."""
    # Who knows of a recording knows as well that nothing came after it.
    if is_fresh(known, items) and (known.has_notices or not was_greeted):
        first = [] if known.has_notices else _notices(agent)
        if agent.greeting:
            first.append(inputs.WishToSpeak(reason=Reason.GREETING, text=agent.greeting))
            return first
    else:
        first = []
    if past is not None and past.was_owed:
        first.append(inputs.WishToSpeak(reason=Reason.TURN, text=past.wish))
    return first


def greets(first: Collection[inputs.Input]) -> bool:
    """Whether the greeting is among them."""
    return any(isinstance(each, inputs.WishToSpeak) and each.reason is Reason.GREETING for each in first)


# Private.


def _notices(agent: Agent) -> list[inputs.Input]:
    return [
        inputs.NoticeReady(
            item_id=notice_id(number, interruptible=each.interruptible),
            n_bytes=len(each.audio),
            text=each.text,
        )
        for number, each in enumerate(agent.said_first, 1)
    ]
