"""The one door for creates: gates, deferring, refusals. Nothing else sends `response.create`.

Why it exists: many want the model to speak, and the server lets one response speak at a time
(docs/design.md, The response sequencer). The gates are asked in a fixed order; a closed one defers and
coalesces; a refusal is matched by `event_id`; refused with no active response known means again after a
doubling pause, until the wish expires.

Owns: the outstanding create and the wishes that wait. Must not know: who wishes, and what becomes of a
response once it is created.
"""

from __future__ import annotations

import enum
from dataclasses import replace

from brain.sequencer import replace as session_replace
from brain.sequencer.actions import SendCreate
from brain.sequencer.inputs import Refused
from brain.sequencer.state import Create, Phase, State
from brain.sequencer.wishes import (
    ANSWERS_CONVERSATION,
    EXPIRY_MS,
    SUPERSEDED_BY_SERVER,
    Reason,
    Wish,
)
from shared.audio import BYTES_PER_MS
from shared.contract.streams.journal import Kind

CANCEL_NOT_ACTIVE = "response_cancel_not_active"

MAX_ABANDONED = 64
"""Tokens of lost creates remembered: a late `created` within a minute still finds its wish."""


class Gate(enum.StrEnum):
    """What may hold a wish back, in the order in which the gates are asked."""

    SESSION = "session"
    HANG_UP = "hang_up"
    AWAY = "away"
    """The caller goes elsewhere, or is there: nobody would hear it."""
    CALLER = "caller"
    SLOT = "slot"
    BACKOFF = "backoff"


def new_wish(
    s: State,
    reason: Reason,
    now_ms: float,
    *,
    text: str = "",
    force: bool = False,
    answered_ids: tuple[str, ...] = (),
) -> Wish:
    """A wish that has not asked at any gate yet."""
    return Wish(
        number=s.next_number(),
        reason=reason,
        text=text,
        force=force,
        expires_at_ms=now_ms + EXPIRY_MS[reason],
        backoff_ms=s.config.first_backoff_ms,
        answered_ids=answered_ids,
    )


def submit(s: State, wish: Wish, now_ms: float) -> None:
    """Sends the wish's create if every gate is open, else lets it wait."""
    gate = closed_gate(s, wish)
    if gate is None:
        _send(s, wish, now_ms)
    else:
        defer(s, wish, gate)


def closed_gate(s: State, wish: Wish) -> Gate | None:
    """The first closed gate, None if the wish may be sent. The slot has no exception."""
    if s.phase is not Phase.OPEN or s.asking.replacing:
        return Gate.SESSION
    if s.hang_up is not None and wish.reason is not Reason.FAREWELL:
        return Gate.HANG_UP
    if s.move is not None:
        return Gate.AWAY
    caller = s.caller
    is_caller_busy = (
        caller.speaking
        or s.doubt is not None
        or caller.typing_until_ms is not None
        or caller.answer_due_until_ms is not None
    )
    if is_caller_busy and wish.reason is not Reason.GREETING and not wish.force:
        return Gate.CALLER
    if s.active is not None or s.outstanding is not None:
        return Gate.SLOT
    return Gate.BACKOFF if wish.not_before_ms > 0 else None


def defer(s: State, wish: Wish, gate: Gate, cause: str = "") -> None:
    """Lets a wish wait. One wish a reason waits; when there are two, the later is merged into the earlier
    one, whose text comes first. (The one deferred now may be the earlier: back from a refused create.)"""
    waiting = s.deferred.get(wish.reason)
    joining: Wish | None = None
    kept = wish
    if waiting is not None:
        kept, joining = (waiting, wish) if waiting.number <= wish.number else (wish, waiting)
        kept = kept.merged_with(joining)
    s.deferred[wish.reason] = kept
    if wish.reason is Reason.FAREWELL and s.hang_up is not None:
        s.hang_up.response_id = ""  # No response is the farewell any more: it is still to be said.
    s.journal(
        Kind.RESPONSE_DEFERRED,
        reason=wish.reason,
        gate=gate,
        cause=cause,
        wish=kept.number,
        # From here on the wish that joins has the number of the other.
        joined=0 if joining is None or joining.number == kept.number else joining.number,
        expires_at_ms=kept.expires_at_ms,
    )


