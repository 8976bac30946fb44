"""Words that must be exact: a recording, said for the model.

Why it exists: a model says a legal notice in its own words, if at all. So a recording goes into `reply`, as
if it were a response that has ended: it is heard, counted, cut and remembered like any other, and whatever is
asked for meanwhile comes behind it.

Owns: the response and the item that stand for it, that a session is told of it. A session that was told the
past has it there; the first one has no past, and is told by itself. Must not know: where the recording is,
when one is said.

Its ids tell a brain that takes the call over what it is: nobody greets twice because of it, and what the
caller may not cut they may not cut later either.
"""

from __future__ import annotations

from brain.sequencer import owing
from brain.sequencer.actions import PlayNotice, TellSaid
from brain.sequencer.inputs import NoticeReady
from brain.sequencer.state import Item, Phase, Response, State
from shared.contract.owed import DebtCause
from shared.contract.streams.journal import Kind

MARK = "notice-"
PROTECTED = f"{MARK}whole-"
FREE = f"{MARK}free-"
"""How its id begins: the caller may not cut it, or they may."""

OF_NO_SESSION = -1
"""No session has made it: each knows it as text only."""


def notice_id(number: int, *, interruptible: bool, again: int = 0) -> str:
    """The id of the n-th notice of a call, as response and as item. `again`: it was cut off, and is said once
    more; a number that no other time has, since nothing of the item that was cut may count for this one."""
    time = f"{again}-" if again else ""
    return f"{FREE if interruptible else PROTECTED}{time}{number}"


def number_of(item_id: str) -> int:
    """Which notice of its call it is."""
    return int(item_id.rpartition("-")[2])


def is_notice(item_id: str) -> bool:
    """Whether it is one."""
    return item_id.startswith(MARK)


def ready(s: State, i: NoticeReady, now_ms: float) -> None:
    """It is said behind what is said already. A call that is ending says nothing any more."""
    if s.hang_up is not None:
        return
    debt = owing.owe(s, DebtCause.GREETING, now_ms)
    s.responses[i.item_id] = Response(
        response_id=i.item_id, deadline_ms=now_ms, confirmed=True, done=True, spoke=True, sounded=True,
        protected=i.item_id.startswith(PROTECTED), debt=debt, last_item_id=i.item_id,
    )  # fmt: skip
    s.items[i.item_id] = Item(
        item_id=i.item_id, response_id=i.item_id, received_bytes=i.n_bytes, complete=True,
        session=OF_NO_SESSION,
    )  # fmt: skip
    s.playback_at_ms = now_ms
    s.actions.append(PlayNotice(cut=s.cut, item_id=i.item_id, debt=debt))
    s.journal(Kind.NOTICE, item=i.item_id, cut=s.cut)
    s.untold.append(i)
    if s.phase is Phase.OPEN:
        tell(s)


def tell(s: State) -> None:
    """A session is told what was said for it."""
    for each in s.untold:
        s.actions.append(TellSaid(event_id=s.event_id("said"), item_id=each.item_id, text=each.text))
    s.untold.clear()
