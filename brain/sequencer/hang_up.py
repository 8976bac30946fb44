"""The end of a call: the farewell is heard first, within a bound.

Why it exists: while a hang-up is pending the server makes no responses, and one that still appears is
cancelled; only the farewell passes the door; the caller does not interrupt it.

Owns: the pending hang-up, and when it is one no longer. Must not know: how a call is ended.
"""

from __future__ import annotations

from dataclasses import replace

from brain.sequencer import cut, door, move, owing, playback
from brain.sequencer.actions import HangUp, SilenceServer
from brain.sequencer.inputs import HangUpWished
from brain.sequencer.state import PendingHangUp, Phase, State
from brain.sequencer.wishes import Reason
from shared.contract.owed import DebtCause
from shared.contract.streams.journal import Kind


def wished(s: State, i: HangUpWished, now_ms: float) -> None:
    """Ends the call: at once without a farewell, else after it. A second wish only makes it shorter."""
    if s.hang_up is not None:
        if not i.farewell:
            _hang_up_now(s, i.cause, now_ms)
        return
    is_away = s.move is not None and s.move.gone
    if not i.farewell or is_away:
        _hang_up_now(s, i.cause, now_ms)
        return
    move.drop(s, "hang_up")
    door.drop_all(s, "hang_up")
    deadline_ms = s.farewell_bound_ms(now_ms)
    most_ms = 2 * s.config.farewell_wait_ms + s.config.farewell_unheard_ms
    s.hang_up = PendingHangUp(cause=i.cause, deadline_ms=deadline_ms, latest_ms=now_ms + most_ms)
    s.caller.answer_due_until_ms = s.caller.answer_by_ms = s.caller.typing_until_ms = None
    s.journal(Kind.HANG_UP_PENDING, cause=i.cause)
    if s.phase is Phase.OPEN:
        s.actions.append(SilenceServer(event_id=s.event_id("silence")))
    asked_by = s.responses.get(i.response_id)
    if i.only_if_unsaid and asked_by is not None and asked_by.sounded:
        s.hang_up.response_id = asked_by.response_id
        s.hang_up.began = s.speaking is not None and s.speaking.response_id == asked_by.response_id
        if not s.hang_up.began:
            # Nobody has heard it yet: it is owed like any other farewell.
            asked_by.debt = owing.owe(s, DebtCause.FAREWELL, now_ms)
        return
    owing.owe(s, DebtCause.FAREWELL, now_ms)
    farewell = door.new_wish(s, Reason.FAREWELL, now_ms, text=i.farewell)
    door.submit(s, replace(farewell, expires_at_ms=deadline_ms), now_ms)


def end_if_heard(s: State) -> None:
    """Hangs up once the farewell was heard out, or can no longer come."""
    pending = s.hang_up
    if pending is None or s.phase is Phase.ENDED:
        return
    if pending.at_once:
        # Flushed already; what was heard of it is still to be told.
        if s.pending_cut is None:
            _end(s, pending.cause)
    elif pending.response_id:
        if s.is_heard_out(pending.response_id):
            _end(s, pending.cause)
    elif not _is_farewell_coming(s):
        _end(s, pending.cause)


def due_ms(s: State) -> float | None:
    """By when the call has ended, farewell or not."""
    return None if s.hang_up is None else s.hang_up.deadline_ms


def overdue(s: State, now_ms: float) -> None:
    """Hangs up: the farewell was not heard out in time."""
    pending = s.hang_up
    if pending is None:
        return
    if not pending.at_once:
        s.journal(Kind.ERROR, what="farewell_overdue")
    _end(s, pending.cause)


# Private.


def _is_farewell_coming(s: State) -> bool:
    if Reason.FAREWELL in s.deferred:
        return True
    create = s.outstanding
    return create is not None and create.wish is not None and create.reason is Reason.FAREWELL


def _hang_up_now(s: State, cause: str, now_ms: float) -> None:
    move.drop(s, "hang_up")
    door.drop_all(s, "hang_up")
    cut.interrupt(s, now_ms, cause="hang_up")
    deadline_ms = now_ms if s.pending_cut is None else s.pending_cut.deadline_ms
    s.hang_up = PendingHangUp(cause=cause, deadline_ms=deadline_ms, at_once=True)


def _end(s: State, cause: str) -> None:
    door.drop_all(s, "hang_up")
    cut.resolve_cut(s, {})
    playback.stop_speaking(s, cause="ended")
    is_awaited = s.hang_up is not None and not s.hang_up.at_once
    unheard = is_awaited and DebtCause.FAREWELL in s.debts.standing.values()
    s.debts.waive_all()
    s.phase = Phase.ENDED
    s.actions.append(HangUp(cause=cause, unheard=unheard))
