"""The cut: everything audible or under way is interrupted, and the model is told what was heard of it.

Why it exists: the caller's ear and the model's memory part at an interruption, and only egress knows where.
The order is fixed (docs/design.md, Barge-in): the flush goes into `reply` before anything else, since the
caller hears it; the model's side can wait for a round trip.

Owns: the number of the cut, the retired ids, the wait for egress's figures, what is truncated, deleted and
rewritten. Must not know: why there is an interruption. That is for who calls.
"""

from __future__ import annotations

from brain.sequencer import door, playback
from brain.sequencer.actions import Flush, RecordHeard, Rewrite, SendCancel, SendDelete, SendTruncate
from brain.sequencer.inputs import Flushed
from brain.sequencer.state import Item, PendingCut, Response, State
from brain.sequencer.wishes import Reason
from shared.contract.streams.journal import Kind


def interrupt_by_caller(s: State, now_ms: float, *, cause: str) -> None:
    """As `interrupt`, for the caller's voice or keys: what must be heard is not cut."""
    door.withdraw(s, cause, by_caller=True)
    if not is_protected(s):
        flush(s, now_ms, cause=cause)


def is_protected(s: State) -> bool:
    """Whether a greeting or a notice is said, or still to be heard, that the caller may not cut."""
    must_greet = not s.config.greeting_interruptible
    return any(
        (response.protected or (must_greet and response.reason is Reason.GREETING))
        and not s.is_heard_out(response_id)
        for response_id, response in s.responses.items()
    )


def interrupt(s: State, now_ms: float, *, cause: str) -> None:
    """Ends everything audible, unheard, generating or asked for; sends nothing if there is nothing."""
    door.withdraw(s, cause)
    flush(s, now_ms, cause=cause)


def interruptible(s: State) -> list[Response]:
    """Those that a flush ends: generating, audible, or still to be heard."""
    return [
        response
        for response in s.responses.values()
        if response is s.active or s.has_unheard(response.response_id)
    ]


def flush(s: State, now_ms: float, *, cause: str) -> None:
    """Ends everything audible, unheard or generating: a new cut."""
    active = s.active
    targets = interruptible(s)
    if not targets:
        return
    resolve_cut(s, {})
    s.cut += 1
    playhead = next(iter(s.items.values()), None)
    interrupted_id = targets[0].response_id if playhead is None else playhead.response_id
    playhead_id = "" if playhead is None else playhead.item_id
    s.actions.append(Flush(cut=s.cut, response_id=interrupted_id, item_id=playhead_id))
    s.journal(Kind.FLUSH, cut=s.cut, response=interrupted_id, item=playhead_id, cause=cause)
    playback.stop_speaking(s, cause="flushed")
    for response in list(s.responses.values()):
        retire(s, response)
    if active is not None:
        cancel(s, active, now_ms, by_server=cause == "speech" and s.config.server_interrupts)
    s.pending_cut = PendingCut(cut=s.cut, deadline_ms=now_ms + s.config.flushed_wait_ms, items=s.items)
    s.items = {}
    s.frames_waiting = 0


def retire(s: State, response: Response) -> None:
    """From now on none of its audio may reach the caller, and what is not heard is not speaking."""
    if s.speaking is not None and s.speaking.response_id == response.response_id:
        playback.stop_speaking(s, cause="retired")
    s.retired.add(response.response_id)
    s.responses.pop(response.response_id, None)


def cancel(s: State, response: Response, now_ms: float, *, by_server: bool = False) -> None:
    """Cancels a generating response, by id, once; the slot stays taken until its `done`. `by_server`: the
    server has done so itself, so our cancel would be an error; it is meant if no `done` follows."""
    if response.cancelling:
        return
    response.cancelling = True
    if by_server:
        response.deadline_ms = now_ms + s.config.server_cancel_wait_ms
        event_id = s.event_id("cancel")
        hint = SendCancel(event_id=event_id, response_id=response.response_id, left_to_server=True)
        s.actions.append(hint)
    else:
        send_cancel(s, response, now_ms)


