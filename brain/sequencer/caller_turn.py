"""The caller's turn: they speak, they pause, the turn stands in the conversation.

Why it exists: what interrupts a reply, what holds our creates back and what asks for an answer are three
moments of one turn, and the server tells of each by an event of its own.

Owns: whether the caller speaks, and until when the server's own answer to them may come. Must not know: how
a reply is interrupted (cut), or what else waits for the caller (door).
"""

from __future__ import annotations

from brain.sequencer import cut, door, move, owing, replace
from brain.sequencer.inputs import SpeechStarted, SpeechStopped, TurnCommitted
from brain.sequencer.state import State
from brain.sequencer.wishes import Reason
from shared.contract.owed import DebtCause
from shared.contract.streams.journal import Kind


def voice_began(s: State, i: SpeechStarted, now_ms: float) -> None:
    """The caller's voice is heard, whatever it means."""
    s.caller.speaking = True
    s.caller.deadline_ms = now_ms + s.config.speech_max_ms
    s.journal(Kind.SPEECH_STARTED, item=i.item_id)
    idle = s.deferred.pop(Reason.IDLE_PROMPT, None)
    if idle is not None:
        door.supersede(s, idle, "speech")


def interrupt(s: State, now_ms: float) -> None:
    """They mean it: whatever is audible or generating ends. A farewell is not interrupted."""
    s.caller.answer_due_until_ms = None
    s.caller.answer_by_ms = None
    s.caller.talking_on = s.caller.unanswered
    if s.hang_up is None:
        move.caller_spoke(s, now_ms)
        cut.interrupt_by_caller(s, now_ms, cause="speech")


def speech_stopped(s: State, i: SpeechStopped, now_ms: float) -> None:
    """The caller paused; in server mode its own response is due, and our creates stand back for it."""
    s.journal(Kind.SPEECH_STOPPED, item=i.item_id)
    # The answer may come before the word of the pause that it answers.
    is_answered = not s.caller.speaking and s.active is not None and not s.active.cancelling
    end_turn(s, now_ms, now_ms - s.config.listens_ms, is_answered=is_answered)


def fell_silent(s: State, i: SpeechStopped, now_ms: float) -> None:
    """The caller paused; whether that was a turn is not known, or it was none."""
    s.journal(Kind.SPEECH_STOPPED, item=i.item_id)
    s.caller.speaking = False
    s.caller.stopped_at_ms = now_ms


def turn_committed(s: State, i: TurnCommitted, now_ms: float) -> None:
    """The turn is in the conversation: in brain mode this is the moment to answer it, once."""
    if s.config.create_response_by != "brain":
        return
    if i.item_id and i.item_id == s.caller.last_turn_item_id:
        return
    s.caller.last_turn_item_id = i.item_id
    if s.hang_up is None:
        door.submit(s, door.new_wish(s, Reason.TURN, now_ms), now_ms)


def stop_due_ms(s: State) -> float | None:
    """Until when a caller who speaks is taken to be speaking."""
    return s.caller.deadline_ms if s.caller.speaking else None


def stop_overdue(s: State, now_ms: float) -> None:
    """`speech_stopped` never came: a caller does not talk for ever, and what they said is answered."""
    s.journal(Kind.ERROR, what="speech_never_stopped")
    end_turn(s, now_ms, now_ms)


def answer_due_ms(s: State) -> float | None:
    """Until when our creates stand back for the server's own response."""
    return s.caller.answer_due_until_ms


def answer_overdue(s: State, now_ms: float) -> None:
    """The server did not answer the caller: our own creates may."""
    s.caller.answer_due_until_ms = None


def created_due_ms(s: State) -> float | None:
    """By when a response to the caller's turn must have been created."""
    return s.caller.answer_by_ms


def created_missing(s: State, now_ms: float) -> None:
    """Nobody made a response to the turn, and none is asked for: we ask for it."""
    s.caller.answer_by_ms = None
    create = s.outstanding
    is_asked_for = Reason.TURN in s.deferred or (create is not None and create.wish is not None)
    if owing.is_unanswered(s) and s.hang_up is None and not is_asked_for:
        s.journal(Kind.ERROR, what="turn_unanswered")
        replace.turn_unanswered(s)
        door.submit(s, door.new_wish(s, Reason.TURN, now_ms), now_ms)


def end_turn(s: State, now_ms: float, since_ms: float, *, is_answered: bool = False) -> None:
    """The caller waits for an answer from now on, and has since `since_ms`."""
    _fall_silent(s, now_ms)
    s.caller.unanswered = s.hang_up is None and not is_answered
    if s.caller.unanswered:
        s.asking.tool_rounds = 0
        owing.owe(s, DebtCause.TURN, since_ms)
        s.caller.answer_by_ms = now_ms + s.config.turn_answer_wait_ms


# Private.


def _fall_silent(s: State, now_ms: float) -> None:
    s.caller.speaking = False
    s.caller.stopped_at_ms = now_ms
    if s.config.create_response_by == "server" and s.hang_up is None:
        s.caller.answer_due_until_ms = now_ms + s.config.answer_grace_ms
