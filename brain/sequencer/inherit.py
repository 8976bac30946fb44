"""A call that another brain had: its sequencer goes on where the other one's stood.

Why it exists: what a dead brain wrote into `reply` is still played, and its caller still waits; a sequencer
that knew nothing of either would let audio run on through an interruption, and owe nothing. Owns: the state
that is made of what was left: that of the other one, whose session is then lost, by the same rules as any.
Must not know: where what was left is found (brain/takeover).

Of what the other had asked for nothing is left. Debts have numbers above its own; but what is in `reply`, and
nobody has heard, is owed under the other's number, by which it pays at ingress.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from brain.sequencer import notice, owing, playback, session
from brain.sequencer.inputs import SessionLost
from brain.sequencer.state import (
    Item,
    PendingCut,
    PendingMove,
    Phase,
    Response,
    Speaking,
    State,
    ToolBatch,
    ToolCall,
)
from brain.sequencer.wishes import Reason
from shared.audio import BYTES_PER_MS
from shared.contract.owed import DebtCause

CAUSE = "taken_over"

BRIDGE = (
    "The line was interrupted in the middle of your last answer: the caller has heard it only to where it"
    " ends above. In the language of the conversation, excuse that in a few words, then go on from there."
    " Repeat nothing that was said."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLeft:
    """A spoken item of which the caller may not have heard all."""

    item_id: str
    response_id: str
    received_bytes: int
    heard_ms: float
    complete: bool
    """It has its end in `reply`."""
    debt: int = 0
    """Its response answers all debts of the other brain up to this one; 0: nobody waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLeft:
    """The caller is to be moved, or is away."""

    kind: str
    argument: str
    call_id: str
    tool: str
    gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a brain has left. Items are in playback order."""

    cut: int = 0
    items: tuple[ItemLeft, ...] = ()
    """Of that cut."""
    flushed: tuple[ItemLeft, ...] = ()
    """Of the cut before it: nobody has noted what was heard of them."""
    ended: frozenset[str] = frozenset()
    """Responses that have their end in `reply`."""
    audible_response: str = ""
    is_unanswered: bool = False
    """The caller, or a tool, has said something that nothing was said to."""
    is_replayed: bool = False
    """It is the caller's voice, and the next session hears it again."""
    was_interrupted: bool = False
    """A tool ran, and nobody knows to what end: the model is to speak of it, and not to call it again."""
    move: MoveLeft | None = None

    @property
    def cut_off(self) -> str:
        """The response that broke off; empty: none."""
        last = self.items[-1].response_id if self.items else ""
        return "" if last in self.ended else last


def inherit(s: State, left: Left, now_ms: float) -> None:
    """Takes up what was left. The state is a fresh one."""
    s.cut = max(s.cut, left.cut)
    s.phase = Phase.OPEN  # The other one's session was, and is lost in a moment.
    for each in left.items:
        response = s.responses.get(each.response_id)
        if response is None:
            response = s.responses[each.response_id] = _response(each, now_ms)
        response.last_item_id = each.item_id
        s.items[each.item_id] = _item(each)
    if left.move is None or not left.move.gone:
        _owe_unheard(s, left, now_ms)
    s.active = s.responses.get(left.cut_off)
    if s.active is not None:
        s.active.done = False
    if left.audible_response in s.responses:
        s.speaking = Speaking(response_id=left.audible_response, progress_at_ms=now_ms)
    s.playback_at_ms = now_ms
    if left.move is not None:
        _take_up_move(s, left.move, now_ms)
    elif left.is_unanswered:
        owing.owe(s, DebtCause.TURN, now_ms)
        s.caller.unanswered = True
    session.lost(s, SessionLost(cause=CAUSE, turn_replayed=left.is_replayed), now_ms)
    playback.forget_heard(s)
    wish = s.deferred.get(Reason.TURN)
    if wish is not None:
        is_broken_off = bool(left.cut_off) and not left.is_unanswered
        text = BRIDGE if is_broken_off else wish.text
        s.deferred[Reason.TURN] = replace(wish, text=text, without_tools=left.was_interrupted)
    if left.flushed:
        s.pending_cut = PendingCut(
            cut=s.cut,
            deadline_ms=now_ms + s.config.flushed_wait_ms,
            items={each.item_id: _item(each) for each in left.flushed},
        )


# Private.


def _response(left: ItemLeft, now_ms: float) -> Response:
    return Response(
        response_id=left.response_id, deadline_ms=now_ms, confirmed=True, done=True, spoke=True, sounded=True,
        debt=left.debt, protected=left.response_id.startswith(notice.PROTECTED),
    )  # fmt: skip


def _owe_unheard(s: State, left: Left, now_ms: float) -> None:
    """Answers that are on their way to the caller: they wait for them."""
    heard = {each.response_id for each in left.items if each.heard_ms > 0} | {left.audible_response}
    for response in s.responses.values():
        if response.debt and response.response_id not in heard:
            s.debts.inherit(response.debt, DebtCause.TURN, now_ms)


def _item(left: ItemLeft) -> Item:
    return Item(
        item_id=left.item_id,
        response_id=left.response_id,
        received_bytes=left.received_bytes,
        heard_ms=min(left.heard_ms, left.received_bytes / BYTES_PER_MS),
        complete=left.complete,
    )


def _take_up_move(s: State, left: MoveLeft, now_ms: float) -> None:
    """The tool call is open until the caller is back, and is answered by what became of the move."""
    response_id = next(reversed(s.responses), "")
    wait_ms = s.config.away_wait_ms if left.gone else s.config.farewell_wait_ms
    s.move = PendingMove(
        kind=left.kind, argument=left.argument, call_id=left.call_id, response_id=response_id,
        deadline_ms=now_ms + wait_ms, gone=left.gone,
    )  # fmt: skip
    if left.call_id:
        s.tool_calls.add(left.call_id)
        batch = ToolBatch(response_id=f"move-{left.call_id}", generating=False, session=s.session)
        batch.open_tool_calls[left.call_id] = ToolCall(deadline_ms=s.move.deadline_ms, name=left.tool)
        s.batches[batch.response_id] = batch