def dispatch(s: State, now_ms: float) -> None:
    """Sends the first waiting wish whose gates are all open; the slot then holds back the others."""
    for reason in Reason:
        wish = s.deferred.get(reason)
        if wish is not None and closed_gate(s, wish) is None:
            del s.deferred[reason]
            _send(s, wish, now_ms)
            return


def supersede(s: State, wish: Wish, cause: str) -> None:
    """Notes in the journal that a wish needs no response of its own any more."""
    s.journal(Kind.RESPONSE_SUPERSEDED, reason=wish.reason, wish=wish.number, cause=cause)


def supersede_by_server(s: State, response_id: str) -> None:
    """A server-made response took the turn: what it answers just as well is not wished any more."""
    for wish in list(s.deferred.values()):
        if _is_answered_by_server(s, wish):
            del s.deferred[wish.reason]
            supersede(s, wish, response_id)
    create = s.outstanding
    if create is not None and create.wish is not None and _is_answered_by_server(s, create.wish):
        supersede(s, create.wish, response_id)
        disown(create)


def disown(create: Create) -> None:
    """Leaves a create without a wish: should it be created after all, it is cancelled then."""
    create.wish = None


def withdraw(s: State, cause: str, *, by_caller: bool = False) -> None:
    """Takes back a create in flight that an interruption meets: it is cancelled at its `created`.

    What the caller's new turn answers anyway is superseded; what only this wish can say waits again. A
    greeting may speak over the caller, so their speech does not withdraw it, nor do their keys one that must
    be heard.
    """
    create = s.outstanding
    if create is None or create.wish is None:
        return
    wish = create.wish
    is_protected = by_caller and not s.config.greeting_interruptible
    if wish.reason is Reason.GREETING and (cause == "speech" or is_protected):
        return
    disown(create)
    if wish.reason in SUPERSEDED_BY_SERVER:
        supersede(s, wish, cause)
    else:
        defer(s, wish, Gate.SLOT, cause)


def refused(s: State, i: Refused, now_ms: float) -> None:
    """An `error`: ours by `event_id`, or the server's own create that met an active response."""
    create = s.outstanding
    if create is not None and i.event_id and i.event_id == create.token:
        s.outstanding = None
        s.journal(Kind.REFUSED, what="create", token=create.token, code=i.code)
        session_replace.create_refused(s, i.code)
        if create.wish is not None:
            _retry(s, create.wish, now_ms, "refused")
    elif s.active is not None and i.event_id and i.event_id == s.active.cancel_event_id:
        s.journal(Kind.REFUSED, what="cancel", response=s.active.response_id, code=i.code)
        if i.code == CANCEL_NOT_ACTIVE:
            # The `done` was sent before this answer; if it does not show up soon it is lost.
            soon_ms = now_ms + s.config.refused_cancel_wait_ms
            s.active.deadline_ms = min(s.active.deadline_ms, soon_ms)
            s.active.cancel_refused = True
    else:
        s.journal(Kind.REFUSED, what="other", event_id=i.event_id, code=i.code)
        if _is_answer_lost(s, i):
            submit(s, new_wish(s, Reason.TURN, now_ms), now_ms)


def created_due_ms(s: State) -> float | None:
    """Until when the outstanding create must be answered."""
    return None if s.outstanding is None else s.outstanding.deadline_ms


def created_overdue(s: State, now_ms: float) -> None:
    """The outstanding create was not answered in time: it is given up on, and wished for again."""
    create = s.outstanding
    if create is None:
        return
    s.outstanding = None
    s.journal(Kind.ERROR, what="create_unanswered", token=create.token, reason=create.reason)
    number = 0 if create.wish is None else create.wish.number
    s.abandoned[create.token] = number
    if len(s.abandoned) > MAX_ABANDONED:
        del s.abandoned[next(iter(s.abandoned))]
    if create.wish is not None:
        _retry(s, create.wish, now_ms, "create_unanswered")
    session_replace.create_unanswered(s)


