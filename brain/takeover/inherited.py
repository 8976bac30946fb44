"""What a brain has left of a call: made of the card, of what stands in `reply`, and of the conversation.

Why it exists: a brain that dies says nothing; all that it knew and that counts stands in three places, and
none of them says it alone. Owns: which audio is still to be heard, which answer broke off, whether the caller
waits for one, which tools were interrupted. Pure. Must not know: how they are read, what is done about it.

The rules of `reply` are those of egress (egress/reply/intake.py): an entry of a lower cut is void, and one
of a lower epoch where a higher one stands before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from brain.memory.conversation import Conversation
from brain.sequencer.inherit import ItemLeft, Left, MoveLeft
from shared.audio import BYTES_PER_MS
from shared.contract.card import CallState, Next
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.contract.views import BrainView

MOVES = (Next.DIAL, Next.DIGITS)
WAYS_OUT = (Next.HANG_UP, Next.APOLOGY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """What is taken up."""

    left: Left
    replayed: tuple[str, ...] = ()
    """Items of the caller whose sound is said again."""
    understood: str = ""
    """The item of the caller, not written down yet, upon which the model has called a tool: said again, it
    would call that tool again. Its sound is told as a part of the past."""
    heard_out: dict[str, int] = field(default_factory=dict)
    """Items of the model that were heard to their end, though nobody has noted it: their length, ms."""
    received: dict[str, int] = field(default_factory=dict)
    """Items of the model that have no end: how much of them there is, ms."""
    interrupted: dict[str, str] = field(default_factory=dict)
    """Tools that did not end: names by call."""
    hang_up: str = ""
    """The cause of a hang-up that was to follow."""
    farewell_response: str = ""
    """What is still to be heard before it."""
    is_farewell_heard: bool = False
    """It was said, and nothing of it is to be heard any more."""
    is_back: bool = False
    """The caller has come back from where the move had sent them."""
    is_on_way_out: bool = False
    """The card has a plan, and the stream is to be closed for it."""

    @property
    def is_farewell_cut_off(self) -> bool:
        """What is heard before the hang-up breaks off in the middle of a word."""
        last = self.left.items[-1] if self.left.items else None
        return last is not None and not last.complete and last.response_id == self.left.cut_off


def find(card: BrainView, entries: Sequence[ReplyEntry], known: Conversation) -> Inherited:
    """What the last brain has left. `known` is what its history tells."""
    reply = _Reply.of(card.cut, entries)
    items = _unheard(card, [item for item in reply.items.values() if item.cut == reply.cut], known)
    flushed = [
        item
        for item in reply.items.values()
        if item.cut == reply.cut - 1 and not known.is_decided(item.item_id)
    ]
    sounding = {item.item_id for item in reply.items.values()}
    if card.playhead_item:
        sounding.add(card.playhead_item)
    since = known.since_answer(sounding)
    # The sound of what was not written down yet is kept until it is answered.
    unwritten = [item_id for item_id, is_final in since if not is_final]
    tools_at = [at for at, (item_id, _) in enumerate(since) if known.tool_state(item_id) is not None]
    spoken_since = any(not is_final for _, is_final in since[tools_at[-1] if tools_at else 0 :])
    understood = unwritten[-1] if unwritten and not spoken_since else ""
    replayed = () if understood else tuple(unwritten)
    move = _move(card, known)
    open_tools = known.open_tools
    if move is not None:
        open_tools.pop(move.call_id, None)
    left = Left(
        cut=reply.cut,
        items=tuple(items),
        flushed=tuple(item.left(0.0) for item in flushed),
        ended=frozenset(reply.ended),
        audible_response=card.audible_response or "",
        is_unanswered=bool(since),
        is_replayed=bool(replayed),
        was_interrupted=bool(open_tools),
        move=move,
    )
    hang_up = ""
    if card.pending is Next.HANG_UP:
        hang_up = card.pending_arg or "hang_up"
    return Inherited(
        left=left,
        replayed=replayed,
        understood=understood,
        heard_out=_heard_out(known, sounding),
        received=_received(card, reply, known),
        interrupted=open_tools,
        hang_up=hang_up,
        farewell_response=items[-1].response_id if items else "",
        is_farewell_heard=bool(hang_up) and card.pending_said is True and not items,
        is_back=move is not None and move.gone and _is_back(card),
        is_on_way_out=card.next in WAYS_OUT,
    )


# Private.


@dataclass(slots=True)
class _Piece:
    item_id: str
    response_id: str
    cut: int
    received_bytes: int = 0
    complete: bool = False
    debt: int = 0

    def left(self, heard_ms: float) -> ItemLeft:
        return ItemLeft(
            item_id=self.item_id,
            response_id=self.response_id,
            received_bytes=self.received_bytes,
            heard_ms=heard_ms,
            complete=self.complete,
            debt=self.debt,
        )


@dataclass(slots=True)
class _Reply:
    cut: int
    items: dict[str, _Piece] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, cut: int, entries: Sequence[ReplyEntry]) -> _Reply:
        reply, epoch = cls(cut), 0
        for entry in entries:
            if entry.epoch >= epoch:
                epoch = entry.epoch
                reply._take(entry)
        return reply

    def _take(self, entry: ReplyEntry) -> None:
        self.cut = max(self.cut, entry.cut)
        match entry.kind:
            case ReplyKind.AUDIO:
                item = self.items.setdefault(
                    entry.item_id, _Piece(entry.item_id, entry.response_id, entry.cut)
                )
                end_bytes = entry.offset_bytes + len(entry.audio)
                item.received_bytes = max(item.received_bytes, end_bytes)
                item.debt = max(item.debt, entry.debt)
            case ReplyKind.ITEM_END:
                found = self.items.get(entry.item_id)
                if found is not None:
                    found.received_bytes, found.complete = entry.offset_bytes, True
            case ReplyKind.RESPONSE_END:
                self.ended.add(entry.response_id)
            case ReplyKind.FLUSH | ReplyKind.PAUSE | ReplyKind.RESUME:
                pass  # Its cut is all that it says; a pause ends by itself.


def _unheard(card: BrainView, pieces: list[_Piece], known: Conversation) -> list[ItemLeft]:
    """What of the present cut is still to be heard, or was heard and not noted."""
    names = [piece.item_id for piece in pieces]
    at = names.index(card.playhead_item) if card.playhead_item in names else -1
    items: list[ItemLeft] = []
    for number, piece in enumerate(pieces):
        if known.is_decided(piece.item_id):
            continue
        total_ms = piece.received_bytes / BYTES_PER_MS
        heard_ms = total_ms if number < at else 0.0
        if number == at:
            heard_ms = float(card.playhead_ms or 0)
        items.append(piece.left(heard_ms))
    return items


def _heard_out(known: Conversation, sounding: set[str]) -> dict[str, int]:
    """Egress forgets in `reply` what was heard: an item that is whole and not there any more was."""
    return {
        item_id: ms for item_id, ms in known.undecided.items() if ms is not None and item_id not in sounding
    }


def _received(card: BrainView, reply: _Reply, known: Conversation) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for item_id, ms in known.undecided.items():
        if ms is not None:
            continue
        piece = reply.items.get(item_id)
        if piece is not None:
            lengths[item_id] = piece.received_bytes // BYTES_PER_MS
        elif item_id == card.playhead_item:
            lengths[item_id] = card.playhead_ms or 0
    return lengths


def _move(card: BrainView, known: Conversation) -> MoveLeft | None:
    """A move that was to come, or is under way. A card of an older version knows the plan alone; then the
    tool that waits is the newest one."""
    is_planned = card.next in MOVES
    if card.pending in MOVES:
        kind, argument, call_id = card.pending, card.pending_arg or "", card.pending_call or ""
    elif is_planned:
        kind, argument = card.next, card.next_arg
        call_id = next(reversed(known.open_tools), "")
    else:
        return None
    gone = is_planned or bool(card.pending_leg)
    tool = known.open_tools.get(call_id, "")
    return MoveLeft(kind=kind, argument=argument, call_id=call_id, tool=tool, gone=gone)


def _is_back(card: BrainView) -> bool:
    is_newer = card.pending_leg is not None and 0 < card.pending_leg < card.leg
    return card.state is CallState.ATTACHED and card.next is Next.NOTHING and is_newer
