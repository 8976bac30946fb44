"""The life of a response: created or adopted, its items and audio, done or given up on.

Why it exists: the slot is taken by a create of ours when it is sent (door), adopted at `created` or at the
first delta of an unknown live response, and freed by the `done` with the same id, or by the last wait.

Owns: who holds the slot, and which delta is admitted. Must not know: who hears it (playback).
"""

from __future__ import annotations

from brain.sequencer import ask_again, cut, door, playback, replace, tool_batch
from brain.sequencer.actions import Action, AudioVerdict, EndItem, EndResponse, Skip
from brain.sequencer.inputs import ItemFinished, ItemOpened, ResponseCreated, ResponseDone
from brain.sequencer.state import Item, Phase, Response, State
from brain.sequencer.wishes import Reason, Wish
from shared.contract.streams.journal import Kind


def created(s: State, i: ResponseCreated, now_ms: float) -> None:
    """`response.created`: ours by token, else the server's own."""
    response_id = i.response_id
    if i.out_of_band:
        s.out_of_band.add(response_id)
        return
    if not response_id:
        s.journal(Kind.ERROR, what="created_without_id")
        return
    if response_id in s.retired or response_id in s.finished:
        return
    response = s.active
    if response is None or response.response_id != response_id:
        response = _adopt(s, response_id, now_ms)
    elif response.confirmed:
        return
    response.confirmed = True
    s.last_created_id = response_id
    response.deadline_ms = _watchdog_ms(s, response, now_ms)
    _settle_maker(s, response, i.token, now_ms)
    s.journal(
        Kind.RESPONSE_CREATED,
        response=response_id,
        by=response.made_by,
        reason=response.reason or "",
        token=i.token,
        # 0: no wish of ours is behind it.
        wish=0 if response.wish is None else response.wish.number,
    )


def done(s: State, i: ResponseDone, now_ms: float) -> None:
    """`response.done`: the only thing that frees the slot, and only for its own id."""
    if i.out_of_band or not i.response_id or i.response_id in s.out_of_band:
        return
    active = s.active
    if active is None or active.response_id != i.response_id:
        _note_late_done(s, i, now_ms)
        return
    if not active.confirmed:
        _settle_maker(s, active, i.token, now_ms)
    s.journal(
        Kind.RESPONSE_DONE,
        response=i.response_id,
        status=i.status,
        code=i.code,
        token=i.token,
        wish=0 if active.wish is None else active.wish.number,
    )
    finish(s, active, now_ms)
    if active.response_id not in s.retired:
        ask_again.response_ended(s, active, i.status, now_ms, retry_after_ms=i.retry_after_ms)


def item_opened(s: State, i: ItemOpened, now_ms: float) -> None:
    """`response.output_item.added`: binds an item to its response."""
    response = live_response(s, i.response_id, now_ms)
    if response is None:
        if i.speaks and i.item_id and i.response_id in s.retired:
            cut.drop_straggler(s, i.item_id, i.response_id)
        return
    response.open_items.add(i.item_id)
    if i.speaks and i.item_id:
        response.last_item_id = i.item_id
        s.items.setdefault(
            i.item_id, Item(item_id=i.item_id, response_id=response.response_id, session=s.session)
        )


def item_finished(s: State, i: ItemFinished, now_ms: float) -> None:
    """An item has all its audio: egress may pad its tail."""
    response = live_response(s, i.response_id, now_ms)
    if response is None:
        if not i.final and (i.response_id in s.retired or i.response_id in s.finished):
            s.journal(Kind.AUDIO_DONE_SKIP, response=i.response_id, item=i.item_id)
        return
    if i.final:
        response.open_items.discard(i.item_id)
        if response is s.active and not response.open_items and not response.cancelling:
            response.deadline_ms = now_ms + s.config.done_after_items_ms
    item = s.items.get(i.item_id)
    if item is not None and item.response_id == i.response_id:
        _end_item(s, item)
        playback.forget_heard(s)