def retry(s: State, wish: Wish, now_ms: float, *, pause_ms: float = 0.0) -> None:
    """Wishes again: the response for this wish ended without a sound. `pause_ms`: the server does not want to
    be asked sooner."""
    if pause_ms > 0:
        patient_ms = now_ms + pause_ms + 2 * s.config.created_wait_ms
        wish = replace(wish, expires_at_ms=max(wish.expires_at_ms, patient_ms))
    _retry(s, wish, now_ms, "nothing_said", pause_ms)


def held_back(s: State, wish: Wish, now_ms: float, pause_ms: float = 0.0) -> Wish:
    """The wish, not before a pause is over; the next one will be longer."""
    return replace(
        wish,
        not_before_ms=now_ms + max(wish.backoff_ms, pause_ms),
        backoff_ms=min(wish.backoff_ms * 2, s.config.longest_backoff_ms),
    )


def expiry_due_ms(s: State) -> float | None:
    """When the first of the waiting wishes expires."""
    return min((wish.expires_at_ms for wish in s.deferred.values()), default=None)


def expire(s: State, now_ms: float) -> None:
    """Drops the wishes that waited too long: `response_expired`, each."""
    for wish in list(s.deferred.values()):
        if wish.expires_at_ms <= now_ms:
            del s.deferred[wish.reason]
            s.journal(Kind.RESPONSE_EXPIRED, reason=wish.reason, wish=wish.number)


def backoff_due_ms(s: State) -> float | None:
    """When the first of the pauses after a refusal is over."""
    pauses = (wish.not_before_ms for wish in s.deferred.values() if wish.not_before_ms > 0)
    return min(pauses, default=None)


def end_backoff(s: State, now_ms: float) -> None:
    """Lets the wishes whose pause is over ask at the gates again."""
    for wish in list(s.deferred.values()):
        if 0 < wish.not_before_ms <= now_ms:
            s.deferred[wish.reason] = replace(wish, not_before_ms=0.0)


def drop_all(s: State, cause: str) -> None:
    """Supersedes every wish, waiting or sent."""
    for wish in s.deferred.values():
        supersede(s, wish, cause)
    s.deferred.clear()
    create = s.outstanding
    if create is not None and create.wish is not None:
        supersede(s, create.wish, cause)
        disown(create)


# Private.


def _send(s: State, wish: Wish, now_ms: float) -> None:
    token = s.event_id("create")
    s.outstanding = Create(
        token=token,
        reason=wish.reason,
        wish=wish,
        deadline_ms=now_ms + s.config.created_wait_ms,
    )
    s.actions.append(
        SendCreate(
            token=token,
            reason=wish.reason,
            text=wish.text,
            audio_only=wish.audio_only,
            without_tools=wish.without_tools,
        )
    )
    s.journal(
        Kind.RESPONSE_CREATE,
        reason=wish.reason,
        token=token,
        wish=wish.number,
        previous=s.last_created_id,
        audible="" if s.speaking is None else s.speaking.response_id,
        frames_waiting=s.frames_waiting,
        reply_waiting_ms=s.unheard_bytes / BYTES_PER_MS,
    )
    for waiting in list(s.deferred.values()):
        # The same ordered socket carried the outputs and the turn before this create: it sees both.
        both_answered = {waiting.reason, wish.reason} <= ANSWERS_CONVERSATION
        if both_answered or waiting.reason is Reason.IDLE_PROMPT:
            del s.deferred[waiting.reason]
            supersede(s, waiting, token)


def _retry(s: State, wish: Wish, now_ms: float, cause: str, pause_ms: float = 0.0) -> None:
    # While the call ends this is the farewell: every other create was left without a wish.
    if s.active is not None:
        defer(s, wish, Gate.SLOT, cause)
    else:
        defer(s, held_back(s, wish, now_ms, pause_ms), Gate.BACKOFF, cause)


def _is_answered_by_server(s: State, wish: Wish) -> bool:
    if wish.answered_ids:
        return all(answered_id in s.in_conversation for answered_id in wish.answered_ids)
    return wish.reason in SUPERSEDED_BY_SERVER


def _is_answer_lost(s: State, i: Refused) -> bool:
    """The server's VAD wanted to answer a turn and met an active response: nobody will answer it."""
    return (
        not i.event_id
        and i.code == session_replace.ACTIVE_RESPONSE
        and s.config.create_response_by == "server"
        and s.outstanding is None
        and s.hang_up is None
    )
