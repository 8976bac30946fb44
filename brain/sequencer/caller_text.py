"""What the caller says beside the voice: keys pressed, as a text of theirs in the conversation.

Why it exists: the server's VAD answers speech only, so a text is answered by a create of ours, in server
mode too, like a spoken turn.

Owns: the texts that wait for a session. Must not know: what the keys meant.
"""

from __future__ import annotations

from brain.sequencer import cut, door, move, owing
from brain.sequencer.actions import SendText
from brain.sequencer.inputs import CallerWrote, KeyPressed
from brain.sequencer.state import Phase, State
from brain.sequencer.wishes import Reason
from shared.contract.owed import DebtCause
from shared.contract.streams.journal import Kind

MAX_WAITING = 8
"""Texts kept while there is no session: who presses more keys than that meant the last ones."""


def pressed(s: State, i: KeyPressed, now_ms: float) -> None:
    """A key: a caller who is about to be sent elsewhere stays. If keys interrupt, it does so at once, and
    what we would say waits for the rest of them. A farewell is not interrupted."""
    if s.hang_up is not None:
        return
    move.caller_spoke(s, now_ms)
    if i.barge_in:
        s.caller.typing_until_ms = now_ms + s.config.keys_wait_ms
        cut.interrupt_by_caller(s, now_ms, cause="keys")


def keys_due_ms(s: State) -> float | None:
    """Until when the rest of a group of keys may come."""
    return s.caller.typing_until_ms


def keys_overdue(s: State, now_ms: float) -> None:
    """The group never came: what was held back may be said."""
    s.caller.typing_until_ms = None


def wrote(s: State, i: CallerWrote, now_ms: float) -> None:
    """A text: into the conversation, then answered."""
    if s.hang_up is not None:
        s.journal(Kind.TEXT_DROPPED, cause="hang_up")
        return
    idle = s.deferred.pop(Reason.IDLE_PROMPT, None)
    if idle is not None:
        door.supersede(s, idle, "caller_text")
    s.caller.typing_until_ms = None
    s.asking.tool_rounds = 0
    owing.owe(s, DebtCause.KEYS, now_ms)
    if s.phase is not Phase.OPEN:
        s.texts.append(i.text)
        if len(s.texts) > MAX_WAITING:
            del s.texts[0]
            s.journal(Kind.TEXT_DROPPED, cause="too_many")
        return
    if i.barge_in:
        # What their words set free waits until they are told: one create answers both.
        s.caller.typing_until_ms = now_ms
        move.caller_spoke(s, now_ms)
        cut.interrupt_by_caller(s, now_ms, cause="caller_text")
        s.caller.typing_until_ms = None
    _tell(s, [i.text], now_ms)


def session_ready(s: State, now_ms: float) -> None:
    """What waited for a session is told to it, all of it before it is answered."""
    texts, s.texts = s.texts, []
    if texts:
        _tell(s, texts, now_ms)


# Private.


def _tell(s: State, texts: list[str], now_ms: float) -> None:
    """One create answers them all: on the same socket it follows the last of them."""
    event_ids: list[str] = []
    for text in texts:
        event_id = s.event_id("text")
        s.actions.append(SendText(event_id=event_id, text=text))
        s.journal(Kind.CALLER_TEXT, event_id=event_id)
        event_ids.append(event_id)
    door.submit(s, door.new_wish(s, Reason.TURN, now_ms, answered_ids=tuple(event_ids)), now_ms)
