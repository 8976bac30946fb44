"""The session begins and ends: what that does to the state.

Why it exists: a lost session takes its ids with it. Nothing that it was generating can come any more, but
what is in `reply` is still good and will be heard; wishes wait for the next session until they expire.

Owns: the phase, and what one session owes the caller when it is lost. Must not know: why it was lost, and
how the next one comes to be.
"""

from __future__ import annotations

from brain.sequencer import caller_text, cut, door, notice, owing, replace, responses, tool_batch
from brain.sequencer.actions import SilenceServer
from brain.sequencer.inputs import SessionConfirmed, SessionLost
from brain.sequencer.state import CallerSpeech, Phase, State
from brain.sequencer.wishes import Reason, Wish
from shared.contract.owed import DebtCause
from shared.contract.streams.journal import Kind


def confirmed(s: State, i: SessionConfirmed, now_ms: float) -> None:
    """The gate opens; later echoes of `session.updated` are not a new beginning."""
    s.phase = Phase.OPEN
    s.session += 1
    s.journal(Kind.SESSION_READY, session=s.session)
    if s.hang_up is not None:
        # The session before was told; this one would answer the caller, or let them cut the farewell.
        s.actions.append(SilenceServer(event_id=s.event_id("silence")))
    if s.asking.replayed and s.debts.owed is not None:
        # Its VAD will hear the turn that it is told again. If not, we ask for the answer.
        s.caller.answer_by_ms = now_ms + s.config.turn_answer_wait_ms
    s.asking.replayed = False
    notice.tell(s)
    caller_text.session_ready(s, now_ms)
    tool_batch.session_ready(s, now_ms)


def lost(s: State, i: SessionLost, now_ms: float) -> None:
    """Closes what was open; keeps what is wished, and what was being said and is not yet all said."""
    if s.phase is not Phase.OPEN:
        return
    if i.cause == "rollover":
        s.journal(Kind.ROLLOVER, what="session_lost", cause=i.cause)
    else:
        s.journal(Kind.ERROR, what="session_lost", cause=i.cause)
    cut.resolve_cut(s, {})
    owed = _owed_wish(s, i, now_ms)
    s.phase = Phase.CLOSED
    replace.lost(s)
    s.asking.replayed = i.turn_replayed
    s.roll_over_by_ms = None
    if s.active is not None:
        responses.finish(s, s.active, now_ms)
    tool_batch.session_lost(s, now_ms)
    s.caller = CallerSpeech()
    create = s.outstanding
    s.outstanding = None
    if create is not None and create.wish is not None:
        door.defer(s, create.wish, door.Gate.SESSION, "session_lost")
    if owed is not None:
        door.defer(s, owed, door.Gate.SESSION, "session_lost")
    turn = s.deferred.get(Reason.TURN)
    if turn is not None and i.turn_replayed and not turn.answered_ids:
        # The next session hears the turn itself: with our create it would be answered twice.
        del s.deferred[Reason.TURN]
        door.supersede(s, turn, "turn_replayed")


# Private.


def _owed_wish(s: State, i: SessionLost, now_ms: float) -> Wish | None:
    """What the next session has to say that this one did not: its reply was cut off, or never came."""
    active = s.active
    if active is not None and active.response_id in s.retired:
        active = None
    if active is not None and active.wish is not None and not active.spoke:
        # Also when it was cancelled: nobody interrupted it, it had only said nothing for too long.
        return active.wish
    if active is None or active.cancelling:
        if s.caller.unanswered and s.hang_up is None and not i.turn_replayed:
            return door.new_wish(s, Reason.TURN, now_ms)
        return None
    if s.hang_up is not None or active.response_id in s.batches:
        return None  # Its tools are answered by a create of their own.
    if active.spoke:
        # Cut off in the middle: what was heard of it has paid for its beginning only.
        owing.owe(s, DebtCause.TURN, now_ms)
    return None if i.turn_replayed else door.new_wish(s, Reason.TURN, now_ms)