def admit_audio(
    s: State, response_id: str, item_id: str, n_bytes: int, now_ms: float, *, audible: bool
) -> AudioVerdict:
    """Judges one audio delta: by its response id first, then by everything else."""
    if not response_id and s.active is not None:
        response_id = s.active.response_id
    skip = _why_skip(s, response_id, n_bytes)
    if skip is not None:
        return _refuse(s, skip, response_id, item_id)
    response = s.responses.get(response_id)
    if response is None:
        response = _adopt_unannounced(s, response_id, now_ms)
        if response_id in s.retired:
            return _refuse(s, Skip.HANG_UP, response_id, item_id)
    item_id = item_id or response.last_item_id or response_id
    item = s.items.get(item_id)
    if item is None:
        item = s.items[item_id] = Item(item_id=item_id, response_id=response_id, session=s.session)
    elif item.complete:
        return _refuse(s, Skip.ITEM_ENDED, response_id, item_id)
    if s.unheard_bytes + n_bytes > s.config.max_unheard_bytes:
        response.full = True
        s.journal(Kind.ERROR, what="reply_full", response=response_id)
        cut.cancel(s, response, now_ms)
        return _refuse(s, Skip.BACKLOG, response_id, item_id)
    response.last_item_id = item_id
    offset_bytes = item.received_bytes
    first = not response.spoke
    item.received_bytes += n_bytes
    response.spoke = True
    response.deadline_ms = _watchdog_ms(s, response, now_ms)
    s.playback_at_ms = now_ms
    if audible:
        replace.sounded(s, response)
    return AudioVerdict(
        skip=None,
        response_id=response_id,
        item_id=item_id,
        cut=s.cut,
        offset_bytes=offset_bytes,
        first=first,
        debt=response.debt,
        answers_turn=response.answers_turn,
        actions=_take_actions(s),
    )


def due_ms(s: State) -> float | None:
    """Until when the active response must give a sign of life."""
    return None if s.active is None else s.active.deadline_ms


def overdue(s: State, now_ms: float) -> None:
    """No sign of the active response: it is cancelled, or, if it was cancelled already, given up on."""
    active = s.active
    if active is None:
        return
    if active.cancelling and not active.cancel_event_id:
        cut.send_cancel(s, active, now_ms)  # The server did not do it by itself.
    elif active.cancelling:
        s.journal(Kind.ERROR, what="done_missing", response=active.response_id)
        finish(s, active, now_ms)
        if active.response_id not in s.retired:
            ask_again.response_ended(s, active, "lost", now_ms)
        replace.done_missing(s, active)
    else:
        s.journal(Kind.ERROR, what="response_silent", response=active.response_id)
        cut.cancel(s, active, now_ms)


def finish(s: State, response: Response, now_ms: float) -> None:
    """Ends a response that generates no more: closes its items, frees the slot, has its tools answered."""
    response.done = True
    s.finished.add(response.response_id)
    if s.active is response:
        s.active = None
    if response.response_id not in s.retired:
        for item in list(s.items.values()):
            if item.response_id == response.response_id:
                _end_item(s, item)
        if response.spoke:
            s.actions.append(EndResponse(cut=s.cut, response_id=response.response_id, debt=response.debt))
        playback.forget_heard(s)
    tool_batch.response_finished(s, response.response_id, now_ms)


def discard(s: State, response: Response, now_ms: float) -> None:
    """Cancels a response that nobody wants to hear; what of it is in `reply` already is flushed."""
    if response.spoke:
        cut.flush(s, now_ms, cause="unwanted")
        return
    cut.retire(s, response)
    cut.cancel(s, response, now_ms)
    for item in list(s.items.values()):
        if item.response_id == response.response_id:
            del s.items[item.item_id]
            cut.drop_straggler(s, item.item_id, response.response_id)


def live_response(s: State, response_id: str, now_ms: float) -> Response | None:
    """The response that an event is about, adopted if unknown; None if its audio may not be heard. The event
    is a sign of life."""
    known = s.responses.get(response_id)
    if known is None:
        if not response_id or _is_dead(s, response_id):
            return None
        known = _adopt_unannounced(s, response_id, now_ms)
        if response_id in s.retired:
            return None
    if known is s.active:
        known.deadline_ms = _watchdog_ms(s, known, now_ms)
    return known


# Private.


def _adopt(s: State, response_id: str, now_ms: float) -> Response:
    """Gives the slot to a live response. The server has one slot: whoever held it is over."""
    displaced = s.active
    response = Response(response_id=response_id, deadline_ms=0.0, confirmed=False, debt=s.debts.raised)
    response.deadline_ms = _watchdog_ms(s, response, now_ms)
    s.active = response
    s.responses[response_id] = response
    s.caller.unanswered = False
    s.caller.answer_by_ms = None
    if displaced is not None:
        # Once the new one has the slot: what the end of the old one wishes for must find it taken.
        s.journal(Kind.ERROR, what="done_missing", response=displaced.response_id)
        finish(s, displaced, now_ms)
    return response


def _adopt_unannounced(s: State, response_id: str, now_ms: float) -> Response:
    """Adopts a response whose `created` was not seen. While a create of ours is outstanding it may be that
    one's answer: then its `created`, or its `done`, will tell."""
    response = _adopt(s, response_id, now_ms)
    if s.outstanding is None:
        _settle_maker(s, response, "", now_ms)
    return response


