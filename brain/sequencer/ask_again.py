"""The model is asked again for what it did not say: a debt stands until it is heard.

Why it exists: a response may fail, end without a sound, or stop in mid-sentence; an answer may never be made,
or never be played. For each the caller waits in the same silence. So each way in which a response can end
unheard is asked about here, and behind all of them stands one rule: what is owed and has nothing under way
is asked for.

Owns: when the same wish is wished again, when the model goes on, how long a debt may be without anything
under way. Must not know: how a create passes the door; when a session is to blame (replace).
"""

from __future__ import annotations

from dataclasses import replace as changed

from brain.sequencer import cut, door, owing, replace
from brain.sequencer.state import Phase, Response, State
from brain.sequencer.wishes import Reason, Wish
from shared.contract.owed import DebtCause
from shared.contract.streams.journal import Kind

GO_ON = (
    "Your last answer was cut off in the middle. Go on where it stopped, in the same language, and do not"
    " repeat what you have said."
)

KEPT_WHEN_CANCELLED = frozenset({Reason.OPERATOR, Reason.FAREWELL})
"""What the caller's next turn does not answer: said again though the server had cancelled it."""


def response_ended(
    s: State, response: Response, status: str, now_ms: float, *, retry_after_ms: float = 0.0
) -> None:
    """A response is over that nobody interrupted. `status` is its own, or `lost`: no `done` came."""
    if response.called_tools:
        replace.worked(s)  # Its tools are answered by a create of their own.
    elif response.sounded:
        was_silent = response.cancelling and not response.full  # Nobody interrupted it: it had ceased.
        is_to_be_heard = response.reason is Reason.GREETING and not s.config.greeting_interruptible
        if status in ("incomplete", "failed") or was_silent or (status == "cancelled" and is_to_be_heard):
            _go_on(s, response, now_ms, retry_after_ms)
    elif _is_to_be_said_again(s, response, status):
        wish = response.wish or door.new_wish(s, Reason.TURN, now_ms)
        door.retry(s, wish, now_ms, pause_ms=retry_after_ms)
        replace.silent_end(s, "responses_failed" if status == "failed" else "nothing_said")


def unseen_ended(s: State, wish: Wish | None, now_ms: float) -> None:
    """A response of ours came and went between two words of the server: nothing of it was heard."""
    if wish is not None and owing.is_unanswered(s) and wish.reason is not Reason.IDLE_PROMPT:
        door.retry(s, wish, now_ms)


# What is owed and has nothing under way.


def watch(s: State, now_ms: float) -> None:
    """After each step: notes since when nothing is under way for what is owed."""
    if not _is_forgotten(s):
        s.asking.again_at_ms = None
    elif s.asking.again_at_ms is None:
        pause_ms = s.config.first_backoff_ms * 2**s.asking.silent_ends
        s.asking.again_at_ms = now_ms + min(pause_ms, s.config.longest_backoff_ms)


def due_ms(s: State) -> float | None:
    """When an answer is asked for that is owed and that nothing is under way for."""
    return s.asking.again_at_ms if _is_forgotten(s) else None


def again(s: State, now_ms: float) -> None:
    """Asks for an answer: one is owed, and nothing is under way."""
    owed = s.debts.owed
    if owed is not None:
        s.journal(Kind.ERROR, what="answer_forgotten", cause=owed.cause)
        door.submit(s, door.new_wish(s, Reason.TURN, now_ms), now_ms)


def sound_due_ms(s: State) -> float | None:
    """Until when the first sound of an answer must be heard of: egress has all of it."""
    if s.hang_up is not None or not owing.is_answer_in_reply(s):
        return None
    unheard_ms = sum(item.unheard_ms for item in s.items.values())
    return s.playback_at_ms + unheard_ms + s.config.speaking_slack_ms


def sound_overdue(s: State, now_ms: float) -> None:
    """Nobody has heard of the answer for longer than it lasts: it is flushed, and asked for again."""
    s.journal(Kind.ERROR, what="answer_unheard")
    cut.flush(s, now_ms, cause="unheard")


# Private.


def _is_forgotten(s: State) -> bool:
    is_served = s.phase is Phase.OPEN and not s.asking.replacing and s.hang_up is None
    return is_served and owing.is_unanswered(s) and not s.is_working()


def _is_to_be_said_again(s: State, response: Response, status: str) -> bool:
    """Whether a response that said nothing has left something unsaid."""
    wish = response.wish
    if s.hang_up is not None and (wish is None or wish.reason is not Reason.FAREWELL):
        return False
    if status == "failed":
        return wish is not None or owing.is_unanswered(s) or s.config.create_response_by == "server"
    if wish is not None and wish.reason is Reason.IDLE_PROMPT:
        return False
    if status == "cancelled" and wish is not None and wish.reason in KEPT_WHEN_CANCELLED:
        return True
    if status == "cancelled" and not response.cancelling:
        return False  # By the server: it heard the caller, whose turn will be answered.
    return owing.is_unanswered(s)


def _go_on(s: State, response: Response, now_ms: float, pause_ms: float) -> None:
    """It stopped in mid-sentence: the rest is owed. Once: what stops again would stop for ever."""
    if s.hang_up is not None or (response.wish is not None and response.wish.goes_on):
        return
    owing.owe(s, DebtCause.TURN, now_ms)
    wish = changed(door.new_wish(s, Reason.TURN, now_ms, text=GO_ON), goes_on=True)
    if pause_ms > 0:
        door.retry(s, wish, now_ms, pause_ms=pause_ms)
    else:
        door.submit(s, wish, now_ms)
