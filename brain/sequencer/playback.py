"""What egress reports of the caller's ear: audible, heard, silent.

Why it exists: generation is over long before playback, so only these reports say what the caller hears. A
report of another cut than the current one is stale and changes nothing, except that the playhead of a cut
which still waits for its figures is worth knowing.

Owns: "the AI is speaking", bound to one response id and cleared only by playback, flush, the end of that id,
or the last wait of all. Must not know: how egress plays.
"""

from __future__ import annotations

from brain.sequencer import owing
from brain.sequencer.actions import RecordHeard
from brain.sequencer.inputs import Audible, Heard, Silent
from brain.sequencer.state import Item, Speaking, State
from shared.audio import BYTES_PER_MS
from shared.contract.streams.journal import Kind


def audible(s: State, i: Audible, now_ms: float) -> None:
    """The caller begins to hear a response; what came before it was heard out."""
    if i.cut != s.cut:
        return
    _reported(s, i, now_ms)
    response = s.responses.get(i.response_id)
    if response is None:
        return
    owing.sounded(s, response, now_ms)
    _hear_out_before(s.items, i.response_id, i.item_id)
    _advance(s.items, i.item_id, i.heard_ms)
    if s.speaking is not None and s.speaking.response_id == i.response_id:
        s.speaking.progress_at_ms = now_ms
        return
    stop_speaking(s, cause="ended")
    s.speaking = Speaking(response_id=i.response_id, progress_at_ms=now_ms)
    s.journal(Kind.AUDIBLE, response=i.response_id, item=i.item_id, cut=i.cut)
    pending = s.hang_up
    if pending is not None and pending.response_id == i.response_id and not pending.began:
        pending.began = True
        pending.deadline_ms = max(pending.deadline_ms, s.farewell_bound_ms(now_ms))


def heard(s: State, i: Heard, now_ms: float) -> None:
    """The playhead moved."""
    if i.cut != s.cut:
        cut = s.pending_cut
        if cut is not None and i.cut == cut.cut - 1:
            _hear_out_before(cut.items, "", i.item_id)
            _advance(cut.items, i.item_id, i.heard_ms)
        return
    _reported(s, i, now_ms)
    _sounded(s, i, now_ms)
    _hear_out_before(s.items, i.response_id, i.item_id)
    if _advance(s.items, i.item_id, i.heard_ms):
        _wait_on(s, i.response_id, now_ms)
    if s.speaking is not None and s.speaking.response_id == i.response_id:
        s.speaking.progress_at_ms = now_ms


def silent(s: State, i: Silent, now_ms: float) -> None:
    """Egress holds nothing unplayed. While the response still generates it may become audible again."""
    if i.cut != s.cut:
        return
    _reported(s, i, now_ms)
    if i.cause == "played":
        _sounded(s, i, now_ms)
        _hear_out_before(s.items, i.response_id, i.item_id)
        _advance(s.items, i.item_id, i.heard_ms)
    if s.speaking is not None and s.speaking.response_id == i.response_id:
        stop_speaking(s, cause=i.cause)
    forget_heard(s)


def stop_speaking(s: State, *, cause: str) -> None:
    """The caller does not hear us any more."""
    if s.speaking is not None:
        s.journal(Kind.SILENT, response=s.speaking.response_id, cut=s.cut, cause=cause)
        s.speaking = None


def report_due_ms(s: State) -> float | None:
    """Until when egress must say something about the audible response."""
    if s.speaking is None:
        return None
    unheard_ms = sum(
        item.unheard_ms for item in s.items.values() if item.response_id == s.speaking.response_id
    )
    return s.speaking.progress_at_ms + unheard_ms + s.config.speaking_slack_ms


def report_overdue(s: State, now_ms: float) -> None:
    """No report for longer than the audio lasts: it is taken as played, so that nothing sticks."""
    speaking = s.speaking
    if speaking is None:
        return
    s.journal(Kind.ERROR, what="playback_unreported", response=speaking.response_id)
    for item in s.items.values():
        if item.response_id == speaking.response_id:
            item.presumed = item.presumed or item.unheard_ms > s.config.played_tolerance_ms
            item.heard_ms = item.received_ms
    stop_speaking(s, cause="unreported")
    forget_heard(s)


def forget_heard(s: State) -> None:
    """Lets go of items that are complete and heard out, and of responses that have no others left."""
    tolerance_ms = s.config.played_tolerance_ms
    for item in list(s.items.values()):
        if item.complete and item.unheard_ms <= tolerance_ms:
            _let_go(s, item)
    for response in list(s.responses.values()):
        if response.done and not any(item.response_id == response.response_id for item in s.items.values()):
            del s.responses[response.response_id]


# Private.


def _reported(s: State, i: Audible | Heard | Silent, now_ms: float) -> None:
    """Egress is there, and plays the present cut."""
    s.frames_waiting = i.frames_waiting
    s.playback_at_ms = now_ms


def _sounded(s: State, i: Heard | Silent, now_ms: float) -> None:
    """Something of an item was heard: so its response was audible, whether egress's word of that came or
    not."""
    item = s.items.get(i.item_id)
    if item is not None and i.heard_ms > 0:
        owing.sounded(s, s.responses.get(item.response_id), now_ms)


def _advance(items: dict[str, Item], item_id: str, heard_ms: float) -> bool:
    """Moves the playhead of an item; whether it was further back."""
    item = items.get(item_id)
    if item is None:
        return False
    before_ms, item.heard_ms = item.heard_ms, max(item.heard_ms, min(heard_ms, item.received_ms))
    return item.heard_ms > before_ms


def _wait_on(s: State, response_id: str, now_ms: float) -> None:
    """A farewell whose playhead moves is waited for, however long it is: what stands in its deadline is what
    there was of it when it began. So is what is said before a move."""
    pending, move = s.hang_up, s.move
    if move is not None and not move.gone:
        unheard_ms = s.unheard_bytes / BYTES_PER_MS
        move.deadline_ms = max(move.deadline_ms, now_ms + unheard_ms + s.config.farewell_wait_ms)
    if pending is not None and pending.began and pending.response_id == response_id:
        moved_ms = min(s.farewell_bound_ms(now_ms), pending.latest_ms)
        pending.deadline_ms = max(pending.deadline_ms, moved_ms)


def _hear_out_before(items: dict[str, Item], response_id: str, item_id: str) -> None:
    """Marks all that stands before the reported item (or response) as heard out: playback is in order.

    A report that names nothing we hold says nothing about what we hold.
    """
    by_item = item_id in items
    before: list[Item] = []
    for item in items.values():
        if item.item_id == item_id or (not by_item and item.response_id == response_id):
            for earlier in before:
                earlier.heard_ms = earlier.received_ms
            return
        before.append(item)


def _let_go(s: State, item: Item) -> None:
    del s.items[item.item_id]
    if item.received_bytes > 0:
        received_ms = int(item.received_ms)
        s.actions.append(
            RecordHeard(
                item_id=item.item_id,
                heard_ms=received_ms,
                received_ms=received_ms,
                complete=True,
                heard_out=not item.presumed,
            )
        )