def _settle_maker(s: State, response: Response, token: str, now_ms: float) -> None:
    """Finds out whose response it is, and does what was waiting for that."""
    create = s.outstanding
    if create is not None and token == create.token:
        s.outstanding = None
        response.reason = create.reason
        if create.wish is None:
            discard(s, response, now_ms)
        else:
            _bind_wish(s, response, create.wish)
        return
    number = s.abandoned.pop(token, None)
    if number is not None:
        _adopt_late(s, response, number, now_ms)
        return
    if s.hang_up is not None:
        if response.response_id != s.hang_up.response_id:
            discard(s, response, now_ms)
        return
    if s.move is not None:
        # The caller is on the way elsewhere: it would be heard by nobody, or when they are back.
        discard(s, response, now_ms)
        return
    if s.config.create_response_by == "server":
        if s.caller.speaking and s.caller.talking_on:
            _interrupt_at_birth(s, response, now_ms)
            return
        # Its VAD answers only a caller who stopped.
        s.caller.speaking = False
    s.caller.answer_due_until_ms = None
    door.supersede_by_server(s, response.response_id)


def _interrupt_at_birth(s: State, response: Response, now_ms: float) -> None:
    """Interrupts, before its first word, the server's answer to a turn whose caller has gone on talking. The
    turn that is open will be answered, and with it the one before. Should the server answer once more before
    it tells of a pause, then it knows of one that we do not."""
    s.caller.talking_on = False
    s.caller.unanswered = True
    s.journal(Kind.RESPONSE_SUPERSEDED, reason=Reason.TURN, wish=0, cause="speech")
    discard(s, response, now_ms)


def _bind_wish(s: State, response: Response, wish: Wish) -> None:
    """From now on this is the response that serves the wish."""
    response.reason = wish.reason
    response.wish = wish
    if wish.reason is Reason.FAREWELL and s.hang_up is not None:
        s.hang_up.response_id = response.response_id


def _adopt_late(s: State, response: Response, number: int, now_ms: float) -> None:
    """Lets a create that was given up on, and was created after all, serve its wish if that still waits."""
    create = s.outstanding
    for wish in list(s.deferred.values()):
        if wish.number == number:
            del s.deferred[wish.reason]
            _bind_wish(s, response, wish)
            return
    if create is not None and create.wish is not None and create.wish.number == number:
        _bind_wish(s, response, create.wish)
        door.disown(create)
        return
    discard(s, response, now_ms)


def _note_late_done(s: State, i: ResponseDone, now_ms: float) -> None:
    """Clears the traces of a response whose `done` comes while it is not active, and nothing else."""
    s.finished.add(i.response_id)
    create = s.outstanding
    if create is not None and i.token and i.token == create.token:
        # Created and done, and we saw only the end: the wish had its response.
        s.outstanding = None
        s.journal(
            Kind.ERROR,
            what="created_missing",
            response=i.response_id,
            token=i.token,
            wish=0 if create.wish is None else create.wish.number,
        )
        ask_again.unseen_ended(s, create.wish, now_ms)


def _is_dead(s: State, response_id: str) -> bool:
    return response_id in s.retired or response_id in s.finished or response_id in s.out_of_band


def _watchdog_ms(s: State, response: Response, now_ms: float) -> float:
    """Until when to wait after a sign of life; it never moves the wait for a missing `done`."""
    if response.cancelling:
        return response.deadline_ms
    if response.spoke:
        return now_ms + s.config.ceased_ms
    return now_ms + (s.config.active_silent_ms if s.debts.owed is None else s.config.unspoken_wait_ms)


def _end_item(s: State, item: Item) -> None:
    if item.complete:
        return
    item.complete = True
    if item.received_bytes > 0:
        s.actions.append(
            EndItem(
                cut=s.cut,
                response_id=item.response_id,
                item_id=item.item_id,
                total_bytes=item.received_bytes,
            )
        )


def _why_skip(s: State, response_id: str, n_bytes: int) -> Skip | None:
    if response_id in s.retired:
        return Skip.RETIRED
    if s.phase is not Phase.OPEN:
        return Skip.NO_SESSION
    if not response_id:
        return Skip.UNKNOWN
    if response_id in s.out_of_band:
        return Skip.OUT_OF_BAND
    if response_id in s.finished:
        return Skip.FINISHED
    known = s.responses.get(response_id)
    if known is not None and known.full:
        return Skip.BACKLOG
    return Skip.EMPTY if n_bytes <= 0 else None


def _refuse(s: State, skip: Skip, response_id: str, item_id: str) -> AudioVerdict:
    if skip is not Skip.EMPTY and response_id and response_id not in s.skipped:
        # One line a response: the rest of its deltas only count.
        s.skipped.add(response_id)
        s.journal(Kind.AUDIO_DELTA_SKIP, response=response_id, item=item_id, why=skip)
    return AudioVerdict(
        skip=skip,
        response_id=response_id,
        item_id=item_id,
        cut=s.cut,
        offset_bytes=0,
        first=False,
        actions=_take_actions(s),
    )


def _take_actions(s: State) -> tuple[Action, ...]:
    if not s.actions:
        return ()
    actions = tuple(s.actions)
    s.actions.clear()
    return actions
