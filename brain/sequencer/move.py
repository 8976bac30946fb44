"""The caller goes elsewhere for a while: a number is dialled, or digits are played to them.

Why it exists: what the model has said before is heard first, within a bound; then the driver moves the
caller. Until they are back every create waits, and a response that the server makes is cancelled. A hang-up
ends a move, and so does a word of the caller before they are gone: they may not want it.

Owns: the pending move. Must not know: how a caller is moved.
"""

from __future__ import annotations

from brain.sequencer import cut, door, owing, tool_batch
from brain.sequencer.actions import Move
from brain.sequencer.inputs import MoveEnded, MoveWished, ToolFinished
from brain.sequencer.state import PendingMove, State, ToolCall
from brain.sequencer.wishes import Reason
from shared.contract.card import Next
from shared.contract.owed import DebtCause
from shared.contract.streams.journal import Kind

NEVER_BACK = '{"error": "the caller did not come back in time; how the move ended is unknown"}'
ANOTHER = '{"error": "not done: the caller is being moved already"}'
HANGING_UP = '{"error": "not done: the call is ending"}'
SPOKE = '{"error": "not done: the caller spoke before it was; answer them first"}'


def wished(s: State, i: MoveWished, now_ms: float) -> None:
    """A tool wants the caller elsewhere. There is one move at a time, and none while the call is ending."""
    tool_call = tool_batch.find(s, i.call_id)
    if tool_call is None:
        s.journal(Kind.MOVE_REFUSED, what=i.kind, cause="unknown_call")
        return
    refusal = _refusal(s, tool_call)
    if refusal is not None:
        cause, output = refusal
        s.journal(Kind.MOVE_REFUSED, what=i.kind, cause=cause)
        tool_batch.finished(s, ToolFinished(call_id=i.call_id, output=output), now_ms)
        return
    unheard_ms = sum(item.unheard_ms for item in s.items.values())
    s.move = PendingMove(
        kind=i.kind,
        argument=i.argument,
        call_id=i.call_id,
        response_id=i.response_id,
        deadline_ms=now_ms + unheard_ms + s.config.farewell_wait_ms,
    )
    s.journal(Kind.MOVE_PENDING, what=i.kind, call_id=i.call_id)
    door.withdraw(s, "move")


def caller_spoke(s: State, now_ms: float) -> None:
    """The caller speaks, or presses a key: a move that has not begun is dropped, and so is one that a tool
    under way will ask for. The model hears of it with the caller's words."""
    for batch in s.batches.values():
        for tool_call in batch.open_tool_calls.values():
            tool_call.caller_spoke = True
    move = s.move
    if move is not None and not move.gone:
        drop(s, "caller")
        if tool_batch.is_open(s, move.call_id):
            tool_batch.finished(s, ToolFinished(call_id=move.call_id, output=SPOKE), now_ms)


def ended(s: State, i: MoveEnded, now_ms: float) -> None:
    """The caller is back: the tool is answered, and with it the model speaks again."""
    move = s.move
    if move is None or not move.gone:
        return
    _end(s, move, i.output, now_ms)


def depart_if_heard(s: State, now_ms: float) -> None:
    """Lets the caller go once everything said before was heard, and no voice may still stop the move."""
    move = s.move
    if move is None or move.gone or s.doubt is not None:
        return
    if s.is_heard_out(move.response_id):
        depart(s, now_ms)


def departure_due_ms(s: State) -> float | None:
    """Until when a caller may be kept to hear what was said before."""
    return None if s.move is None or s.move.gone else s.move.deadline_ms


def depart(s: State, now_ms: float) -> None:
    """Lets the caller go, heard or not."""
    move = s.move
    if move is None:
        return
    # Whatever else is on its way to the caller would be heard in the middle of the next conversation.
    cut.interrupt(s, now_ms, cause="move")
    move.gone = True
    s.debts.waive_all()  # Whoever is elsewhere hears nothing of us, and waits for nothing.
    is_talking = move.kind == Next.DIAL
    move.deadline_ms = now_ms + (s.config.away_wait_ms if is_talking else s.config.tool_wait_ms)
    tool_batch.extend(s, move.call_id, move.deadline_ms)
    s.caller.speaking = False
    s.caller.answer_due_until_ms = None
    s.caller.answer_by_ms = None
    s.actions.append(Move(kind=move.kind, argument=move.argument, call_id=move.call_id))


def return_due_ms(s: State) -> float | None:
    """Until when the caller must be back."""
    return s.move.deadline_ms if s.move is not None and s.move.gone else None


def return_overdue(s: State, now_ms: float) -> None:
    """The caller never came back: whoever is on the line now is spoken to."""
    move = s.move
    if move is not None:
        s.journal(Kind.ERROR, what="move_never_ended", call_id=move.call_id)
        _end(s, move, NEVER_BACK, now_ms)


def drop(s: State, cause: str) -> None:
    """Gives the move up."""
    if s.move is not None:
        s.journal(Kind.MOVE_DROPPED, what=s.move.kind, call_id=s.move.call_id, cause=cause)
        s.move = None


# Private.


def _refusal(s: State, tool_call: ToolCall) -> tuple[str, str] | None:
    """Why the caller is not moved, for the journal and for the model; None: they are."""
    if s.hang_up is not None:
        return "hang_up", HANGING_UP
    if s.move is not None:
        return "moving", ANOTHER
    return ("caller", SPOKE) if tool_call.caller_spoke else None


def _end(s: State, move: PendingMove, output: str, now_ms: float) -> None:
    s.move = None
    owing.owe(s, DebtCause.RESUME, now_ms)
    if not tool_batch.is_open(s, move.call_id):
        # It ended without them: the conversation goes on all the same.
        door.submit(s, door.new_wish(s, Reason.TURN, now_ms), now_ms)
        return
    tool_batch.finished(s, ToolFinished(call_id=move.call_id, output=output), now_ms)