def send_cancel(s: State, response: Response, now_ms: float) -> None:
    """Asks the server to cancel; its `done` is waited for."""
    response.cancel_event_id = s.event_id("cancel")
    response.deadline_ms = now_ms + s.config.done_wait_ms
    s.actions.append(SendCancel(event_id=response.cancel_event_id, response_id=response.response_id))


def flushed(s: State, i: Flushed, now_ms: float) -> None:
    """Egress's own figures for the cut: the truth about what was heard."""
    pending = s.pending_cut
    if pending is None or pending.cut != i.cut:
        return
    s.journal(Kind.FLUSHED, cut=i.cut)
    resolve_cut(s, {item.item_id: item.heard_ms for item in i.items})


def figures_due_ms(s: State) -> float | None:
    """Until when egress's figures are waited for."""
    return None if s.pending_cut is None else s.pending_cut.deadline_ms


def figures_overdue(s: State, now_ms: float) -> None:
    """Egress says nothing: the last known playhead counts."""
    resolve_cut(s, {})


def resolve_cut(s: State, heard_ms: dict[str, float]) -> None:
    """Makes the model's memory agree with the caller's ear, item by item, in playback order.

    `heard_ms` by item; an item that is not in it keeps its last known playhead.
    """
    pending = s.pending_cut
    if pending is None:
        return
    s.pending_cut = None
    playhead_passed = False
    for item in pending.items.values():
        heard = min(heard_ms.get(item.item_id, item.heard_ms), item.received_ms)
        s.actions.append(
            RecordHeard(
                item_id=item.item_id,
                heard_ms=int(heard),
                received_ms=int(item.received_ms),
                complete=item.complete,
                heard_out=_is_reported_whole(s, item, heard),
            )
        )
        if playhead_passed:
            _delete(s, item)
        elif not _is_heard_out(s, item, heard):
            playhead_passed = True
            _truncate(s, item, heard)


def drop_straggler(s: State, item_id: str, response_id: str) -> None:
    """A retired response opened one more spoken item: nobody will hear it, so nobody said it."""
    item = Item(item_id=item_id, response_id=response_id, session=s.session)
    if s.pending_cut is not None:
        s.pending_cut.items.setdefault(item_id, item)
    else:
        _delete(s, item)


# Private.


def _is_heard_out(s: State, item: Item, heard_ms: float) -> bool:
    near_end_ms = item.received_ms - s.config.truncate_margin_ms
    return item.complete and heard_ms >= near_end_ms


def _is_reported_whole(s: State, item: Item, heard_ms: float) -> bool:
    """Without the margin that a truncation has: what counts is the ear."""
    unheard_ms = item.received_ms - heard_ms
    return item.complete and not item.presumed and unheard_ms <= s.config.played_tolerance_ms


def _truncate(s: State, item: Item, heard_ms: float) -> None:
    keep_ms = int(min(heard_ms, item.received_ms - s.config.truncate_margin_ms))
    if keep_ms <= 0:
        _delete(s, item)
        return
    if item.session != s.session:
        _rewrite(s, item, keep_ms)
        return
    s.actions.append(
        SendTruncate(event_id=s.event_id("truncate"), item_id=item.item_id, audio_end_ms=keep_ms)
    )
    s.journal(Kind.TRUNCATE, item=item.item_id, response=item.response_id, audio_end_ms=keep_ms)


def _rewrite(s: State, item: Item, heard_ms: int) -> None:
    """The session that could truncate this item is gone; the present one was told its text."""
    s.actions.append(Rewrite(item_id=item.item_id, heard_ms=heard_ms))
    s.journal(Kind.REWRITE, item=item.item_id, response=item.response_id, audio_end_ms=heard_ms)


def _delete(s: State, item: Item) -> None:
    if item.session != s.session:
        _rewrite(s, item, 0)
        return
    s.actions.append(SendDelete(event_id=s.event_id("delete"), item_id=item.item_id))
    s.journal(Kind.TRUNCATE, item=item.item_id, response=item.response_id, audio_end_ms=0)
